"""Index of tiles of a slide's levels, and reading ahead (no Qt)."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides import Level, SlideError

_THREADS = 2
_WINDOW_PX = 2048
"""Approximate longest side of the level that shows a whole slide in a window of usual size, px."""


@runtime_checkable
class Tiled(Protocol):
    """A level that reads tiles on demand and knows those in memory."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return height, width and 3."""
        ...

    @property
    def tile_shape(self) -> tuple[int, int]:
        """Return height and width of a tile, px."""
        ...

    def cached_tile(self, row: int, column: int) -> NDArray[np.uint8] | None:
        """Return a tile in memory, without waiting."""
        ...

    def tile(self, row: int, column: int) -> NDArray[np.uint8]:
        """Return a tile, or raise a `SlideError`."""
        ...


class Key(NamedTuple):
    """One tile of a slide."""

    level: int
    row: int
    column: int


def is_streamed(levels: Sequence[Level]) -> bool:
    """Return whether a slide reads its tiles on demand, unlike a field in memory."""
    return any(isinstance(level, Tiled) for level in levels)


def read_first_view(levels: Sequence[Level], seconds: float) -> None:
    """Read the first view of a slide into the cache, from which a stream begins.

    It is the last level and those before it that a window may need to show the whole slide sharply.

    Parameters
    ----------
    levels : sequence of Level
        Level 0 first.
    seconds : float
        Time after which the rest is left to the stream, so that a slow drive does not delay the opening.
    """
    until = time.perf_counter() + seconds
    last = len(levels) - 1
    wanted: list[tuple[Tiled, Key]] = []
    for number in range(last, -1, -1):
        level = levels[number]
        if number < last and max(level.shape) > _WINDOW_PX:
            break
        if isinstance(level, Tiled):
            keys = keys_in(number, level, *(range(side) for side in level.shape[:2]))
            wanted += [(level, key) for key in keys]

    def read(level: Tiled, key: Key) -> None:
        if time.perf_counter() < until:
            with suppress(SlideError):  # the stream draws it hatched and reports it
                level.tile(key.row, key.column)

    with ThreadPoolExecutor(_THREADS) as pool:
        deque(pool.map(read, *zip(*wanted, strict=True)) if wanted else (), maxlen=0)


def keys_in(level: int, source: Tiled, rows: Sequence[int], columns: Sequence[int]) -> Iterator[Key]:
    """Yield the tiles of ascending rows and columns of a level."""
    high, wide = source.tile_shape
    if not len(rows) or not len(columns):
        return
    for row in range(rows[0] // high, rows[-1] // high + 1):
        for column in range(columns[0] // wide, columns[-1] // wide + 1):
            yield Key(level, row, column)
