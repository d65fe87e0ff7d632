from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn import metrics as reference

from napari_bonemarrow.cytology import BMC21
from napari_bonemarrow.cytology.published import MATEK_2021, TOLERATED
from napari_bonemarrow.training.figures.metrics import expected_calibration_error, figures, fit_temperature


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
    row = got["tolerant"]["per_class"]
    assert row["NGB"] == {"n": 3, "precision": 1, "recall": pytest.approx(2 / 3, abs=1e-4), "f1": 0.8}
    assert row["NGS"] == {"n": 1, "precision": 1, "recall": 1, "f1": 1}


def test_tolerance_does_not_chain() -> None:
    classes = ("MYB", "MMZ", "NGB")
    truth, p = np.array([0, 0, 1, 2]), np.eye(3)[[2, 1, 2, 2]]
    got = figures(truth, p, classes, TOLERATED)["tolerant"]
    assert frozenset({"MYB", "MMZ"}) in TOLERATED
    assert frozenset({"MMZ", "NGB"}) in TOLERATED
    assert frozenset({"MYB", "NGB"}) not in TOLERATED
    assert got["per_class"]["MYB"]["recall"] == 0.5  # as metamyelocyte forgiven, as band neutrophil not
    assert got["accuracy"] == 0.75


def test_figures_where_classes_have_other_shares() -> None:
    truth, p = sample()
    told = p.argmax(1)
    share = np.array([0.7, 0.1, 0.15, 0.05])
    got = figures(truth, p, ("BLA", "EBO", "NGB", "NGS"), share=share)
    weight = (share / np.bincount(truth))[truth]
    assert got["accuracy"] == pytest.approx(reference.accuracy_score(truth, told, sample_weight=weight))
    assert got["macro_f1"] == pytest.approx(
        reference.f1_score(truth, told, average="macro", sample_weight=weight)
    )
    assert got["per_class"]["BLA"]["precision"] == pytest.approx(
        reference.precision_score(truth, told, labels=[0], average="macro", sample_weight=weight), abs=1e-4
    )
    assert got["per_class"]["BLA"]["n"] == (truth == 0).sum()
    assert sum(sum(row.values()) for row in got["confusion"].values()) == 400
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        low, high = got[f"{name}_ci95"]
        assert low < got[name] < high


def test_blasts_are_never_forgiven() -> None:
    assert all(len(pair) == 2 and pair <= set(BMC21) and "BLA" not in pair for pair in TOLERATED)


def test_published_figures_are_those_of_the_21() -> None:
    assert set(MATEK_2021) == set(BMC21)
    assert sum(row.n for row in MATEK_2021.values()) == 171_374
    hits = sum(row.n * row.recall.mean for row in MATEK_2021.values())
    assert hits / 171_374 == pytest.approx(0.726, abs=0.001)
    assert np.mean([row.recall.mean for row in MATEK_2021.values()]) == pytest.approx(0.689, abs=0.001)
    assert str(MATEK_2021["NGB"].tolerant_precision) == "0.91 ± 0.02"


def test_the_tolerated_pairs_are_those_that_the_published_table_implies() -> None:
    gain = {
        code
        for code, row in MATEK_2021.items()
        if (row.precision, row.recall) != (row.tolerant_precision, row.tolerant_recall)
    }
    assert {code for pair in TOLERATED for code in pair} == gain - {"BLA"}
    assert all(
        row.tolerant_recall.mean >= row.recall.mean and row.tolerant_precision.mean >= row.precision.mean
        for row in MATEK_2021.values()
    )


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
