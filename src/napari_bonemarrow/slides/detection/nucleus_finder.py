"""Finder of the nuclei of an image on the working grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.detection.stain_profile import StainProfile
from napari_bonemarrow.slides.pixels.colour import optical_density


class OpenSides(NamedTuple):
    """The sides on which the smear continues beyond the searched image.

    An object at an open side is seen in part: it is left to the tile in which it is whole. A closed side
    is the photographed border, where a cut cell is still a cell.
    """

    left: bool = False
    top: bool = False
    right: bool = False
    bottom: bool = False


@dataclass(frozen=True)
class Nuclei:
    """Nuclei of an image on the working grid.

    Attributes
    ----------
    labels : ndarray of int32, shape (h, w)
        1 to n; the lobes of one nucleus share a label.
    x, y : ndarray of float64, shape (n,)
        Centre of the nucleus, pixels of the searched image; the centre of its top-left pixel is (0, 0).
    cell_x, cell_y : ndarray of float64, shape (n,)
        Centre of the cell, nucleus and cytoplasm (`centres.cell_centres`).
    diameter_um, score : ndarray of float64, shape (n,)
    """

    labels: NDArray[np.int32]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    cell_x: NDArray[np.float64]
    cell_y: NDArray[np.float64]
    diameter_um: NDArray[np.float64]
    score: NDArray[np.float64]


def find_nuclei(
    working: NDArray[np.uint8], profile: StainProfile, open_sides: OpenSides = OpenSides()
) -> Nuclei:
    """Return the nuclei of an image: segmented, lobes merged, other objects left out.

    Parameters
    ----------
    working : ndarray of uint8, shape (h, w, 3)
        At 0.25 µm per pixel.
    profile : StainProfile
        Stain profile of the whole smear.
    open_sides : OpenSides
        Sides on which the smear continues.

    Returns
    -------
    Nuclei
        Each depends on at most 30 µm around it.
    """
    # scipy.ndimage takes half a second to import, too long for opening a slide.
    from napari_bonemarrow.slides.detection import (
        cell_centres,
        nuclear_lobes,
        nucleus_filter,
        nucleus_segments,
        platelets,
        touching_nuclei,
    )

    density = optical_density(working, profile.background_colour)
    stain = nucleus_segments.nuclear_stain(density)
    candidates = nucleus_segments.segment(stain, open_sides)
    evidence = nucleus_filter.Evidence.of_labels(candidates.labels, density, candidates)
    labels = nucleus_filter.drop(candidates.labels, evidence.belief(profile.blueness) > 0)
    labels, whole = touching_nuclei.divide(labels)
    labels = nuclear_lobes.merge_lobes(labels, candidates.smooth, whole, density[..., 1])[labels]
    evidence = nucleus_filter.Evidence.of_labels(labels, density, candidates)
    score = evidence.score(nucleus_filter.inner_radius(labels), profile.blueness)
    score *= 1 - platelets.platelet_likeness(labels, evidence.area, stain, density)
    labels = nucleus_filter.drop(labels, score >= nucleus_filter.LEAST_SCORE)
    score = score[score >= nucleus_filter.LEAST_SCORE]
    moments = nucleus_segments.Moments.of_labels(labels, len(score))
    x, y = (cell_centres.rounded(side / nucleus_segments.WORKING_MICRONS) for side in (moments.x, moments.y))
    cell_x, cell_y = cell_centres.cell_centres(labels, x, y, density, candidates.smooth)
    return Nuclei(labels, x, y, cell_x, cell_y, np.sqrt(4 / np.pi * moments.area), score)
