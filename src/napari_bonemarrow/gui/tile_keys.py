"""Tiles of a slide's levels, named, listed and read ahead (no Qt)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides import Level, SlideError


@runtime_checkable
class Tiled(Protocol):
    """A level that reads tiles when asked and can say which are in memory."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and 3."""

    @property
    def tile_shape(self) -> tuple[int, int]:
        """Height and width of a tile, px."""

    def cached_tile(self, row: int, column: int) -> NDArray[np.uint8] | None:
        """Return a tile that is in memory, without waiting."""

    def tile(self, row: int, column: int) -> NDArray[np.uint8]:
        """Read a tile, or raise a `SlideError`."""


class Key(NamedTuple):
    """One tile of a slide."""

    level: int
    row: int
    column: int


def is_streamed(levels: Sequence[Level]) -> bool:
    """Tell whether a slide reads its tiles when asked; a field in memory does not."""
    return any(isinstance(level, Tiled) for level in levels)


def read_coarsest(levels: Sequence[Level], seconds: float) -> None:
    """Read the last level into the cache, as far as that takes no longer: a stream begins with what is there.

    Parameters
    ----------
    levels : sequence of Level
        Level 0 first.
    seconds : float
        After which the rest is left to the stream, so that a slow drive does not hold up the opening.
    """
    last, until = levels[-1], time.perf_counter() + seconds
    if not isinstance(last, Tiled):
        return
    for key in keys_in(len(levels) - 1, last, *(range(side) for side in last.shape[:2])):
        if time.perf_counter() > until:
            return
        with suppress(SlideError):  # the stream draws it hatched, and says so
            last.tile(key.row, key.column)


def keys_in(level: int, source: Tiled, rows: Sequence[int], columns: Sequence[int]) -> Iterator[Key]:
    """Yield the tiles that hold ascending rows and columns of a level."""
    high, wide = source.tile_shape
    if not len(rows) or not len(columns):
        return
    for row in range(rows[0] // high, rows[-1] // high + 1):
        for column in range(columns[0] // wide, columns[-1] // wide + 1):
            yield Key(level, row, column)
