"""Filter of nuclei against platelets, red cells, dirt and stain by size, colour and border."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from napari_bonemarrow.slides.detection.nucleus_segments import WORKING_MICRONS, Moments, Segmented

LEAST_SCORE = 0.25

HAEMOGLOBIN = 0.33
HAEMOGLOBIN_SLOPE = 0.25
HAEMOGLOBIN_WIDTH = (-0.04, 0.06)
"""Blue over green absorbance: nuclei have -0.3 to 0.4, red cells 0.37 to 0.65. The limit is 0.33 for a
faint stain of 0.3 and rises by 0.25 per unit of stain, since in very dark nuclei green is saturated."""

DARK_ALLOWANCE = 0.15
DARK_RED = (0.75, 0.85)
DARK_STAIN = (0.4, 0.5)
"""Rise of that limit where red over green absorbance and stain are both high: haemoglobin hardly absorbs red,
so these are condensed nuclei in which all colours approach the camera's darkest. In one aspirate field 15 of
17 such dark erythroblasts have blue of 0.33 to 0.4, two 0.44 and 0.49; no red cell of 144 blood images has
such red and stain."""

BLUENESS = 0.84
BLUENESS_SLOPE = 0.4
BLUENESS_WIDTH = (-0.06, 0.06)
"""Red over green absorbance: nuclei have 0.2 to 0.85 (up to 1.05 where very dark), basophilic cytoplasm
and the bodies of platelets 0.85 to 1.2."""

BLUEST = 1.1
"""Highest value of that limit, as a smear's own nuclei raise it: pen and ink absorb red as much as green."""

FAINTEST = 0.3
STAIN = (0.2, 0.35)
EDGE = (0.06, 0.18)
AREA_UM2 = (9.0, 16.0)
RADIUS_UM = (0.7, 1.1)
"""Limits of the largest circle inside: fibres and smears are thinner than the band of a band neutrophil."""

STEEP = 0.7
SURE_AREA_UM2 = 25.0
SURE_ELLIPTICITY = 0.9


def rising(values: NDArray[np.float64], limits: tuple[float, float]) -> NDArray[np.float64]:
    """Return 0 below the lower limit, 1 above the upper one, linear between."""
    low, high = limits
    return np.clip((values - low) / (high - low), 0, 1)


