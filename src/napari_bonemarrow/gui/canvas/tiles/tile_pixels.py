"""Pixels of the window from tiles, and their placeholders (no Qt)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

NOT_YET = 232
"""Grey of unread pixels, near a smear's background, so that nothing flashes."""
_HATCH_PX = 6


def runs(tiles: NDArray[np.intp]) -> Iterator[tuple[int, slice]]:
    """Yield each tile's number with its range of ascending places."""
    edges = [0, *(np.flatnonzero(np.diff(tiles)) + 1).tolist(), len(tiles)]
    for begin, end in pairwise(edges):
        if end > begin:
            yield int(tiles[begin]), slice(begin, end)


def part(pixels: NDArray[np.uint8], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Return pixels at ascending places, as a view if they are consecutive.

    Rows of a coarser level are needed several times: each is expanded along the columns once and then copied,
    which is several times faster than indexing single pixels.
    """
    band = pixels[rows[0] : rows[-1] + 1]
    if _follow(columns):
        wide = band[:, columns[0] : columns[-1] + 1]
    elif len(band) <= len(rows):
        wide = np.take(band, columns, axis=1)
    else:
        return pixels[np.ix_(rows, columns)]
    return wide if _follow(rows) else np.take(wide, rows - rows[0], axis=0)


def _follow(places: NDArray[np.intp]) -> bool:
    """Return whether places are consecutive."""
    return int(places[-1] - places[0]) == len(places) - 1


def hatched(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Return a hatch for unreadable pixels."""
    stripes = (rows[:, None] + columns[None, :]) // _HATCH_PX % 2
    grey = np.where(stripes == 0, 196, 212).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
