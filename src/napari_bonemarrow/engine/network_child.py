"""The child process with the network, started on demand and restarted once if it dies."""

from __future__ import annotations

import threading
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from napari_bonemarrow.engine.messages import EngineError, EngineStatus
from napari_bonemarrow.engine.process import ChildPool
from napari_bonemarrow.engine.queue import Kind, Task

_NEED_MODEL = frozenset({"classify", "classify_crops", "embed", "explain", "explain_crop"})


class NetworkChild:
    """A child process for calls, which may die without loss.

    Parameters
    ----------
    device : str
        Device for loading a bundle.
    threads : int, optional
        Threads of torch in the child.

    Attributes
    ----------
    status : EngineStatus or None
        None before a bundle is loaded.
    seconds_per_cell : float or None
        As measured when the bundle was loaded, and updated by the caller.
    """

    def __init__(self, device: str, threads: int | None) -> None:
        self.status: EngineStatus | None = None
        self.seconds_per_cell: float | None = None
        self._device, self._threads = device, threads
        self._model: str | Path = "starter"
        self._pool: ChildPool | None = None
        self._lock = threading.Lock()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Return the child's process id, None without a child."""
        pool = self._pool
        return pool.pid if pool is not None else None

    @property
    def is_closed(self) -> bool:
        """Return whether no more children are started."""
        return self._closed

    def call(self, task: Task) -> tuple[Any, float]:
        """Return the result of one call in the child; if it dies, restart it and try once more.

        Returns
        -------
        value, float
            The call's result, and the seconds it took.

        Raises
        ------
        EngineError
            If it died twice, or is closed.
        """
        exit_code = None
        for _attempt in range(2):
            pool = self._living_pool()
            try:
                if task.name in _NEED_MODEL and not pool.has_model:
                    self.note_loaded(*pool.submit("load", self._model, self._device).result())
                    pool.has_model = True
                value, seconds = pool.submit(task.name, *task.args).result()
            except BrokenProcessPool:
                exit_code = self._retire(pool)
                continue
            if task.kind is Kind.LOAD:
                self._model = task.args[0]
                pool.has_model = True
            return value, seconds
        raise EngineError(
            f"engine: its process ended twice (exit code {exit_code}) while asked to {task.name}: "
            "memory may be short, close other programs or choose the device cpu"
        )

    def note_loaded(self, status: EngineStatus, _seconds: float) -> None:
        """Set the status of a loaded bundle."""
        if self.status is None or self.status.model != status.model:
            self.seconds_per_cell = status.seconds_per_crop or None
        self.status = status

    def refuse(self) -> ChildPool | None:
        """Start no more children; return the running one, which the caller ends."""
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
        return pool

    def _living_pool(self) -> ChildPool:
        with self._lock:
            if self._closed:
                raise EngineError("engine: it is closed")
            if self._pool is not None and self._pool.exit_code is not None:
                self._pool.end()  # it died while idle
                self._pool = None
            if self._pool is None:
                self._pool = ChildPool(self._threads)
            return self._pool

    def _retire(self, pool: ChildPool) -> int | None:
        with self._lock:
            if self._pool is pool:
                self._pool = None
        return pool.reap()
