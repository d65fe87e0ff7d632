"""Tell nuclei from platelets, red cells, dirt and stain by size, colour and border."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from napari_bonemarrow.slides.nuclei import WORKING_MICRONS, Moments

LEAST_SCORE = 0.3

HAEMOGLOBIN = (0.36, 0.46)
"""Blue over green absorbance: nuclei have 0.1 to 0.36, red cells 0.37 to 0.65."""

STAIN = (0.3, 0.5)
EDGE = (0.12, 0.25)
AREA_UM2 = (9.0, 16.0)


def _rising(values: NDArray[np.float64], limits: tuple[float, float]) -> NDArray[np.float64]:
    """0 below the lower limit, 1 above the upper one, straight between."""
    low, high = limits
    return np.clip((values - low) / (high - low), 0, 1)


def drop(labels: NDArray[np.int32], keep: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Keep some of the labels 1 to n and number them anew."""
    renumbered = np.zeros(len(keep) + 1, np.int32)
    renumbered[1:][keep] = np.arange(1, keep.sum() + 1)
    return renumbered[labels]


def _means(values: NDArray[np.float32], labels: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    number = np.maximum(np.bincount(labels.ravel(), minlength=count + 1)[1:], 1)
    return np.asarray(np.bincount(labels.ravel(), values.ravel(), count + 1)[1:] / number)


def score_lobes(
    labels: NDArray[np.int32],
    density: NDArray[np.float32],
    smooth: NDArray[np.float32],
    edge: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Score each component by its colour and border, whatever its size, 0 to 1."""
    count = int(labels.max())
    green = _means(density[..., 1], labels, count)
    blue = _means(density[..., 2], labels, count)
    colour = 1 - _rising(blue / np.maximum(green, 0.05), HAEMOGLOBIN)
    return colour * _rising(_means(smooth, labels, count), STAIN) * _rising(edge, EDGE)


def score_nuclei(
    labels: NDArray[np.int32], density: NDArray[np.float32], smooth: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Score each nucleus."""
    count = int(labels.max())
    slope = np.hypot(*np.gradient(smooth)) / WORKING_MICRONS
    border = (labels > 0) & (ndi.minimum_filter(labels, 3) != labels)
    edge = _means(np.where(border, slope, 0), np.where(border, labels, 0), count)
    area = Moments.of_labels(labels, count).area
    return score_lobes(labels, density, smooth, edge) * _rising(area, AREA_UM2)
