"""One bounded store of decoded tiles for every slide that is open in this process."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

CACHE_BYTES = 256 * 2**20
"""Default bound: about 1,300 tiles of 256 px, several screens of each level."""

Key = tuple[int, int, int]
"""Owner, row, column."""


class TileCache:
    """The tiles used last, bounded by their bytes; one that is being decoded is waited for."""

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self._tiles: LRUCache[Key, NDArray[np.uint8]] = LRUCache(limit, getsizeof=lambda tile: tile.nbytes)
        self._coming: dict[Key, Future[NDArray[np.uint8]]] = {}
        self._lock = threading.Lock()
        self._closed: deque[int] = deque()
        self._owners = itertools.count()

    def new_owner(self) -> int:
        """Return a number that no other level's tiles carry."""
        return next(self._owners)

    @property
    def bytes(self) -> int:
        """Bytes held now."""
        return int(self._tiles.currsize)

    def limit(self, bytes_: int) -> None:
        """Set the bound; what is held beyond it is let go."""
        with self._lock:
            kept = list(self._tiles.items())
            self._tiles = LRUCache(bytes_, getsizeof=lambda tile: tile.nbytes)
            for key, tile in kept:
                with suppress(ValueError):
                    self._tiles[key] = tile

    def get(self, key: Key) -> NDArray[np.uint8] | None:
        """Return a tile that is held, else None."""
        with self._lock:
            return self._tiles.get(key)

    def get_or_read(self, key: Key, read: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Return a tile that is held, else read it in this thread or wait for the thread that is reading it.

        Raises
        ------
        Exception
            Whatever `read` raises; nothing is held then, so that the next call tries again.
        """
        with self._lock:
            self._let_go()
            held = self._tiles.get(key)
            if held is not None:
                return held
            coming = self._coming.get(key)
            mine: Future[NDArray[np.uint8]] | None = None
            if coming is None:
                mine = self._coming[key] = Future()
        if coming is not None:
            return coming.result()
        assert mine is not None
        try:
            tile = read()
        except BaseException as error:
            with self._lock:
                del self._coming[key]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._coming[key]
            with suppress(ValueError):  # a tile larger than the whole cache
                self._tiles[key] = tile
        mine.set_result(tile)
        return tile

    def drop(self, owner: int) -> None:
        """Let go of a closed level's tiles, now or at the next reading.

        The garbage collector calls it at any moment, also in a thread that holds the lock just then: it
        must not wait for it.
        """
        self._closed.append(owner)
        if self._lock.acquire(blocking=False):
            try:
                self._let_go()
            finally:
                self._lock.release()

    def _let_go(self) -> None:
        while self._closed:
            owner = self._closed.popleft()
            for key in [key for key in self._tiles if key[0] == owner]:
                del self._tiles[key]


tile_cache = TileCache()
"""The process's one cache."""
