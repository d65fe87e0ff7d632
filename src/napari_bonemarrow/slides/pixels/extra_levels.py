"""Levels of a pyramid: which of a file's belong to it, and those added where the file has none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_bonemarrow.slides.pixels.tiled import ReadTile, Through, TiledLevel
from napari_bonemarrow.slides.slide import Level

LONGEST_LAST = 4096
"""Longest side of the last level, px: a view of the whole slide takes at most 50 MB."""

_TILE = 256
_BAND_ROWS = 64

_LARGEST_STEP = 2.5
"""Largest ratio of two levels' widths without a level added between them."""

_SMALLEST_SIDE = 16
_ROUNDING = 2.0
_SAME_SHAPE = 0.02
"""A level's height must match its width to 2 px (writers round differently) and 2 % (MIRAX and some TIFF
writers drop or fill incomplete tiles). Labels, macro images and cropped thumbnails fail this."""


def belongs(width: int, height: int, to_width: int, to_height: int, finer_width: int) -> bool:
    """Return whether a level shows the same image as level 0, smaller than the level before it.

    Parameters
    ----------
    width, height : int
        Size of the level, px.
    to_width, to_height : int
        Size of level 0, px.
    finer_width : int
        Width of the last level that belongs, px.
    """
    if min(width, height) < _SMALLEST_SIDE or width >= finer_width:
        return False
    expected = to_height * width / to_width
    return abs(height - expected) <= _ROUNDING + _SAME_SHAPE * expected


def with_coarser(name: str, levels: Sequence[Level]) -> tuple[Level, ...]:
    """Return levels down to at most 4096 px, each added one the mean of 2×2 or 4×4 px of the one before.

    Parameters
    ----------
    name : str
        The file, for error messages.
    levels : sequence of Level
        Level 0 first, at least one.

    Returns
    -------
    tuple of Level
        The given ones, then coarser ones, which read tiles of the last given one on demand.
    """
    found = list(levels)
    while max(found[-1].shape) > LONGEST_LAST:
        factor = 2 if max(found[-1].shape) <= 2 * LONGEST_LAST else 4
        found.append(CoarserLevel(name, len(found), found[-1], factor))
    return tuple(found)


def with_between(name: str, levels: Sequence[Level]) -> tuple[Level, ...]:
    """Return levels with added ones at half the size where a file has larger steps.

    Scanners often write only every fourth size. A window slightly too wide for one level would then read
    sixteen times the pixels that it shows.

    Parameters
    ----------
    name : str
        The file, for error messages.
    levels : sequence of Level
        Level 0 first, at least one.

    Returns
    -------
    tuple of Level
        The given ones, and between them levels that read the finer one's tiles on demand.
    """
    found = [levels[0]]
    for number, level in enumerate(levels[1:]):
        while found[-1].shape[1] > _LARGEST_STEP * level.shape[1]:
            found.append(CoarserLevel(name, number, found[-1], 2))
        found.append(level)
    return tuple(found)


class CoarserLevel(TiledLevel):
    """A level of means over squares of a finer level's pixels.

    Parameters
    ----------
    name : str
    index : int
    finer : Level
    factor : int
        Side of a square, px of the finer level. Incomplete squares at the right and lower edge are dropped.
    """

    def __init__(self, name: str, index: int, finer: Level, factor: int) -> None:
        self._finer, self._factor = finer, factor
        shape = tuple(max(1, side // factor) for side in finer.shape[:2])
        tile = (_TILE, _TILE)
        if isinstance(finer, TiledLevel) and finer.tile_shape[1] >= finer.shape[1]:
            tile = (_BAND_ROWS, shape[1])  # each strip as wide as the image is then decoded once
        super().__init__(name, index, shape, tile, _reader_of_means(finer, factor, shape, tile))

    def cached_tile(self, row: int, column: int) -> NDArray[np.uint8] | None:
        """Return a tile in memory, or one made from finer tiles in memory; never reads."""
        held = super().cached_tile(row, column)
        if held is not None or not isinstance(self._finer, TiledLevel):
            return held
        high, wide = self._finer.tile_shape
        height, width = self._extent(row, column)
        top, left = row * self.tile_shape[0] * self._factor, column * self.tile_shape[1] * self._factor
        found: dict[tuple[int, int], NDArray[np.uint8]] = {}  # kept in case the cache drops one meanwhile
        for down in range(top // high, (top + height * self._factor - 1) // high + 1):
            for across in range(left // wide, (left + width * self._factor - 1) // wide + 1):
                tile = self._finer.cached_tile(down, across)
                if tile is None:
                    return None
                found[down, across] = tile
        shown = Through(self._finer, lambda down, across: found[down, across])
        made = _reader_of_means(shown, self._factor, self.shape, self.tile_shape)
        return self.tile_by(row, column, made)

    def tile_or_blank(self, row: int, column: int) -> NDArray[np.uint8]:
        """Return a tile, white where the finer level's tiles cannot be read."""
        held = self.cached_tile(row, column)
        if held is not None or not isinstance(self._finer, TiledLevel):
            return self.tile(row, column) if held is None else held
        shown = self._finer.forgiving()
        return _reader_of_means(shown, self._factor, self.shape, self.tile_shape)(row, column)


def _reader_of_means(finer: Level, factor: int, shape: tuple[int, ...], tile: tuple[int, int]) -> ReadTile:
    def read(row: int, column: int) -> NDArray[np.uint8]:
        top, left = row * tile[0], column * tile[1]
        bottom, right = min(top + tile[0], shape[0]), min(left + tile[1], shape[1])
        part = finer[top * factor : bottom * factor, left * factor : right * factor]
        return np.asarray(Image.fromarray(part).reduce(factor))

    return read
