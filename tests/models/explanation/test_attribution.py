from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
from torch import nn

from napari_bonemarrow.models import Bundle, BundleError
from napari_bonemarrow.models.bundles.catalogue import ARCHITECTURES, CAM_STRIDE
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.models.explanation.attribution import _on_crop_grid, explain
from napari_bonemarrow.models.explanation.cam import CamLayer, answer_of, cam_layer_of, first_field
from napari_bonemarrow.models.explanation.methods import METHODS
from napari_bonemarrow.models.networks.architectures import build, head_of
from tests.models.conftest import card


@pytest.fixture(scope="module")
def classifier(bundle: Bundle) -> Classifier:
    return Classifier(bundle, "cpu")


@pytest.mark.parametrize("method", METHODS)
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
    before = torch.get_num_threads()
    torch.set_num_threads(2)  # which added up the gradient in either order, about once in 30 times
    try:
        maps = [classifier.explain(crops[1], "gradcam", "LYT").values for _ in range(30)]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    for each in maps[1:]:
        np.testing.assert_array_equal(maps[0], each)


@pytest.mark.parametrize("method", METHODS)
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


CONVOLUTIONS = sorted(name for name, each in ARCHITECTURES.items() if not each.backbone)


def centre_of_field(network: nn.Module, name: str, size: int, field: int) -> float:
    """Which pixels a field listens to: the centre of mass of its gradient."""
    image = torch.randn(1, 3, size, size, requires_grad=True)
    maps = answer_of(network, cam_layer_of(network, name), image)
    gradient = torch.autograd.grad(maps[0, :, field, field].square().sum(), image)[0]
    weight = gradient.abs().sum(dim=(0, 1))
    line = torch.arange(size, dtype=torch.float32)
    return float((weight.sum(0) * line).sum() / weight.sum())


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_fields_of_the_layer_lie_where_they_look(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, 2).eval()
    expected = ARCHITECTURES[name].cam_offset + CAM_STRIDE * 4
    assert abs(centre_of_field(network, name, 128, 4) - expected) < 5


@pytest.mark.parametrize(
    ("name", "stride", "offset"),
    [
        ("timm:resnet18", 16, 0.0),
        ("timm:convnext_atto", 16, 7.5),
        # TensorFlow's padding adds to the right and below alone: 1 + 2 + 4 + 8 px.
        ("timm:tf_mobilenetv3_small_100", 16, 15.0),
        ("timm:vit_tiny_patch16_224", 16, 7.5),
    ],
)
def test_fields_of_timms_networks(name: str, stride: float, offset: float) -> None:
    torch.manual_seed(0)
    network = build(name, 2).eval()
    found = first_field(network, name, cam_layer_of(network, name), 224)
    assert found[0] == stride
    assert abs(found[1] - offset) < 4


def test_answers_are_laid_out_as_maps() -> None:
    nowhere = nn.Identity()
    answer = torch.arange(2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
    last = answer.permute(0, 2, 3, 1)
    assert torch.equal(CamLayer(nowhere).as_maps(answer), answer)
    assert torch.equal(CamLayer(nowhere, channels=3).as_maps(answer), answer)
    assert torch.equal(CamLayer(nowhere, channels=3).as_maps(last), answer)
    tokens = torch.cat([torch.full((2, 5, 3), -1), last.flatten(1, 2)], dim=1)
    assert torch.equal(CamLayer(nowhere, prefix=5).as_maps(tokens), answer)
    with pytest.raises(BundleError, match=r"no map can be made of an answer of shape \(2, 21, 3\)"):
        CamLayer(nowhere, prefix=0).as_maps(tokens)


def test_a_network_without_a_layer_to_read() -> None:
    network = build("timm:mixer_s32_224", 2)
    network.feature_info = []
    with pytest.raises(BundleError, match="mixer_s32_224: has no layer that Grad-CAM can read"):
        cam_layer_of(network, "timm:mixer_s32_224")


def small_backbone() -> nn.Module:
    """A network of tokens like the backbones, but small."""
    torch.manual_seed(0)
    return timm.create_model(
        "vit_small_patch14_dinov2",
        num_classes=2,
        img_size=56,
        dynamic_img_size=True,
        embed_dim=48,
        depth=2,
        num_heads=3,
        init_values=1.0,
    ).eval()


def test_a_patch_that_speaks_for_a_class_is_shown_where_it_lies() -> None:
    """One bright patch, and a class that follows it: the map must peak on its pixels."""
    network = small_backbone().requires_grad_(False)
    image = torch.zeros(1, 3, 56, 56)
    image[:, :, 14:28, 42:56] = 8.0  # row 1, column 3
    layer = cam_layer_of(network, "dinobloom_s")
    assert answer_of(network, layer, image).shape == (1, 48, 4, 4)
    seen: list[torch.Tensor] = []
    hook = network.norm.register_forward_hook(lambda _m, _i, out: seen.append(out))
    network(image)
    network(torch.zeros_like(image))
    hook.remove()
    head_of(network, "dinobloom_s").weight[0] = seen[0][0, 0] - seen[1][0, 0]
    head_of(network, "dinobloom_s").weight[1] = 0.0
    map_ = explain(
        network, image, card("dinobloom_s", crop_size=112, network_size=56), "gradcam", "BLA", None, 0
    )
    row, column = np.unravel_index(map_.values.argmax(), map_.values.shape)
    assert 28 <= row < 56
    assert 84 <= column < 112


def test_a_field_is_drawn_at_its_pixel() -> None:
    values = torch.zeros(1, 1, 8, 8)
    values[0, 0, 2, 5] = 1
    laid = _on_crop_grid(values, network_size=128, crop_size=256, stride=16, offset=0.0)
    row, column = np.unravel_index(laid.argmax(), laid.shape)
    # Network pixels 32 and 80 are crop pixels 64.5 and 160.5 at twice the size.
    assert abs(row - 64.5) <= 0.5
    assert abs(column - 160.5) <= 0.5
