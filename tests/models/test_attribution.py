from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_bonemarrow.models import Bundle, BundleError
from napari_bonemarrow.models.attribution import _on_crop_grid
from napari_bonemarrow.models.catalogue import ARCHITECTURES, CAM_STRIDE
from napari_bonemarrow.models.classifier import Classifier


@pytest.fixture(scope="module")
def classifier(bundle: Bundle) -> Classifier:
    return Classifier(bundle, "cpu")


@pytest.mark.parametrize("method", ["gradcam", "smoothgrad"])
def test_map_lies_on_the_crop(classifier: Classifier, crops: np.ndarray, method: str) -> None:
    map_ = classifier.explain(crops[0], method)
    assert map_.values.shape == crops[0].shape[:2]
    assert map_.values.dtype == np.float32
    assert map_.values.min() >= 0
    assert map_.values.max() <= 1
    top = classifier.classify(crops[:1])
    assert map_.target == top.classes[top.ranked()[0, 0]]
    assert map_.against is None
    assert map_.microns_per_pixel == classifier.bundle.card.microns_per_pixel


def test_smoothgrad_repeats_with_its_seed_and_leaves_the_global_one(
    classifier: Classifier, crops: np.ndarray
) -> None:
    torch.manual_seed(11)
    undisturbed = torch.rand(3)
    torch.manual_seed(11)
    first = classifier.explain(crops[0], "smoothgrad", "BLA", seed=1).values
    assert torch.equal(torch.rand(3), undisturbed)
    again = classifier.explain(crops[0], "smoothgrad", "BLA", seed=1).values
    other = classifier.explain(crops[0], "smoothgrad", "BLA", seed=2).values
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.max() == 1


def test_gradcam_repeats(classifier: Classifier, crops: np.ndarray) -> None:
    first = classifier.explain(crops[1], "gradcam", "LYT").values
    np.testing.assert_array_equal(first, classifier.explain(crops[1], "gradcam", "LYT").values)


@pytest.mark.parametrize("method", ["gradcam", "smoothgrad"])
def test_against_another_class_is_another_question(
    classifier: Classifier, crops: np.ndarray, method: str
) -> None:
    alone = classifier.explain(crops[0], method, "BLA")
    apart = classifier.explain(crops[0], method, "BLA", against="LYT")
    assert apart.against == "LYT"
    assert not np.allclose(alone.values, apart.values)


def test_explaining_leaves_classification_alone(classifier: Classifier, crops: np.ndarray) -> None:
    before = classifier.classify(crops).probabilities
    classifier.explain(crops[0], "gradcam")
    classifier.explain(crops[0], "smoothgrad")
    np.testing.assert_array_equal(before, classifier.classify(crops).probabilities)


def test_unknown_names(classifier: Classifier, crops: np.ndarray) -> None:
    with pytest.raises(BundleError, match="no explanation 'occlusion'"):
        classifier.explain(crops[0], "occlusion")
    with pytest.raises(BundleError, match="class 'PLM' is none of tiny's"):
        classifier.explain(crops[0], "gradcam", "PLM")
    with pytest.raises(BundleError, match="both BLA"):
        classifier.explain(crops[0], "gradcam", "BLA", against="BLA")


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_fields_of_the_layer_lie_where_they_look(name: str) -> None:
    """Light up one pixel: the mean of where the layer answers must be where the pixel is."""
    from napari_bonemarrow.models.architectures import build, cam_layer_of

    torch.manual_seed(0)
    size, pixel = 128, 66
    network = build(name, 2).eval()
    seen: list[torch.Tensor] = []
    cam_layer_of(network, name).register_forward_hook(lambda _m, _i, out: seen.append(out))
    image = torch.randn(1, 3, size, size, requires_grad=True)
    network(image)
    # Which pixels field (4, 4) listens to: the centre of mass of its gradient.
    field = 4
    gradient = torch.autograd.grad(seen[0][0, :, field, field].square().sum(), image)[0]
    weight = gradient.abs().sum(dim=(0, 1))
    line = torch.arange(size, dtype=torch.float32)
    centre = float((weight.sum(0) * line).sum() / weight.sum())
    expected = ARCHITECTURES[name].cam_offset + CAM_STRIDE * field
    assert abs(centre - expected) < 5, (centre, expected, pixel)


def test_a_field_is_drawn_at_its_pixel() -> None:
    values = torch.zeros(1, 1, 8, 8)
    values[0, 0, 2, 5] = 1
    laid = _on_crop_grid(values, network_size=128, crop_size=256, stride=16, offset=0.0)
    row, column = np.unravel_index(laid.argmax(), laid.shape)
    # Network pixels 32 and 80 are crop pixels 64.5 and 160.5 at twice the size.
    assert abs(row - 64.5) <= 0.5
    assert abs(column - 160.5) <= 0.5
