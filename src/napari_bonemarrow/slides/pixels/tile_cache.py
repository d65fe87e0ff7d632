"""Bounded cache of decoded tiles, shared by every open slide of this process."""

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
    """The most recent tiles, bounded by their bytes; each tile is decoded by one thread only."""

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self._tiles: LRUCache[Key, NDArray[np.uint8]] = LRUCache(limit, getsizeof=lambda tile: tile.nbytes)
        self._coming: dict[Key, Future[NDArray[np.uint8]]] = {}
        self._lock = threading.Lock()
        self._closed: deque[int] = deque()
        self._owners = itertools.count()

    def new_owner(self) -> int:
        """Return an unused owner number."""
        return next(self._owners)

    @property
    def bytes(self) -> int:
        """Return the bytes in the cache."""
        return int(self._tiles.currsize)

    def limit(self, bytes_: int) -> None:
        """Set the bound and drop tiles beyond it."""
        with self._lock:
            kept = list(self._tiles.items())
            self._tiles = LRUCache(bytes_, getsizeof=lambda tile: tile.nbytes)
            for key, tile in kept:
                with suppress(ValueError):
                    self._tiles[key] = tile

    def get(self, key: Key) -> NDArray[np.uint8] | None:
        """Return a cached tile, else None."""
        with self._lock:
            return self._tiles.get(key)

    def get_or_read(self, key: Key, read: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Return a cached tile, else read it in this thread or wait for the thread that reads it.

        Raises
        ------
        Exception
            Any error of `read`; nothing is cached then, so the next call tries again.
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
            with suppress(ValueError):  # a tile larger than the cache
                self._tiles[key] = tile
        mine.set_result(tile)
        return tile

    def drop(self, owner: int) -> None:
        """Drop a closed level's tiles, now or at the next read.

        The garbage collector calls it at any moment, even in a thread that holds the lock, so it must not
        wait.
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
"""The cache of this process."""
