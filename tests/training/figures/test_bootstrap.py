from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn import metrics as reference

from napari_bonemarrow.training.figures.bootstrap import MEASURES, drop_interval, intervals, measures
from napari_bonemarrow.training.figures.calibration import expected_calibration_error


def sample(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.sort(rng.integers(0, 3, n))
    p = softmax(rng.normal(0, 1, (n, 3)) + 1.5 * np.eye(3)[truth], axis=1)
    return truth, p.argmax(1), p.max(1)


def test_measures_of_several_sets_at_once_equal_scikit_learn() -> None:
    truth, told, confidence = sample(200)
    weight = np.array([0.5, 2.0, 1.0])[truth]
    drawn = np.stack([np.arange(200), np.concatenate([np.flatnonzero(truth == c)[::-1] for c in range(3)])])
    got = measures(truth[drawn], told[drawn], confidence[drawn], weight[drawn], 3)
    assert got.shape == (4, 2)
    np.testing.assert_allclose(got[:, 0], got[:, 1])
    expected = (
        reference.accuracy_score(truth, told, sample_weight=weight),
        reference.balanced_accuracy_score(truth, told),
        reference.f1_score(truth, told, average="macro", sample_weight=weight),
        expected_calibration_error(confidence, truth == told, weight),
    )
    np.testing.assert_allclose(got[:, 0], expected)


def test_intervals_narrow_with_images_and_repeat() -> None:
    few, many = sample(100), sample(4000, 1)
    narrow, wide = intervals(*many), intervals(*few)
    assert set(narrow) == set(MEASURES)
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        assert wide[name][1] - wide[name][0] > 3 * (narrow[name][1] - narrow[name][0])
    assert wide == intervals(*few)


def test_accuracy_interval_is_that_of_binomials_within_classes() -> None:
    truth = np.repeat([0, 1], (60, 300))
    told = truth.copy()
    told[:15], told[60:90] = 1, 0
    low, high = intervals(truth, told, np.full(360, 0.8))["balanced_accuracy"]
    rng = np.random.default_rng(5)
    drawn = (rng.binomial(60, 0.75, 100_000) / 60 + rng.binomial(300, 0.9, 100_000) / 300) / 2
    assert (low, high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.006)


def test_the_calibration_error_lies_in_its_interval() -> None:
    rng = np.random.default_rng(8)
    confidence = rng.uniform(0.4, 1, 600)
    told = (rng.random(600) > confidence).astype(int)  # perfectly calibrated: what is measured is noise
    error = expected_calibration_error(confidence, told == 0)
    low, high = intervals(np.zeros(600, int), told, confidence)["ece"]
    assert low < error < high
    resampled = [
        expected_calibration_error(confidence[i], told[i] == 0)
        for i in (rng.integers(0, 600, 600) for _ in range(300))
    ]
    assert np.quantile(resampled, 0.025) > low, "resamples lie too high"


def test_a_class_of_one_image_stays_as_it_is() -> None:
    truth = np.array([0, 1, 1, 1, 1])
    low, high = intervals(truth, np.array([0, 1, 1, 0, 0]), np.full(5, 0.9))["balanced_accuracy"]
    assert 0.5 <= low < high <= 1
    assert intervals(np.array([0, 1]), np.array([0, 1]), np.ones(2)) == {}


def test_a_fall_is_paired() -> None:
    truth = np.repeat([0, 1], 100)
    before = np.tile([True, True, True, False], 50)
    same = drop_interval(truth, before, before)
    assert same == (0, 0, 0)
    after = before.copy()
    after[:10] = False
    fall, low, high = drop_interval(truth, before, after)
    assert fall == pytest.approx(before[:10].sum() / 200)
    assert 0 < low < fall < high < 0.1
    assert drop_interval(np.array([0, 1]), np.array([True, True]), np.array([True, False])) == (0.5, 0.5, 0.5)
