"""Metrics of a classification, from true and predicted classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.training.figures.bootstrap import intervals
from napari_bonemarrow.training.figures.calibration import (
    expected_calibration_error,
    fit_temperature,
    reliability,
)

__all__ = ["confusion", "expected_calibration_error", "figures", "fit_temperature"]


def confusion(
    truth: NDArray[np.intp],
    predicted: NDArray[np.intp],
    k: int,
    weight: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the confusion table of true (rows) and predicted (columns) classes, shape (k, k)."""
    table = np.zeros((k, k))
    np.add.at(table, (truth, predicted), 1.0 if weight is None else weight)
    return table


def figures(
    truth: NDArray[np.intp],
    probabilities: NDArray[np.floating],
    classes: Sequence[str],
    tolerated: frozenset[frozenset[str]] = frozenset(),
    share: NDArray[np.float64] | None = None,
) -> dict[str, Any]:
    """Return the figures of the metrics document.

    Only classes in the truth count; a prediction of another class is wrong.

    Parameters
    ----------
    truth : ndarray of int, shape (n,)
        Columns of the true classes.
    probabilities : ndarray, shape (n, k)
    classes : sequence of str
        The k codes.
    tolerated : frozenset of pairs of codes
        Confusions that the tolerant figures count as right.
    share : ndarray, shape (k,), optional
        Share of each class in the target population; each image then weighs its class's share divided by
        its class's number of images. By default every image has the same weight.

    Returns
    -------
    dict
        ``n, classes, accuracy, balanced_accuracy, macro_f1, weighted_f1, ece``, the 95 % bootstrap
        intervals ``accuracy_ci95, balanced_accuracy_ci95, macro_f1_ci95, ece_ci95``, ``per_class``,
        ``tolerant``, ``confusion`` (numbers of images) and ``reliability``.
    """
    predicted = probabilities.argmax(axis=1)
    present = [int(code) for code in np.unique(truth)]
    k = len(classes)
    counts = confusion(truth, predicted, k)
    n = counts.sum(axis=1)
    weight = np.ones(len(truth)) if share is None else (share / np.maximum(n, 1))[truth]
    table = confusion(truth, predicted, k, weight)
    right = predicted == truth
    confidence = probabilities.max(axis=1).astype(np.float64)
    exact = _by_class(table, np.eye(k, dtype=bool))[:, present]
    near = _near(classes, tolerated)
    ranges = intervals(truth, predicted, confidence, weight)
    point = float(weight[right].sum() / weight.sum()), float(exact[1].mean())
    return {
        "n": len(truth),
        "classes": [classes[i] for i in present],
        "accuracy": point[0],
        "accuracy_ci95": list(ranges.get("accuracy", point[:1] * 2)),
        "balanced_accuracy": point[1],
        "balanced_accuracy_ci95": list(ranges.get("balanced_accuracy", point[1:] * 2)),
        "macro_f1": float(exact[2].mean()),
        "macro_f1_ci95": list(ranges["macro_f1"]) if ranges else None,
        "weighted_f1": float(np.average(exact[2], weights=table.sum(axis=1)[present])),
        "ece": expected_calibration_error(confidence, right, weight),
        "ece_ci95": list(ranges["ece"]) if ranges else None,
        "per_class": _rows(exact, present, n, classes),
        "tolerant": {
            "accuracy": float((table * near).sum() / table.sum()),
            "balanced_accuracy": float(_by_class(table, near)[1, present].mean()),
            "per_class": _rows(_by_class(table, near)[:, present], present, n, classes),
            "pairs": sorted("/".join(sorted(pair)) for pair in tolerated),
        },
        "confusion": {
            classes[c]: {classes[j]: int(v) for j, v in enumerate(counts[c]) if v} for c in present
        },
        "reliability": reliability(confidence, right),
    }


def _near(classes: Sequence[str], tolerated: frozenset[frozenset[str]]) -> NDArray[np.bool_]:
    """Return which confusions count as right, shape (k, k): equal classes and the pairs, not chains."""
    near = np.eye(len(classes), dtype=bool)
    index = {code: i for i, code in enumerate(classes)}
    for pair in tolerated:
        a, b = sorted(pair)
        if a in index and b in index:
            near[index[a], index[b]] = near[index[b], index[a]] = True
    return near


def _by_class(table: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return precision, recall and F1 of every class, shape (3, k); 0 where nothing was predicted.

    Precision is the share of a column, recall that of a row, that counts as right.
    """
    hits = table * right
    with np.errstate(invalid="ignore"):
        precision = np.nan_to_num(hits.sum(axis=0) / table.sum(axis=0))
        recall = np.nan_to_num(hits.sum(axis=1) / table.sum(axis=1))
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))
    return np.stack([precision, recall, f1])


def _rows(
    values: NDArray[np.float64], present: list[int], n: NDArray[np.float64], classes: Sequence[str]
) -> dict[str, dict[str, float]]:
    return {
        classes[c]: {
            "n": int(n[c]),
            "precision": round(float(values[0, i]), 4),
            "recall": round(float(values[1, i]), 4),
            "f1": round(float(values[2, i]), 4),
        }
        for i, c in enumerate(present)
    }
