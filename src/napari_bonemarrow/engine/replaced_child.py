"""A child process that is started on demand and replaced once if it dies during a call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from napari_bonemarrow.engine.messages import EngineError
from napari_bonemarrow.engine.process import ChildPool

CLOSED_TEXT = "engine: it is closed: open the slide again"

_Result = TypeVar("_Result")


class ReplacedChild:
    """A child process for calls, which may die without loss.

    Parameters
    ----------
    start : callable
        Returns a new child.
    """

    def __init__(self, start: Callable[[], ChildPool]) -> None:
        self._start = start
        self._pool: ChildPool | None = None
        self._lock = threading.Lock()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Return the process id, None without a child."""
        pool = self._pool
        return pool.pid if pool is not None else None

    @property
    def is_closed(self) -> bool:
        """Return whether no more children are started."""
        return self._closed

    def call(self, ask: Callable[[ChildPool], _Result], died: Callable[[int | None], str]) -> _Result:
        """Return what a call gives; if the child dies, try once more in a new one.

        Parameters
        ----------
        ask : callable
            Makes the call in the child and waits for the result.
        died : callable
            Returns the text of the error from the exit code of the second child.

        Raises
        ------
        EngineError
            If two children died, or no more are started.
        """
        exit_code = None
        for _attempt in range(2):
            pool = self._living()
            try:
                return ask(pool)
            except BrokenProcessPool:
                with self._lock:
                    if self._pool is pool:
                        self._pool = None
                exit_code = pool.reap()
        raise EngineError(died(exit_code))

    def refuse(self) -> ChildPool | None:
        """Start no more children; return the running one, which the caller ends."""
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
        return pool

    def _living(self) -> ChildPool:
        with self._lock:
            if self._closed:
                raise EngineError("engine: it is closed")
            if self._pool is not None and self._pool.exit_code is not None:
                self._pool.end()  # it died while idle
                self._pool = None
            if self._pool is None:
                self._pool = self._start()
            return self._pool