def drop(labels: NDArray[np.int32], keep: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return some of the labels 1 to n, renumbered."""
    renumbered = np.zeros(len(keep) + 1, np.int32)
    renumbered[1:][keep] = np.arange(1, keep.sum() + 1)
    return renumbered[labels]


@dataclass(frozen=True)
class Evidence:
    """Means over each label, arrays of shape (n,).

    Attributes
    ----------
    stain, edge : ndarray of float64
        Mean nuclear stain, and its mean steepness (per µm) on the border.
    red, blue : ndarray of float64
        Absorbance over that of green.
    area : ndarray of float64
        µm².
    ellipticity : ndarray of float64
        See `Moments.ellipticity`.
    """

    stain: NDArray[np.float64]
    edge: NDArray[np.float64]
    red: NDArray[np.float64]
    blue: NDArray[np.float64]
    area: NDArray[np.float64]
    ellipticity: NDArray[np.float64]

    @classmethod
    def of_labels(
        cls, labels: NDArray[np.int32], density: NDArray[np.float32], segmented: Segmented
    ) -> Evidence:
        """Measure labels 1 to n.

        Parameters
        ----------
        labels : ndarray of int32, shape (h, w)
        density : ndarray of float32, shape (h, w, 3)
            Absorbance of red, green and blue.
        segmented : Segmented
            For the smoothed stain and its steepness.
        """
        count = int(labels.max(initial=0))
        pixels = np.flatnonzero(labels)
        which = labels.ravel()[pixels]
        number = np.maximum(np.bincount(which, minlength=count + 1)[1:], 1)

        def mean(values: NDArray[np.float32]) -> NDArray[np.float64]:
            return np.asarray(np.bincount(which, values, count + 1)[1:] / number)

        colours = density.reshape(-1, 3)[pixels]
        green = np.maximum(mean(colours[:, 1]), 0.05)
        rim = pixels[_on_border(labels, pixels)]
        steep = np.bincount(labels.ravel()[rim], segmented.slope.ravel()[rim], count + 1)[1:]
        moments = Moments.of_labels(labels, count)
        return cls(
            mean(segmented.smooth.ravel()[pixels]),
            steep / np.maximum(np.bincount(labels.ravel()[rim], minlength=count + 1)[1:], 1),
            mean(colours[:, 0]) / green,
            mean(colours[:, 2]) / green,
            moments.area,
            moments.ellipticity,
        )

    def belief(self, usual_blueness: float = 0.0) -> NDArray[np.float64]:
        """Return how nuclear the colour and border are, whatever the size: 0 to 1.

        Parameters
        ----------
        usual_blueness : float
            Red over green absorbance of the smear's strongest nuclei (`StainProfile.blueness`).
        """
        above = self.stain - FAINTEST
        colour = rising(self._haemoglobin_limit() - self.blue, HAEMOGLOBIN_WIDTH)
        usual = min(usual_blueness, BLUEST) + BLUENESS_WIDTH[1]
        limit = np.maximum(BLUENESS + BLUENESS_SLOPE * above, usual)
        colour *= rising(limit - self.red, BLUENESS_WIDTH)
        return colour * rising(self.stain, STAIN) * rising(self.edge, EDGE)

    def _haemoglobin_limit(self) -> NDArray[np.float64]:
        dark = rising(self.red, DARK_RED) * rising(self.stain, DARK_STAIN)
        return HAEMOGLOBIN + HAEMOGLOBIN_SLOPE * (self.stain - FAINTEST) + DARK_ALLOWANCE * dark

    def surely_nuclear(self) -> NDArray[np.bool_]:
        """Return which are large, round and not red cells, whatever their blueness; bool, shape (n,)."""
        large = (self.area >= SURE_AREA_UM2) & (self.ellipticity >= SURE_ELLIPTICITY)
        sharp = (self.stain >= STAIN[1]) & (self.edge >= EDGE[1])
        return np.asarray(large & sharp & (self.blue < self._haemoglobin_limit()))

    def score(self, radius_um: NDArray[np.float64], usual_blueness: float = 0.0) -> NDArray[np.float64]:
        """Return scores of nuclei: belief, size and thickness, graded by the steepness and roundness of the
        border.

        Parameters
        ----------
        radius_um : ndarray of float64, shape (n,)
            Of `inner_radius`.
        usual_blueness : float
            See `belief`.
        """
        accepted = self.belief(usual_blueness)
        accepted = accepted * rising(self.area, AREA_UM2) * rising(radius_um, RADIUS_UM)
        return accepted * (0.5 + 0.5 * rising(self.edge, (0.0, STEEP)) * self.ellipticity)


def _on_border(labels: NDArray[np.int32], pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which pixels (flat indices) have one of their eight neighbours in another label."""
    padded = np.pad(labels, 1, mode="edge")  # the image's own border is not a label's border
    width = padded.shape[1]
    rows, columns = np.divmod(pixels, labels.shape[1])
    at = (rows + 1) * width + columns + 1
    flat = padded.ravel()
    own = flat[at]
    border = np.zeros(len(pixels), bool)
    for offset in (-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1):
        border |= flat[at + offset] != own
    return border


def inner_radius(labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the radius (µm) of the largest circle inside each label 1 to n; shape (n,)."""
    pixels = np.flatnonzero(labels)
    inside = np.ones(labels.shape, bool)
    inside.ravel()[pixels[_on_border(labels, pixels)]] = False
    found = []
    for index, place in enumerate(ndi.find_objects(labels), start=1):
        rows, columns = (slice(max(0, side.start - 1), side.stop + 1) for side in place)
        own = inside[rows, columns] & (labels[rows, columns] == index)
        found.append(float(ndi.distance_transform_edt(own).max()) if not own.all() else np.inf)
    return np.array(found) * WORKING_MICRONS + WORKING_MICRONS / 2
