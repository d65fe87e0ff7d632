"""Outlines of one cell and its nucleus."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.detection.cell_centres import BACKGROUND_DENSITY, red_cell
from napari_bonemarrow.slides.detection.nucleus_finder import Nuclei, OpenSides, find_nuclei
from napari_bonemarrow.slides.detection.stain_profile import StainProfile
from napari_bonemarrow.slides.detection.stain_samples import image_profile
from napari_bonemarrow.slides.pixels.colour import optical_density
from napari_bonemarrow.slides.pixels.photographs import photograph
from napari_bonemarrow.slides.pixels.working_grid import (
    WORKING_MICRONS,
    to_level_zero,
    to_working,
    working_image,
    working_shape,
)
from napari_bonemarrow.slides.slide import Slide, SlideError

WINDOW_UM = 40.0
"""Side of the window around a cell."""

NEAREST_UM = 5.0
"""A position belongs to a nucleus if it lies in it, or within this distance of its centre or its cell's."""

SAME_UM = 0.5
"""A position nearer than this to a detected cell's centre always belongs to that cell."""

CYTOPLASM_UM = 9.0
"""Largest reach of cytoplasm beyond its nucleus: 9 µm on one side in a plasma cell of 18 µm with an eccentric
nucleus of 8 µm; anything farther is mostly another cell."""

_SMOOTHING_UM = 0.4
_SURELY_CELL_UM = 0.5
_NUCLEAR_BORDER_UM = (0.8, 1.6)
_OPENING_UM = 0.75
BINUCLEATE_SOLIDITY = 0.96
"""Convexity of two cells together from which two nuclei share a cell: touching discs have 0.90."""


@dataclass(frozen=True, eq=False)
class Outline:
    """The outline of one cell.

    Attributes
    ----------
    nucleus, cell : ndarray of float64, shape (m, 2)
        Closed polygons, x and y in level-0 pixels. The nucleus's is its largest lobe.
    nucleus_area_um2, cell_area_um2 : float
        Area of all nuclei and lobes of the cell, and of the whole cell, µm².
    cell_diameter_um : float
        Diameter of the disc with the cell's area.
    nc_ratio : float
        Area of the nucleus over that of the whole cell, 0 to 1.
    nuclei : int
        Number of detections in the cell: 2 in a binucleate one.
    cut : bool
        Whether the border of its image or field cuts the cell, which is then larger than it appears.
    """

    nucleus: NDArray[np.float64]
    cell: NDArray[np.float64]
    nucleus_area_um2: float
    cell_area_um2: float
    cell_diameter_um: float
    nc_ratio: float
    nuclei: int
    cut: bool


