"""The working grid: a slide at 0.25 µm per pixel, independent of tiles."""

from __future__ import annotations

import math
import threading
from weakref import WeakKeyDictionary

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from PIL import Image

from napari_bonemarrow.cytology import Region
from napari_bonemarrow.slides.slide import Slide

WORKING_MICRONS = 0.25
"""Side of a pixel of the working grid, µm: about the resolution of a ×40 objective; a small nucleus (4 µm)
is still 16 pixels across."""

BLOCK = 128
"""Side of a block, working pixels (32 µm, about the margin of a tile)."""

BLOCKS_KEPT = 256
"""Number of cached blocks of a slide, 48 KiB each: a tile's margin is its neighbour's, and a field is read
twice, for its stain and for its cells."""

_RIM = 3
"""Pixels around a block within the bicubic kernel."""


_Key = tuple[float | None, int, int]
_kept: WeakKeyDictionary[Slide, LRUCache[_Key, NDArray[np.uint8]]] = WeakKeyDictionary()
_kept_lock = threading.RLock()  # the garbage collector may delete a slide in a thread that holds the lock


def working_shape(slide: Slide) -> tuple[int, int]:
    """Return height and width of a slide on the working grid, at least 2 each.

    Raises
    ------
    ScaleError
        If the slide's scale is unknown.
    """
    step = level_zero_pixels(slide)
    return max(2, round(slide.height / step)), max(2, round(slide.width / step))


def level_zero_pixels(slide: Slide) -> float:
    """Return the level-0 pixels per working pixel."""
    return WORKING_MICRONS / slide.known_scale()


def to_working(slide: Slide, at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return level-0 positions along one axis on the working grid; pixel centres are whole numbers."""
    return (at + 0.5) / level_zero_pixels(slide) - 0.5


def to_level_zero(slide: Slide, at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return positions on the working grid along one axis at level 0."""
    return (at + 0.5) * level_zero_pixels(slide) - 0.5


def working_box(slide: Slide, region: Region) -> tuple[int, int, int, int]:
    """Return the working pixels (i0, j0, i1, j1) wholly in a region of level 0.

    At the slide's own right and bottom border the last pixel may reach half a pixel beyond.
    """
    step = level_zero_pixels(slide)
    height, width = working_shape(slide)
    right, bottom = region.x + region.width, region.y + region.height
    return (
        min(math.ceil(region.y / step - 1e-6), height),
        min(math.ceil(region.x / step - 1e-6), width),
        height if bottom >= slide.height else min(math.floor(bottom / step + 1e-6), height),
        width if right >= slide.width else min(math.floor(right / step + 1e-6), width),
    )


def level_pixels(slide: Slide, index: int) -> float:
    """Return the level-0 pixels per pixel of a level.

    Scanners halve (or quarter) repeatedly and drop remainders, so the ratio of two widths is slightly wrong:
    on a slide 100,000 pixels wide the far end would be off by a cell.
    """
    level = slide.levels[index]
    ratio = slide.width / level.shape[1]
    whole = round(ratio)
    fits = all(
        abs(own / whole - part) <= 1
        for own, part in ((slide.width, level.shape[1]), (slide.height, level.shape[0]))
    )
    return float(whole) if fits else ratio


def working_image(slide: Slide, i0: int, j0: int, i1: int, j1: int) -> NDArray[np.uint8]:
    """Return a part of a slide at the working scale.

    The grid begins at the slide's top-left corner. It consists of fixed blocks, each resampled separately
    from the coarsest level that is fine enough, so a pixel does not depend on what else is read.

    Parameters
    ----------
    slide : Slide
        With a known scale.
    i0, j0, i1, j1 : int
        First row and column, and those after the last, within `working_shape`.

    Returns
    -------
    ndarray of uint8, shape (i1 - i0, j1 - j0, 3)

    Raises
    ------
    ScaleError
        If the slide's scale is unknown.
    TileError
        If a tile of the file cannot be read.
    """
    height, width = working_shape(slide)
    if not (0 <= i0 <= i1 <= height and 0 <= j0 <= j1 <= width):
        raise ValueError(f"rows {i0} to {i1}, columns {j0} to {j1} are not all in {height} × {width} pixels")
    image = np.empty((i1 - i0, j1 - j0, 3), np.uint8)
    for row in range(i0 // BLOCK, -(-i1 // BLOCK)):
        for column in range(j0 // BLOCK, -(-j1 // BLOCK)):
            top, left = row * BLOCK, column * BLOCK
            block = _kept_block(slide, top, left, min(BLOCK, height - top), min(BLOCK, width - left))
            a, b = max(top, i0), min(top + BLOCK, i1)
            c, d = max(left, j0), min(left + BLOCK, j1)
            image[a - i0 : b - i0, c - j0 : d - j0] = block[a - top : b - top, c - left : d - left]
    return image


def _kept_block(slide: Slide, top: int, left: int, rows: int, columns: int) -> NDArray[np.uint8]:
    """Return a block, from the cache if possible."""
    key = (slide.microns_per_pixel, top, left)
    with _kept_lock:
        kept = _kept.get(slide)
        if kept is None:
            kept = _kept[slide] = LRUCache(BLOCKS_KEPT)
        block = kept.get(key)
    if block is None:
        block = _block(slide, top, left, rows, columns)
        with _kept_lock:
            kept[key] = block
    return block


def _block(slide: Slide, top: int, left: int, rows: int, columns: int) -> NDArray[np.uint8]:
    """Return one resampled block: the mean of the covered pixels to shrink, bicubic to enlarge."""
    index = slide.level_for(WORKING_MICRONS)
    level = slide.levels[index]
    step = level_zero_pixels(slide) / level_pixels(slide, index)
    rim = 0 if step == 1 else _RIM
    y0, y1 = _span(top * step, (top + rows) * step, rim, level.shape[0])
    x0, x1 = _span(left * step, (left + columns) * step, rim, level.shape[1])
    pixels = np.asarray(level[y0:y1, x0:x1])
    # The last working pixel of a slide may reach beyond it by a fraction.
    below = max(0, math.ceil((top + rows) * step) - y1)
    beside = max(0, math.ceil((left + columns) * step) - x1)
    if below or beside:
        pixels = np.pad(pixels, ((0, below), (0, beside), (0, 0)), mode="edge")
    if step == 1:
        return pixels
    box = (
        left * step - x0,
        top * step - y0,
        min((left + columns) * step - x0, pixels.shape[1]),
        min((top + rows) * step - y0, pixels.shape[0]),
    )
    method = Image.Resampling.BOX if step > 1 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(pixels).resize((columns, rows), method, box=box))


def _span(start: float, end: float, rim: int, length: int) -> tuple[int, int]:
    """Return the level's pixels between two positions, plus a margin, within the level."""
    first = max(0, math.floor(start) - rim)
    return min(first, length - 1), min(length, math.ceil(end) + rim)
