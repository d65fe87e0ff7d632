"""What a network sees of crops: by the same pass as its classes, and reduced to few axes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_bonemarrow.models import Bundle
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.models.features import MOST_AXES, fit_axes
from napari_bonemarrow.models.networks.architectures import head_of


@pytest.fixture(scope="module")
def classifier(bundle: Bundle) -> Classifier:
    made = Classifier(bundle, "cpu")
    made.batch_size = 4  # nine crops are then three batches
    return made


def test_one_pass_gives_what_two_would(classifier: Classifier, crops: np.ndarray) -> None:
    predictions, features = classifier.classify_and_embed(crops, np.arange(5, 14))
    alone = classifier.classify(crops, np.arange(5, 14))
    np.testing.assert_array_equal(predictions.cell_id, alone.cell_id)
    np.testing.assert_array_equal(predictions.probabilities, alone.probabilities)
    np.testing.assert_allclose(features, classifier.features(crops), atol=1e-5)


def test_the_last_layer_makes_the_logits_of_the_features(classifier: Classifier, crops: np.ndarray) -> None:
    head = head_of(classifier.network, classifier.bundle.card.architecture)
    with torch.inference_mode():
        logits = head(torch.from_numpy(classifier.features(crops))).numpy()
    np.testing.assert_allclose(logits, classifier.logits(crops), rtol=1e-3, atol=1e-3)


def test_of_mirrored_views_the_first_is_kept(
    make_bundle: Callable[..., Bundle], crops: np.ndarray, tmp_path: Path
) -> None:
    classifier = Classifier(make_bundle(tmp_path / "b", test_time_views=2), "cpu")
    _, features = classifier.classify_and_embed(crops)
    np.testing.assert_allclose(features, classifier.features(crops), atol=1e-5)


def test_nothing_is_watched_after_an_error(
    classifier: Classifier, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(classifier, "_forward", broken)
    with pytest.raises(ValueError, match="broken"):
        classifier.features(crops)
    assert not head_of(classifier.network, "mobilenet_v3_small")._forward_pre_hooks


def test_memory_that_runs_out_in_the_middle_doubles_no_row(
    make_bundle: Callable[..., Bundle], crops: np.ndarray, tmp_path: Path
) -> None:
    classifier = Classifier(make_bundle(tmp_path / "b"), "cpu")
    expected, forward = classifier.features(crops), classifier._forward

    def scarce(block: np.ndarray, views: int) -> np.ndarray:
        answers = forward(block, views)
        if classifier.batch_size > 2:
            raise RuntimeError("can't allocate memory")
        return answers

    classifier._forward = scarce
    np.testing.assert_allclose(classifier.features(crops), expected, atol=1e-5)
    assert classifier.batch_size <= 2


def test_axes_are_those_of_the_largest_variance() -> None:
    rng = np.random.default_rng(3)
    basis = np.linalg.qr(rng.normal(size=(100, 40)))[0].T
    spread = np.r_[np.linspace(20, 5, 5), np.full(35, 0.1)]
    features = 7 + rng.normal(size=(600, 40)) * spread @ basis
    mean, axes = fit_axes(features)
    assert axes.shape == (MOST_AXES, 100)
    np.testing.assert_allclose(mean, features.mean(axis=0), atol=1e-3)
    np.testing.assert_allclose(axes @ axes.T, np.eye(MOST_AXES), atol=1e-4)
    exact = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)[2][:5]
    np.testing.assert_allclose(np.abs(np.sum(exact * axes[:5], axis=1)), 1, atol=1e-3)
    assert (axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)] > 0).all()


def test_axes_are_the_same_at_every_call_and_leave_chance_alone() -> None:
    features = np.random.default_rng(4).normal(size=(50, 60)).astype(np.float16)
    before = torch.random.get_rng_state()
    first, second = fit_axes(features), fit_axes(features)
    np.testing.assert_array_equal(first[1], second[1])
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("n", [1, 2, 20])
def test_few_cells_have_few_axes(n: int) -> None:
    features = np.random.default_rng(n).normal(size=(n, 60)).astype(np.float16)
    mean, axes = fit_axes(features)
    assert axes.shape == (n, 60)
    centred = features.astype(np.float32) - mean
    np.testing.assert_allclose(centred @ axes.T @ axes, centred, atol=1e-3)


def test_the_starter_adds_an_earlier_layer() -> None:
    classifier = Classifier("starter", "cpu")
    crops = np.random.default_rng(1).integers(0, 255, (5, 200, 200, 3), np.uint8)
    whole, last = classifier.embed(crops), classifier.features(crops)
    assert whole.shape == (5, 1280 + 2 * 192)
    np.testing.assert_allclose(whole[:, :1280], last, atol=1e-5)
    length = np.linalg.norm(last, axis=1)
    for part in (whole[:, 1280:1472], whole[:, 1472:]):
        np.testing.assert_allclose(np.linalg.norm(part, axis=1), length, rtol=1e-4)
    _, both = classifier.classify_and_embed(crops)
    np.testing.assert_allclose(both, whole, atol=1e-4)