def outline(slide: Slide, x: float, y: float, profile: StainProfile | None = None) -> Outline:
    """Return the outline of the cell whose nucleus is at a position.

    The cell is the nucleus's basin in a watershed on the image gradient, with markers in all nearby
    nuclei, the background and red cells.

    Parameters
    ----------
    slide : Slide
        With a known scale.
    x, y : float
        Level-0 pixels; on a nucleus, or within 5 µm of its centre or its cell's.
    profile : StainProfile, optional
        Stain profile of the cell's image or field; measured by default.

    Returns
    -------
    Outline

    Raises
    ------
    ScaleError
        If the slide's scale is unknown.
    SlideError
        If there is no nucleus, or the file cannot be read.
    """
    if slide.fields:
        return _outline_in_field(slide, x, y, profile)
    height, width = working_shape(slide)
    row, column = (float(at) for at in to_working(slide, np.array([y, x], np.float64)))
    half = WINDOW_UM / WORKING_MICRONS / 2
    i0, i1 = max(0, round(row - half)), min(height, round(row + half) + 1)
    j0, j1 = max(0, round(column - half)), min(width, round(column + half) + 1)
    if i1 <= i0 or j1 <= j0:
        raise _none_there(slide, x, y)
    image = working_image(slide, i0, j0, i1, j1)
    profile = profile or image_profile(slide, (0, 0, height, width))
    nuclei = find_nuclei(image, profile, OpenSides(j0 > 0, i0 > 0, j1 < width, i1 < height))
    index = _nucleus_at(nuclei, row - i0, column - j0)
    if index is None:
        raise _none_there(slide, x, y)
    cells = _cells(optical_density(image, profile.background_colour), nuclei.labels)
    members = _sharing(cells, index)
    cell = np.isin(cells, members)
    inside = np.isin(nuclei.labels, members)
    pixel = WORKING_MICRONS**2
    areas = float(inside.sum() * pixel), float(cell.sum() * pixel)

    def polygon(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        points = _polygon(mask)
        return np.column_stack(
            [to_level_zero(slide, points[:, 1] + j0), to_level_zero(slide, points[:, 0] + i0)]
        )

    rows, columns = np.nonzero(cell)
    return Outline(
        polygon(nuclei.labels == index),
        polygon(cell),
        *areas,
        float(np.sqrt(4 / np.pi * areas[1])),
        areas[0] / areas[1],
        len(members),
        bool(
            (i0 == 0 and rows.min() == 0)
            or (j0 == 0 and columns.min() == 0)
            or (i1 == height and rows.max() == i1 - i0 - 1)
            or (j1 == width and columns.max() == j1 - j0 - 1)
        ),
    )


def _outline_in_field(slide: Slide, x: float, y: float, profile: StainProfile | None) -> Outline:
    """Return the outline of a cell in a folder of fields, from its own field only."""
    [number] = slide.images_at(x, y).tolist()
    corner = np.array([slide.images[number].x, slide.images[number].y])
    found = outline(photograph(slide, number), x - corner[0], y - corner[1], profile)
    return replace(found, nucleus=found.nucleus + corner, cell=found.cell + corner)


def _none_there(slide: Slide, x: float, y: float) -> SlideError:
    name = slide.path.name or "this image"
    return SlideError(f"{name}: no nucleus at x {x:.0f}, y {y:.0f} px to outline; point at a nucleus")


def _nucleus_at(nuclei: Nuclei, row: float, column: float) -> int | None:
    """Return the label of the nucleus at a position, or of the nearest one within reach."""
    if not len(nuclei.x):
        return None
    distance = np.hypot(nuclei.cell_x - column, nuclei.cell_y - row) * WORKING_MICRONS
    nearest = int(distance.argmin())
    if distance[nearest] <= SAME_UM:
        return nearest + 1
    height, width = nuclei.labels.shape
    own = int(nuclei.labels[min(max(round(row), 0), height - 1), min(max(round(column), 0), width - 1)])
    if own:
        return own
    distance = np.minimum(distance, np.hypot(nuclei.x - column, nuclei.y - row) * WORKING_MICRONS)
    nearest = int(distance.argmin())
    return nearest + 1 if distance[nearest] <= NEAREST_UM else None


def _cells(density: NDArray[np.float32], nuclei: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return for each pixel the label of the nucleus whose cell it is in; 0 elsewhere."""
    from scipy import ndimage as ndi
    from skimage import segmentation

    sigma = _SMOOTHING_UM / WORKING_MICRONS
    smooth = ndi.gaussian_filter(density, (sigma, sigma, 0))
    mean = smooth.mean(axis=2)
    away, nearest = ndi.distance_transform_edt(nuclei == 0, return_indices=True)
    away *= WORKING_MICRONS
    stained = (mean > BACKGROUND_DENSITY) & ~(red_cell(smooth) & (away > _SURELY_CELL_UM))
    outside = ~ndi.binary_opening(stained | (nuclei > 0), iterations=round(_OPENING_UM / WORKING_MICRONS))
    outside |= away > CYTOPLASM_UM
    outside &= nuclei == 0
    markers = np.where(away <= _SURELY_CELL_UM, nuclei[tuple(nearest)], 0)
    none = int(nuclei.max()) + 1
    markers[outside] = none
    steep = np.sqrt(sum(np.square(np.hypot(*np.gradient(smooth[..., k]))) for k in range(3)))
    # The nucleus's border is the steepest: it must not separate the cytoplasm from its nucleus.
    steep *= np.clip((away - _NUCLEAR_BORDER_UM[0]) / np.ptp(_NUCLEAR_BORDER_UM), 0, 1)
    cells: NDArray[np.int32] = segmentation.watershed(steep, markers).astype(np.int32)  # type: ignore[no-untyped-call]
    cells[cells == none] = 0
    return _tidied(cells, nuclei)


def _tidied(cells: NDArray[np.int32], nuclei: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return smoothed cells without holes, each only the part with its nucleus."""
    from scipy import ndimage as ndi

    tidy = np.zeros_like(cells)
    rounds = round(_OPENING_UM / WORKING_MICRONS)
    for index in range(1, int(nuclei.max()) + 1):
        own = nuclei == index
        # The cell continues beyond the window: that border must not be eroded.
        opened = ndi.binary_erosion(cells == index, iterations=rounds, border_value=1)
        mask = ndi.binary_dilation(opened, iterations=rounds) & (cells == index)
        parts, _ = ndi.label(ndi.binary_fill_holes(mask | own))
        kept = np.isin(parts, np.unique(parts[own]))
        tidy[kept & (tidy == 0)] = index
    return np.where(nuclei > 0, nuclei, tidy).astype(np.int32)


def _sharing(cells: NDArray[np.int32], index: int) -> list[int]:
    """Return the labels in the same cell as one: itself and a neighbour that completes its shape."""
    from scipy import ndimage as ndi
    from skimage import morphology

    own = cells == index
    rim = ndi.binary_dilation(own, iterations=2)
    for other in np.unique(cells[rim & ~own]):
        if other == 0:
            continue
        both = own | (cells == other)
        smaller = np.sqrt(4 / np.pi * min(own.sum(), (cells == other).sum()))
        border = (rim & (cells == other)).sum() / 2
        hull = morphology.convex_hull_image(both)  # type: ignore[no-untyped-call]
        if both.sum() >= BINUCLEATE_SOLIDITY * hull.sum() and border >= 0.8 * smaller:
            return [index, int(other)]
    return [index]


def _polygon(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the closed outline of a mask's largest part, as rows and columns."""
    from scipy import ndimage as ndi
    from skimage import measure

    soft = ndi.gaussian_filter(np.pad(mask, 2).astype(np.float32), 0.7)
    lines = measure.find_contours(soft, 0.5)  # type: ignore[no-untyped-call]
    return np.asarray(max(lines, key=len), np.float64) - 2
