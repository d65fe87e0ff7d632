"""Unstained areas of a slide, measured on a coarse level, so that glass is not searched."""

from __future__ import annotations

import math
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from napari_bonemarrow.slides.pixels.overview import slide_background
from napari_bonemarrow.slides.pixels.working_grid import BLOCK, WORKING_MICRONS, level_pixels, working_shape
from napari_bonemarrow.slides.slide import Slide, SlideError

SMALLEST_SLIDE_PX = 4096
"""Images up to about 1 mm, in working pixels, are searched everywhere."""

COARSEST_MICRONS = 8.0
"""Largest pixel that still shows one cell, µm: a bare pyknotic nucleus 4 µm across darkens the green of the
four pixels that it may fall between by at least 7 levels."""

STAINED = 5
"""Levels (of 255) below the background in any colour from which a pixel counts as stained."""

RIM_BLOCKS = 1
"""Blocks around a stained pixel that are also searched: 32 µm, more than a cell."""

_maps: WeakKeyDictionary[Slide, NDArray[np.bool_] | None] = WeakKeyDictionary()


def stained_blocks(slide: Slide) -> NDArray[np.bool_] | None:
    """Return which blocks of the working grid may hold a cell, measured once per slide.

    Unreadable areas count as stained. The result does not depend on tiles.

    Parameters
    ----------
    slide : Slide
        With a known scale.

    Returns
    -------
    ndarray of bool, shape (ceil(h / BLOCK), ceil(w / BLOCK)), or None
        None where everything is searched: a small image, or one without a level that is coarse enough to
        read quickly and fine enough to show a cell.
    """
    if slide not in _maps:
        _maps[slide] = _measured(slide)
    return _maps[slide]


def _measured(slide: Slide) -> NDArray[np.bool_] | None:
    height, width = working_shape(slide)
    index = slide.level_for(COARSEST_MICRONS)
    if max(height, width) <= SMALLEST_SLIDE_PX or index <= slide.level_for(WORKING_MICRONS):
        return None
    level = slide.levels[index]
    limit = slide_background(slide).astype(np.int16) - STAINED
    # A block's side in pixels of the level; blocks are widened to whole pixels.
    side = BLOCK * WORKING_MICRONS / slide.known_scale() / level_pixels(slide, index)
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    lefts = np.minimum((np.arange(columns) * side).astype(int), level.shape[1] - 1)
    stained = np.ones((rows, columns), bool)
    for row in range(rows):
        top = min(math.floor(row * side), level.shape[0] - 1)
        bottom = max(top + 1, min(math.ceil((row + 1) * side) + 1, level.shape[0]))
        try:
            strip = np.asarray(level[top:bottom, :])
        except SlideError:
            continue
        dark = (strip < limit).any(axis=(0, 2))
        stained[row] = np.logical_or.reduceat(dark, lefts)
    return np.asarray(ndi.binary_dilation(stained, np.ones((3, 3)), RIM_BLOCKS))


def blocks_at(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row and column of the block in which positions of the working grid lie."""
    at = (np.floor((values + 0.5) / BLOCK).astype(np.int64) for values in (y, x))
    rows, columns = at
    return rows, columns
