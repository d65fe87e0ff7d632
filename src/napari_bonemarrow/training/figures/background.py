"""Prediction of a crop's source from its background, or from the network's features.

Where sources show different classes, a network that recognises the source knows half the answer, and its
figures are too good. Here the source is predicted among images of shared classes in equal numbers, so that
the class itself reveals nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CENTRE = 0.4
"""Radius of the central disc taken as the cell, share of the side: 10 µm of a 25 µm crop."""

SATURATED = 0.25
"""Saturation from which a pixel that is not red is stained nucleus or cytoplasm."""

SURE = 0.95
"""Probability from which a right prediction counts as recognised."""

FOLDS = 5


def background_mask(crop: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the pixels outside nucleated cells.

    A central disc and pixels stained blue to purple (saturated, blue not below red as in red cells) are
    left out. Plasma, red cells and empty glass remain.

    Parameters
    ----------
    crop : ndarray of uint8, shape (s, s, 3)

    Returns
    -------
    ndarray of bool, shape (s, s)
    """
    side = len(crop)
    away = np.arange(side) - (side - 1) / 2
    disc = np.add.outer(away**2, away**2) < (CENTRE * side) ** 2
    pixels = crop.astype(np.float32)
    top, bottom = pixels.max(axis=2), pixels.min(axis=2)
    saturation = (top - bottom) / np.maximum(top, 1)
    stained = (saturation > SATURATED) & (pixels[..., 2] >= pixels[..., 0])
    mask: NDArray[np.bool_] = ~(disc | stained)
    return mask


def background_features(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return features of the background: colour of each channel and local texture.

    Parameters
    ----------
    crop : ndarray of uint8, shape (s, s, 3)

    Returns
    -------
    ndarray of float32, shape (25,)
        For each channel: mean, standard deviation, 5th, 50th and 95th percentile, mean gradient, mean
        absolute Laplacian (noise and compression); two correlations of channels; steps between JPEG's blocks
        of 8 px less those within them; the background's share of the crop.
    """
    from scipy.ndimage import gaussian_gradient_magnitude, laplace

    mask = background_mask(crop)
    if mask.sum() < 16:  # a crop full of stain: only its border is left
        mask = np.zeros_like(mask)
        mask[[0, -1], :] = mask[:, [0, -1]] = True
    values: list[float] = []
    pixels = crop.astype(np.float32)
    for channel in range(3):
        plane = pixels[..., channel]
        here = plane[mask]
        values += [here.mean(), here.std(), *np.quantile(here, [0.05, 0.5, 0.95])]
        values += [gaussian_gradient_magnitude(plane, 1.0)[mask].mean(), np.abs(laplace(plane))[mask].mean()]
    r, g, b = (pixels[..., channel][mask] - pixels[..., channel][mask].mean() for channel in range(3))
    size = np.sqrt([(r * r).mean(), (g * g).mean(), (b * b).mean()]) + 1e-3
    values += [(r * g).mean() / (size[0] * size[1]), (g * b).mean() / (size[1] * size[2])]
    values += [_blockiness(pixels.mean(axis=2), mask), float(mask.mean())]
    return np.array(values, np.float32)


def _blockiness(brightness: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Return how much more neighbours differ across blocks of 8 px than within, in the background."""
    both = mask[:, 1:] & mask[:, :-1]
    step = np.abs(np.diff(brightness, axis=1))
    across = np.zeros_like(both)
    across[:, 7::8] = True
    between, within = step[both & across], step[both & ~across]
    return float(between.mean() - within.mean()) if between.size and within.size else 0.0


def shared_images(
    source: NDArray[np.str_], code: NDArray[np.str_], *, most: int = 200, seed: int = 0
) -> NDArray[np.intp]:
    """Return equal numbers of images of each class in every source.

    Parameters
    ----------
    source, code : ndarray of str, shape (n,)
    most : int
        Largest number per class and source.
    seed : int

    Returns
    -------
    ndarray of int
        Sorted indices; empty if the sources share no class of which each has `FOLDS` images.
    """
    rng = np.random.default_rng(seed)
    chosen: list[NDArray[np.intp]] = []
    for each in np.unique(code):
        groups = [np.flatnonzero((code == each) & (source == name)) for name in np.unique(source)]
        number = min(most, *(len(group) for group in groups))
        if len(groups) > 1 and number >= FOLDS:
            chosen += [rng.permutation(group)[:number] for group in groups]
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, np.intp)


def guess_source(
    features: NDArray[np.floating], source: NDArray[np.str_], *, seed: int = 0
) -> dict[str, Any]:
    """Return how well a cross-validated logistic regression predicts the source.

    Parameters
    ----------
    features : ndarray, shape (n, d)
    source : ndarray of str, shape (n,)
        At least two names, each `FOLDS` times or more.
    seed : int

    Returns
    -------
    dict
        ``n, balanced_accuracy, balanced_accuracy_ci95`` of images that the regression was not fitted on,
        ``chance``, and ``told``, the share of images whose source is predicted correctly with a
        probability of at least 0.95.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from napari_bonemarrow.training.figures.bootstrap import intervals

    names, truth = np.unique(source, return_inverse=True)
    guesser = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    probabilities = cross_val_predict(guesser, features, truth, cv=folds, method="predict_proba")
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    right = predicted == truth
    recall = [right[truth == code].mean() for code in range(len(names))]
    return {
        "n": len(truth),
        "balanced_accuracy": round(float(np.mean(recall)), 4),
        "balanced_accuracy_ci95": [
            round(bound, 4) for bound in intervals(truth, predicted, confidence)["balanced_accuracy"]
        ],
        "chance": round(1 / len(names), 4),
        "told": round(float((right & (confidence >= SURE)).mean()), 4),
    }
