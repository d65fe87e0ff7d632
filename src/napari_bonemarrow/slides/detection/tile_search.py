"""Search of a planned slide, tile by tile, and the merged list of its cells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells, Frame
from napari_bonemarrow.slides.detection.nucleus_finder import OpenSides, find_nuclei
from napari_bonemarrow.slides.detection.search_plan import Box, DetectionPlan, Tile, within
from napari_bonemarrow.slides.pixels.photographs import photograph
from napari_bonemarrow.slides.pixels.working_grid import BLOCK, WORKING_MICRONS, to_level_zero, working_image
from napari_bonemarrow.slides.slide import Slide

HALO_UM = 30.0
"""Margin of a tile: more than a cell's width, so that none of its cells is cut."""


def search_tile(slide: Slide, tile: Tile) -> Cells:
    """Return the cells whose centre lies in a tile's core.

    A tile without stain is not read.

    Parameters
    ----------
    slide : Slide
        With a known scale.
    tile : Tile
        A tile of a plan with profiles.

    Returns
    -------
    Cells
        Numbered from 1; `in_frame` is not set yet.

    Raises
    ------
    TileError
        If a tile of the file cannot be read.
    """
    # scipy.ndimage takes half a second to import, too long for opening a slide.
    from napari_bonemarrow.slides.detection.empty_areas import blocks_at, stained_blocks

    canvas, slide = slide, photograph(slide, tile.image_number)
    stained = stained_blocks(slide)
    if tile.profile is None:
        raise ValueError("this plan is only a layout: measure the stain of its images first")
    if stained is not None and not stained[_blocks(tile.core)].any():
        return Cells.empty()
    halo = round(HALO_UM / WORKING_MICRONS)
    i0, j0, i1, j1 = tile.core
    image = tile.image
    around = within((i0 - halo, j0 - halo, i1 + halo, j1 + halo), image)
    open_sides = OpenSides(
        around[1] > image[1], around[0] > image[0], around[3] < image[3], around[2] < image[2]
    )
    nuclei = find_nuclei(working_image(slide, *around), tile.profile, open_sides)
    x, y = nuclei.cell_x + around[1], nuclei.cell_y + around[0]
    # Centres of pixels are whole numbers, so a tile's first pixel begins half a pixel before it.
    inside = (x >= j0 - 0.5) & (x < j1 - 0.5) & (y >= i0 - 0.5) & (y < i1 - 0.5)
    if stained is not None:
        inside &= stained[blocks_at(x, y)]
    at = canvas.images[tile.image_number]
    return _numbered(
        to_level_zero(slide, x[inside]) + at.x,
        to_level_zero(slide, y[inside]) + at.y,
        nuclei.diameter_um[inside],
        nuclei.score[inside],
    )


def _blocks(core: Box) -> tuple[slice, slice]:
    """Return the blocks that a box overlaps."""
    return slice(core[0] // BLOCK, -(-core[2] // BLOCK)), slice(core[1] // BLOCK, -(-core[3] // BLOCK))


def stained_tiles(slide: Slide, plan: DetectionPlan) -> tuple[int, ...]:
    """Return the numbers of the tiles with stain, which have to be read."""
    from napari_bonemarrow.slides.detection.empty_areas import stained_blocks

    def is_stained(tile: Tile) -> bool:
        stained = stained_blocks(photograph(slide, tile.image_number))
        return stained is None or bool(stained[_blocks(tile.core)].any())

    return tuple(tile.number for tile in plan.tiles if is_stained(tile))


def _numbered(
    x: NDArray[np.float64], y: NDArray[np.float64], diameter: NDArray[Any], score: NDArray[Any]
) -> Cells:
    order = np.lexsort((x, y))
    return Cells(
        np.arange(1, len(order) + 1, dtype=np.int64),
        x[order],
        y[order],
        diameter[order].astype(np.float32),
        score[order].astype(np.float32),
        np.ones(len(order), bool),
    )


def merge_tiles(found: Iterable[Cells], frame: Frame, microns_per_pixel: float) -> Cells:
    """Return the cells of several tiles as one list.

    A cell in two areas is identical to the last digit and is kept once.

    Parameters
    ----------
    found : iterable of Cells
        In any order.
    frame : Frame
        The counting frame.
    microns_per_pixel : float
        Scale of level 0.

    Returns
    -------
    Cells
        Numbered from 1, from top to bottom.
    """
    parts = list(found) or [Cells.empty()]
    x, y = (np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "y"))
    diameter = np.concatenate([part.diameter_um for part in parts])
    score = np.concatenate([part.score for part in parts])
    _, first = np.unique(np.stack([y, x]), axis=1, return_index=True)
    cells = _numbered(x[first], y[first], diameter[first], score[first])
    inside = frame.contains(cells.x, cells.y, microns_per_pixel)
    return Cells(cells.cell_id, cells.x, cells.y, cells.diameter_um, cells.score, inside)
