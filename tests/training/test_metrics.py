from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn import metrics as reference

from napari_bonemarrow.cytology import BMC21
from napari_bonemarrow.cytology.published import MATEK_2021, TOLERATED
from napari_bonemarrow.training.metrics import (
    balanced_accuracy_interval,
    expected_calibration_error,
    figures,
    fit_temperature,
)


def sample(n: int = 400, sharp: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 4, n)
    logits = rng.normal(0, 1, (n, 4)) + 1.5 * np.eye(4)[truth]
    return truth, softmax(logits * sharp, axis=1)


def test_figures_equal_scikit_learn() -> None:
    truth, p = sample()
    told = p.argmax(1)
    got = figures(truth, p, ("BLA", "EBO", "NGB", "NGS"))
    assert got["n"] == 400
    assert got["accuracy"] == pytest.approx(reference.accuracy_score(truth, told))
    assert got["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(truth, told))
    assert got["macro_f1"] == pytest.approx(reference.f1_score(truth, told, average="macro"))
    assert got["weighted_f1"] == pytest.approx(reference.f1_score(truth, told, average="weighted"))
    assert sum(c["n"] for c in got["per_class"].values()) == 400
    low, high = got["balanced_accuracy_ci95"]
    assert low < got["balanced_accuracy"] < high
    assert sum(sum(row.values()) for row in got["confusion"].values()) == 400


def test_predicting_an_absent_class_is_wrong() -> None:
    truth = np.array([0, 0, 1, 1])
    p = np.eye(3)[[0, 2, 1, 1]] * 0.9 + 0.03
    got = figures(truth, p, ("BLA", "EBO", "NGB"))
    assert got["classes"] == ["BLA", "EBO"]
    assert got["accuracy"] == 0.75
    assert got["balanced_accuracy"] == 0.75
    assert got["confusion"]["BLA"] == {"BLA": 1, "NGB": 1}


def test_tolerant_forgives_neighbours_only() -> None:
    truth = np.array([2, 2, 2, 3])  # NGB, NGB, NGB, NGS
    p = np.eye(4)[[3, 0, 2, 3]]
    got = figures(truth, p, ("BLA", "EBO", "NGB", "NGS"), frozenset({frozenset({"NGB", "NGS"})}))
    assert got["accuracy"] == 0.5
    assert got["tolerant"]["accuracy"] == 0.75
    assert got["tolerant"]["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert got["tolerant"]["pairs"] == ["NGB/NGS"]


def test_blasts_are_never_forgiven() -> None:
    assert all(len(pair) == 2 and pair <= set(BMC21) and "BLA" not in pair for pair in TOLERATED)


def test_published_figures_are_those_of_the_21() -> None:
    assert set(MATEK_2021) == set(BMC21)
    assert sum(row.n for row in MATEK_2021.values()) == 171_374


def test_calibration_error() -> None:
    confidence = np.array([0.95, 0.95, 0.55, 0.55])
    assert expected_calibration_error(confidence, np.array([True, True, True, False])) == pytest.approx(0.05)
    assert expected_calibration_error(np.ones(3), np.zeros(3, bool)) == 1


def test_temperature_undoes_overconfidence() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 1.5, (6000, 5))
    truth = np.array([rng.choice(5, p=row) for row in softmax(logits, axis=1)])
    assert fit_temperature(logits * 3, truth) == pytest.approx(3, rel=0.1)
    assert fit_temperature(logits / 2, truth) == pytest.approx(0.5, rel=0.1)


def test_interval_narrows_with_images_and_repeats() -> None:
    truth = np.repeat([0, 1], 50)
    right = np.tile([True, True, True, False], 25)
    few = balanced_accuracy_interval(truth, right)
    many = balanced_accuracy_interval(np.tile(truth, 20), np.tile(right, 20))
    assert few[0] < many[0] < 0.75 < many[1] < few[1]
    assert few == balanced_accuracy_interval(truth, right)
