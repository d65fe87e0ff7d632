"""Bootstrap intervals of a classification's figures, resampled within each class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.training.figures.calibration import BINS, bin_of

DRAWS = 2000

LEVEL = 0.95

MEASURES = ("accuracy", "balanced_accuracy", "macro_f1", "ece")
"""The measures of `intervals`."""

_AT_ONCE = 2_000_000  # images in a block of resamples


def intervals(
    truth: NDArray[np.intp],
    predicted: NDArray[np.intp],
    confidence: NDArray[np.floating],
    weight: NDArray[np.float64] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Return the 95 % percentile bootstrap of each of `MEASURES`.

    Images are drawn with replacement within their true class (Efron & Tibshirani, *An Introduction to the
    Bootstrap*, 1993, ch. 13), so each resample has the set's number of images per class. A class with a
    single image stays unchanged. The calibration error is a sum of absolute gaps, which resampling noise
    increases, so the interval is moved down by the excess of the resamples' mean over the measured error (the
    bootstrap's estimate of bias, ch. 10). The same bias in the measured error, from the number of images,
    stays, which is conservative.

    Parameters
    ----------
    truth, predicted : ndarray of int, shape (n,)
    confidence : ndarray, shape (n,)
        Probability of the predicted class.
    weight : ndarray, shape (n,), optional
        Weight of each image, equal within a true class.
    draws, seed : int

    Returns
    -------
    dict of str to (float, float)
        Empty if no class has two images.
    """
    from scipy.stats import bootstrap

    groups = [np.flatnonzero(truth == code) for code in np.unique(truth)]
    single = np.array([group[0] for group in groups if len(group) == 1], np.intp)
    groups = [group for group in groups if len(group) > 1]
    if not groups:
        return {}
    seen, column = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    true, told = column[: len(truth)], column[len(truth) :]
    weights = np.ones(len(truth)) if weight is None else weight

    def statistic(*drawn: NDArray[np.intp], axis: int = -1) -> NDArray[np.float64]:
        """Return the measures of resamples, shape (4, ...)."""
        fixed = np.broadcast_to(single, (*drawn[0].shape[:-1], len(single)))
        index = np.concatenate([*drawn, fixed], axis=axis)
        rows = index.reshape(-1, index.shape[-1])
        values = measures(true[rows], told[rows], confidence[rows], weights[rows], len(seen))
        return values.reshape(len(MEASURES), *index.shape[:-1])

    found = bootstrap(
        groups,
        statistic,
        n_resamples=draws,
        batch=max(1, _AT_ONCE // len(truth)),
        vectorized=True,
        method="percentile",
        confidence_level=LEVEL,
        random_state=np.random.default_rng(seed),
    )
    bounds = {
        name: (float(low), float(high))
        for name, low, high in zip(MEASURES, *found.confidence_interval, strict=True)
    }
    at = MEASURES.index("ece")
    bias = float(found.bootstrap_distribution[at].mean() - statistic(*groups)[at])
    low, high = bounds["ece"]
    return {**bounds, "ece": (max(low - bias, 0.0), max(high - bias, 0.0))}


def measures(
    truth: NDArray[np.intp],
    predicted: NDArray[np.intp],
    confidence: NDArray[np.floating],
    weight: NDArray[np.float64],
    k: int,
) -> NDArray[np.float64]:
    """Return `MEASURES` of many sets of equal size at once.

    Parameters
    ----------
    truth, predicted : ndarray of int, shape (m, n)
        0 to k - 1; every row has the same true classes.
    confidence, weight : ndarray, shape (m, n)
    k : int

    Returns
    -------
    ndarray, shape (4, m)
    """
    m = len(truth)
    row = np.arange(m)[:, None]
    cell = (row * k + truth) * k + predicted
    table = np.bincount(cell.ravel(), weight.ravel(), m * k * k).reshape(m, k, k)
    total, of_class, of_told = table.sum((1, 2)), table.sum(2), table.sum(1)
    hits = np.diagonal(table, axis1=1, axis2=2)
    present = of_class[0] > 0
    recall = hits[:, present] / of_class[:, present]
    f1 = 2 * hits[:, present] / (of_class + of_told)[:, present]
    gap = weight * (confidence - (truth == predicted))
    gaps = np.bincount((row * BINS + bin_of(confidence)).ravel(), gap.ravel(), m * BINS).reshape(m, BINS)
    ece = np.abs(gaps).sum(1) / total
    return np.stack([hits.sum(1) / total, recall.mean(1), f1.mean(1), ece])


def drop_interval(
    truth: NDArray[np.intp],
    before: NDArray[np.bool_],
    after: NDArray[np.bool_],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return the fall of the balanced accuracy with its paired 95 % bootstrap interval.

    Before and after use the same resampled images, within each class.

    Parameters
    ----------
    truth : ndarray of int, shape (n,)
    before, after : ndarray of bool, shape (n,)
        Whether each image was classified correctly.

    Returns
    -------
    tuple of float
        Fall, lower and upper bound; equal to the fall where every class has a single image.
    """
    from scipy.stats import bootstrap

    loss = before.astype(np.float64) - after.astype(np.float64)
    groups = [loss[truth == code] for code in np.unique(truth)]
    single = sum(float(group[0]) for group in groups if len(group) == 1)
    fall = float(np.mean([group.mean() for group in groups]))
    several = [group for group in groups if len(group) > 1]
    if not several:
        return fall, fall, fall

    def statistic(*drawn: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        means: NDArray[np.float64] = np.stack([group.mean(axis=axis) for group in drawn])
        fallen: NDArray[np.float64] = (means.sum(axis=0) + single) / len(groups)
        return fallen

    found = bootstrap(
        several,
        statistic,
        n_resamples=draws,
        batch=max(1, _AT_ONCE // len(truth)),
        vectorized=True,
        method="percentile",
        confidence_level=LEVEL,
        random_state=np.random.default_rng(seed),
    ).confidence_interval
    return fall, float(found.low), float(found.high)
