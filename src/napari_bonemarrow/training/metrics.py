"""Figures of a classification, from true and predicted classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BINS = 15


def confusion(truth: NDArray[np.intp], predicted: NDArray[np.intp], k: int) -> NDArray[np.int64]:
    """Count true (rows) against predicted (columns) classes, shape (k, k)."""
    table = np.zeros((k, k), np.int64)
    np.add.at(table, (truth, predicted), 1)
    return table


def expected_calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Mean gap of confidence and accuracy over 15 equal bins (Guo et al. 2017, arXiv:1706.04599)."""
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = [
        abs(confidence[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean()
        for b in np.unique(bins)
    ]
    return float(sum(gaps))


def balanced_accuracy_interval(
    truth: NDArray[np.intp], right: NDArray[np.bool_], *, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile bootstrap of the balanced accuracy, images drawn within their class."""
    rng = np.random.default_rng(seed)
    recalls = []
    for code in np.unique(truth):
        hits = right[truth == code]
        recalls.append(rng.binomial(len(hits), hits.mean(), draws) / len(hits))
    low, high = np.quantile(np.mean(recalls, axis=0), [0.025, 0.975])
    return float(low), float(high)


def figures(
    truth: NDArray[np.intp],
    probabilities: NDArray[np.floating],
    classes: Sequence[str],
    tolerated: frozenset[frozenset[str]] = frozenset(),
) -> dict[str, Any]:
    """Compute the figures of the metrics document.

    Classes that occur in the truth count; a prediction of another class is wrong.

    Parameters
    ----------
    truth : ndarray of int, shape (n,)
        Columns.
    probabilities : ndarray, shape (n, k)
    classes : sequence of str
        The k codes.
    tolerated : frozenset of pairs of codes
        Confusions that the tolerant figures count as right.

    Returns
    -------
    dict
        ``n, classes, accuracy, balanced_accuracy, balanced_accuracy_ci95, macro_f1, weighted_f1, ece,
        per_class, tolerant, confusion``.
    """
    from sklearn.metrics import precision_recall_fscore_support

    predicted = probabilities.argmax(axis=1)
    present = [int(code) for code in np.unique(truth)]
    right = predicted == truth
    precision, recall, f1, n = precision_recall_fscore_support(
        truth, predicted, labels=present, zero_division=0.0
    )
    near = np.eye(len(classes), dtype=bool)
    index = {code: i for i, code in enumerate(classes)}
    for pair in tolerated:
        a, b = (index[code] for code in sorted(pair))
        near[a, b] = near[b, a] = True
    nearly = near[truth, predicted]
    confidence = probabilities.max(axis=1).astype(np.float64)
    return {
        "n": len(truth),
        "classes": [classes[i] for i in present],
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(recall.mean()),
        "balanced_accuracy_ci95": list(balanced_accuracy_interval(truth, right)),
        "macro_f1": float(f1.mean()),
        "weighted_f1": float((f1 * n).sum() / n.sum()),
        "ece": expected_calibration_error(confidence, right),
        "per_class": {
            classes[c]: {"n": int(n[i]), **_round(precision[i], recall[i], f1[i])}
            for i, c in enumerate(present)
        },
        "tolerant": {
            "accuracy": float(nearly.mean()),
            "balanced_accuracy": float(np.mean([nearly[truth == c].mean() for c in present])),
            "pairs": sorted("/".join(sorted(pair)) for pair in tolerated),
        },
        "confusion": {
            classes[c]: {
                classes[j]: int(v) for j, v in enumerate(confusion(truth, predicted, len(classes))[c]) if v
            }
            for c in present
        },
    }


def _round(precision: float, recall: float, f1: float) -> dict[str, float]:
    return {
        "precision": round(float(precision), 4),
        "recall": round(float(recall), 4),
        "f1": round(float(f1), 4),
    }


def fit_temperature(logits: NDArray[np.floating], truth: NDArray[np.intp]) -> float:
    """Find the temperature with the least negative log-likelihood (Guo et al. 2017, arXiv:1706.04599).

    Parameters
    ----------
    logits : ndarray, shape (n, k)
        Of images that the network was not fitted on.
    truth : ndarray of int, shape (n,)

    Returns
    -------
    float
        Between 0.2 and 5.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    rows = np.arange(len(truth))
    logits = logits.astype(np.float64)

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        return float((logsumexp(scaled, axis=1) - scaled[rows, truth]).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.2), np.log(5.0)), method="bounded")
    return float(np.exp(found.x))
