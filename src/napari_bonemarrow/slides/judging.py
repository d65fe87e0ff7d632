"""Tell nuclei from platelets, red cells, dirt and stain by size, colour and border."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from napari_bonemarrow.slides.nuclei import WORKING_MICRONS, Moments

LEAST_SCORE = 0.25

HAEMOGLOBIN = 0.33
HAEMOGLOBIN_SLOPE = 0.25
HAEMOGLOBIN_WIDTH = (-0.04, 0.06)
"""Blue over green absorbance: nuclei have -0.3 to 0.4, red cells 0.37 to 0.65. The limit is 0.33 for a
faint stain of 0.3 and rises by 0.25 a unit of stain, since in very dark nuclei green is saturated."""

BLUENESS = 0.84
BLUENESS_SLOPE = 0.4
BLUENESS_WIDTH = (-0.06, 0.06)
"""Red over green absorbance: nuclei have 0.2 to 0.85 (up to 1.05 where very dark), basophilic cytoplasm
and the bodies of platelets 0.85 to 1.2."""

BLUEST = 1.1
"""The most that a smear's own nuclei can raise that limit to: pen and ink absorb red as much as green."""

FAINTEST = 0.3
STAIN = (0.2, 0.35)
EDGE = (0.06, 0.18)
AREA_UM2 = (9.0, 16.0)
RADIUS_UM = (0.7, 1.1)
"""Of the largest circle inside: fibres and smears are thinner than the band of a band neutrophil."""

STEEP = 0.7
SURE_AREA_UM2 = 25.0
SURE_ELLIPTICITY = 0.9


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


@dataclass(frozen=True)
class Evidence:
    """Means over each label, arrays of shape (n,)."""

    stain: NDArray[np.float64]
    edge: NDArray[np.float64]
    red: NDArray[np.float64]
    blue: NDArray[np.float64]
    area: NDArray[np.float64]
    ellipticity: NDArray[np.float64]
    radius: NDArray[np.float64]

    @classmethod
    def of_labels(
        cls, labels: NDArray[np.int32], density: NDArray[np.float32], smooth: NDArray[np.float32]
    ) -> Evidence:
        """Measure labels 1 to n.

        Parameters
        ----------
        labels : ndarray of int32, shape (h, w)
        density : ndarray of float32, shape (h, w, 3)
            Absorbance of red, green and blue.
        smooth : ndarray of float32, shape (h, w)
            The smoothed nuclear stain.
        """
        count = int(labels.max())
        slope = np.hypot(*np.gradient(smooth)) / WORKING_MICRONS
        border = (labels > 0) & (ndi.minimum_filter(labels, 3) != labels)
        depth = ndi.distance_transform_edt((labels > 0) & ~border) * WORKING_MICRONS
        green = np.maximum(_means(density[..., 1], labels, count), 0.05)
        moments = Moments.of_labels(labels, count)
        return cls(
            _means(smooth, labels, count),
            _means(np.where(border, slope, 0), np.where(border, labels, 0), count),
            _means(density[..., 0], labels, count) / green,
            _means(density[..., 2], labels, count) / green,
            moments.area,
            moments.ellipticity,
            ndi.maximum(depth, labels, np.arange(1, count + 1)) + WORKING_MICRONS / 2,
        )

    def belief(self, usual_blueness: float = 0.0) -> NDArray[np.float64]:
        """Tell nuclear colour and border, whatever the size: 0 to 1.

        Parameters
        ----------
        usual_blueness : float
            Red over green absorbance of the smear's strongest nuclei (`StainProfile.blueness`).
        """
        above = self.stain - FAINTEST
        colour = _rising(self._haemoglobin_limit() - self.blue, HAEMOGLOBIN_WIDTH)
        usual = min(usual_blueness, BLUEST) + BLUENESS_WIDTH[1]
        limit = np.maximum(BLUENESS + BLUENESS_SLOPE * above, usual)
        colour *= _rising(limit - self.red, BLUENESS_WIDTH)
        return colour * _rising(self.stain, STAIN) * _rising(self.edge, EDGE)

    def _haemoglobin_limit(self) -> NDArray[np.float64]:
        return HAEMOGLOBIN + HAEMOGLOBIN_SLOPE * (self.stain - FAINTEST)

    def surely_nuclear(self) -> NDArray[np.bool_]:
        """Tell the large, round ones that are no red cells, whatever their blueness; bool, shape (n,)."""
        large = (self.area >= SURE_AREA_UM2) & (self.ellipticity >= SURE_ELLIPTICITY)
        sharp = (self.stain >= STAIN[1]) & (self.edge >= EDGE[1])
        return np.asarray(large & sharp & (self.blue < self._haemoglobin_limit()))

    def score(self, usual_blueness: float = 0.0) -> NDArray[np.float64]:
        """Score nuclei: belief, size and thickness, graded by how steep the border and how round it is."""
        accepted = self.belief(usual_blueness)
        accepted = accepted * _rising(self.area, AREA_UM2) * _rising(self.radius, RADIUS_UM)
        return accepted * (0.5 + 0.5 * _rising(self.edge, (0.0, STEEP)) * self.ellipticity)
