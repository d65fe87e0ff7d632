"""Calibration of confidence: error, reliability and temperature."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.intervals import wilson

BINS = 15
"""Equal-width bins of confidence, as in Guo et al. 2017 (arXiv:1706.04599)."""


def bin_of(confidence: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return the bin of each confidence, 0 to 14; bins include their lower bound."""
    return np.minimum((confidence * BINS).astype(np.intp), BINS - 1)


def expected_calibration_error(
    confidence: NDArray[np.float64],
    right: NDArray[np.bool_],
    weight: NDArray[np.float64] | None = None,
) -> float:
    """Return the mean gap of confidence and accuracy over 15 bins (Guo et al. 2017, arXiv:1706.04599)."""
    weight = np.ones(len(right)) if weight is None else weight
    gaps = np.bincount(bin_of(confidence), weight * (confidence - right), BINS)
    return float(np.abs(gaps).sum() / weight.sum())


def reliability(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Return the bins with images: bounds, n, mean confidence, accuracy with its Wilson interval."""
    bins = bin_of(confidence)
    rows = []
    for number in np.unique(bins):
        here = bins == number
        n, hits = int(here.sum()), int(right[here].sum())
        rows.append(
            {
                "low": round(int(number) / BINS, 4),
                "high": round((int(number) + 1) / BINS, 4),
                "n": n,
                "confidence": round(float(confidence[here].mean()), 4),
                "accuracy": round(hits / n, 4),
                "accuracy_ci95": [round(bound, 4) for bound in wilson(hits, n)],
            }
        )
    return rows


def fit_temperature(logits: NDArray[np.floating], truth: NDArray[np.intp]) -> float:
    """Return the temperature of least negative log-likelihood (Guo et al. 2017, arXiv:1706.04599).

    Parameters
    ----------
    logits : ndarray, shape (n, k)
        Logits of images that the network was not fitted on.
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
