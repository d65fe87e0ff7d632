"""Selective classification: a confidence threshold for a coverage, and the figures above it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def abstain_threshold(confidence: NDArray[np.floating], coverage: float) -> float:
    """Return the highest confidence that at least a share `coverage` of the images reaches.

    Parameters
    ----------
    confidence : ndarray, shape (n,)
        Largest probability of each calibration image, after the temperature.
    coverage : float
        Above 0, at most 1.

    Returns
    -------
    float
        Rounded down to four digits, so that rounding excludes no image.
    """
    ordered = np.sort(confidence)[::-1]
    last = ordered[max(1, math.ceil(coverage * len(ordered) - 1e-9)) - 1]
    return math.floor(float(last) * 1e4) / 1e4


def selective_figures(
    truth: NDArray[np.intp], probabilities: NDArray[np.floating], threshold: float | NDArray[np.floating]
) -> dict[str, Any]:
    """Return the figures of images at or above the threshold (selective classification, El-Yaniv and Wiener,
    J Mach Learn Res 2010;11:1605-41).

    Parameters
    ----------
    truth : ndarray of int, shape (n,)
    probabilities : ndarray, shape (n, k)
    threshold : float, or ndarray of shape (n,)
        One for all, or one per image.

    Returns
    -------
    dict
        ``abstain_below`` (None where it differs), ``coverage`` (share of the images that reach it),
        ``n``, ``accuracy`` and ``balanced_accuracy`` of those (None where there are none).
    """
    kept = probabilities.max(axis=1) >= threshold
    right = probabilities.argmax(axis=1)[kept] == truth[kept]
    recalls = [right[truth[kept] == c].mean() for c in np.unique(truth[kept])]
    return {
        "abstain_below": threshold if isinstance(threshold, float) else None,
        "coverage": float(kept.mean()),
        "n": int(kept.sum()),
        "accuracy": float(right.mean()) if len(right) else None,
        "balanced_accuracy": float(np.mean(recalls)) if recalls else None,
    }
