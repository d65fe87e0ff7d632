"""Stream of a whole slide's levels for the window: available pixels at once, the rest when read (no Qt)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.gui.canvas.tiles.tile_index import Key, Tiled, keys_in
from napari_bonemarrow.gui.canvas.tiles.tile_pixels import NOT_YET, hatched, part, runs
from napari_bonemarrow.slides import Level, SlideError

_THREADS = 2
_LARGEST_CHUNK = 1024
"""Longest tile side for napari, which widens a view to whole tiles; a strip is as wide as a slide."""


class TileStream:
    """A reader of the view's tiles, the latest view first.

    Without a listener a request waits for its tiles: without a panel nothing would draw them later.

    Parameters
    ----------
    levels : sequence of Level
        Level 0 first. The last one, which is small on every slide, is kept in memory.

    Attributes
    ----------
    failed : set of Key
        Unreadable tiles; they are drawn hatched and not requested again until `retry`.
    """

    def __init__(self, levels: Sequence[Level]) -> None:
        self.sources = tuple(levels)
        self.failed: set[Key] = set()
        self._last = len(self.sources) - 1
        self._lock = threading.Lock()
        self._listener: Callable[[], None] | None = None
        self._held: dict[Key, NDArray[np.uint8]] = {}
        self._wanted: list[Key] = []
        self._under_way: set[Key] = set()
        self._threads = 0
        last = self.sources[-1]
        self._missing_base: list[Key] = []
        if isinstance(last, Tiled):
            self.base = np.full((*last.shape[:2], 3), NOT_YET, np.uint8)
            self._missing_base = list(self._keys(self._last, *(range(side) for side in last.shape[:2])))[::-1]
            for key in tuple(self._missing_base):
                tile = last.cached_tile(key.row, key.column)
                if tile is not None:
                    self._fill_base(key, tile)
        else:
            self.base = np.asarray(last)

    @property
    def views(self) -> list[StreamedLevel]:
        """Return the levels for napari."""
        return [StreamedLevel(self, index) for index in range(len(self.sources))]

    @property
    def busy(self) -> bool:
        """Return whether wanted tiles are still being read."""
        with self._lock:
            return bool(self._wanted or self._missing_base or self._under_way)

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Set the function that a thread of the stream calls for each read or failed tile; None for none."""
        with self._lock:
            self._listener = listener
            if listener is None:
                self._wanted = []
        if listener is not None:
            self._start()

    def retry(self) -> None:
        """Request unreadable tiles again: a network drive may be back."""
        with self._lock:
            again, self.failed = self.failed, set()
            self._missing_base += [key for key in again if key.level == self._last]
        self._start()

    # what the view asks for -----------------------------------------------------------------------

    def view(self, index: int, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Return pixels of a level, from coarser levels where its own tiles are missing."""
        with self._lock:
            listening = self._listener is not None
        if isinstance(self.sources[index], Tiled):
            keys = list(self._keys(index, rows.tolist(), columns.tolist()))
            if not listening:
                self._fetch_now(keys)
            elif index != self._last:  # the last one is read anyway
                self._want(keys)
        return self._look(index, rows, columns)

    def _want(self, keys: list[Key]) -> None:
        """Set the wanted tiles, the middle of the view first, instead of earlier ones."""
        with self._lock:
            self._held = {key: self._held[key] for key in keys if key in self._held}
            known = self.failed | self._held.keys() | self._under_way
            missing = [key for key in keys if key not in known]
        for key in missing:
            tile = self._source(key).cached_tile(key.row, key.column)
            if tile is not None:
                self._held[key] = tile
        missing = [key for key in missing if key not in self._held]
        if missing:
            middle = np.mean(missing, axis=0)
            missing.sort(key=lambda key: -float(np.hypot(key.row - middle[1], key.column - middle[2])))
        with self._lock:
            self._wanted = missing  # taken from its end
        self._start()

    def _fetch_now(self, keys: list[Key]) -> None:
        with self._lock:
            base = set(self._missing_base)
            self._held = {key: self._held[key] for key in keys if key in self._held}
        for key in keys:
            if key in base or (key.level != self._last and key not in self._held and key not in self.failed):
                self._fetch(key)

    def _look(self, index: int, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.uint8]:
        source = self.sources[index]
        if index == self._last or not isinstance(source, Tiled):
            return self._base_part(index, rows, columns)
        out = np.empty((len(rows), len(columns), 3), np.uint8)
        high, wide = source.tile_shape
        for row, down in runs(rows // high):
            for column, across in runs(columns // wide):
                key, inside = Key(index, row, column), (rows[down], columns[across])
                tile = self._held.get(key)
                if tile is None:
                    tile = source.cached_tile(row, column)
                if tile is not None:
                    pixels = part(tile, inside[0] - row * high, inside[1] - column * wide)
                elif key in self.failed:
                    pixels = hatched(*inside)
                else:
                    pixels = self._coarser(index, *inside)
                out[down, across] = pixels
        return out

    def _base_part(self, index: int, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.uint8]:
        return part(self.base if index == self._last else np.asarray(self.sources[index]), rows, columns)

    def _coarser(self, index: int, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.uint8]:
        here, there = self.sources[index].shape, self.sources[index + 1].shape
        at = [
            np.minimum((places + 0.5) * below / above, below - 1).astype(np.intp)
            for places, above, below in zip((rows, columns), here, there, strict=False)
        ]
        return self._look(index + 1, *at)

    def _keys(self, index: int, rows: Sequence[int], columns: Sequence[int]) -> Iterator[Key]:
        return keys_in(index, self._tiled(index), rows, columns)

    def _tiled(self, index: int) -> Tiled:
        source = self.sources[index]
        assert isinstance(source, Tiled)
        return source

    def _source(self, key: Key) -> Tiled:
        return self._tiled(key.level)

    # fetching -------------------------------------------------------------------------------------

    def _start(self) -> None:
        with self._lock:
            waiting = len(self._wanted) + len(self._missing_base)
            more = min(_THREADS - self._threads, waiting) if self._listener is not None else 0
            self._threads += max(more, 0)
        for _each in range(more):
            # Daemons: a read that hangs on a lost network drive must not keep napari from ending.
            threading.Thread(target=self._work, name="tiles", daemon=True).start()

    def _work(self) -> None:
        """Read until no tile is wanted or there is no listener."""
        while (key := self._next()) is not None:
            try:
                self._fetch(key)
            finally:
                with self._lock:
                    self._under_way.discard(key)
                    if self._listener is not None:
                        self._listener()

    def _next(self) -> Key | None:
        with self._lock:
            if self._listener is not None:
                for queue in (self._wanted, self._missing_base):
                    while queue:
                        key = queue.pop()
                        if key not in self._under_way:
                            self._under_way.add(key)
                            return key
            self._threads -= 1
            return None

    def _fetch(self, key: Key) -> None:
        try:
            tile = self._source(key).tile(key.row, key.column)
        except SlideError:
            with self._lock:
                self.failed.add(key)
            if key.level == self._last:
                self._fill_base(key, None)
            return
        if key.level == self._last:
            self._fill_base(key, tile)
        else:
            self._held[key] = tile

    def _fill_base(self, key: Key, tile: NDArray[np.uint8] | None) -> None:
        high, wide = self._source(key).tile_shape
        top, left = key.row * high, key.column * wide
        part = self.base[top : top + high, left : left + wide]
        if tile is None:
            rows, columns = np.arange(part.shape[0]), np.arange(part.shape[1])
            tile = hatched(rows, columns)
        part[:] = tile[: part.shape[0], : part.shape[1]]
        with self._lock:
            if key in self._missing_base:
                self._missing_base.remove(key)


class StreamedLevel:
    """One level for napari: an array whose parts are returned at once, and sharper when requested again."""

    def __init__(self, stream: TileStream, index: int) -> None:
        self.stream, self._index = stream, index
        source = stream.sources[index]
        self.shape = (int(source.shape[0]), int(source.shape[1]), 3)
        self.dtype = np.dtype(np.uint8)
        self.ndim = 3
        if isinstance(source, Tiled):
            self.chunks = (*(min(side, _LARGEST_CHUNK) for side in source.tile_shape), 3)

    @property
    def size(self) -> int:
        """Return the number of values."""
        return int(np.prod(self.shape))

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        """Return a part, by slices with positive steps and whole numbers, as in napari."""
        keys = key if isinstance(key, tuple) else (key,)
        keys = tuple(slice(None) if each is Ellipsis else each for each in keys)
        keys += (slice(None),) * (3 - len(keys))
        rows, columns = (np.arange(side)[each] for side, each in zip(self.shape[:2], keys, strict=False))
        pixels = self.stream.view(self._index, np.atleast_1d(rows), np.atleast_1d(columns))
        dropped = tuple(0 if np.ndim(places) == 0 else slice(None) for places in (rows, columns))
        return pixels[(*dropped, keys[2])]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the whole level, as far as it is read, for napari's thumbnail."""
        pixels = self[:, :]
        return pixels if dtype is None else pixels.astype(dtype, copy=False)
