"""Pool of child processes that search tiles in parallel; none loads a network."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import partial
from typing import Any

from napari_bonemarrow.engine.messages import EngineError
from napari_bonemarrow.engine.process import ChildPool
from napari_bonemarrow.engine.queue import Task, TaskKind, TaskQueue, carry_out
from napari_bonemarrow.engine.replaced_child import CLOSED_TEXT, ReplacedChild
from napari_bonemarrow.system.cores import usable_cores

MOST_WORKERS = 4
"""Most children: each takes about 300 MB, so four and the program take about 1.5 GB."""

_TILE_CACHE_BYTES = 48 * 2**20
"""Cache of a child, bytes: only the rows of tiles shared by neighbours."""


class TilePool:
    """A pool of children that take tiles from one queue.

    A child that dies is replaced and its tile tried once more; if that child also dies, the tile's future
    has an `EngineError` and the others continue. Every child ends with its parent.

    Parameters
    ----------
    workers : int, optional
        Number of children; by default one per usable core, at most 4.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or min(usable_cores(), MOST_WORKERS)
        self._tasks = TaskQueue()
        self._lock = threading.Lock()
        self._children = [
            ReplacedChild(lambda: ChildPool(1, cache_bytes=_TILE_CACHE_BYTES)) for _ in range(self.workers)
        ]
        self._threads: list[threading.Thread] = []

    def put(self, name: str, *args: object) -> Future[Any]:
        """Return the future of one of the child's functions.

        Raises
        ------
        EngineError
            If the pool is closed.
        """
        future = self._tasks.put(TaskKind.DETECT, name, *args)
        if future is None:
            raise EngineError(CLOSED_TEXT)
        with self._lock:
            if not self._threads:
                self._threads = [
                    threading.Thread(target=self._serve, args=(child,), name=f"tiles-{k}", daemon=True)
                    for k, child in enumerate(self._children)
                ]
                for thread in self._threads:
                    thread.start()
        return future

    def drop(self) -> None:
        """Cancel waiting tasks and discard the results of running ones."""
        self._tasks.drop((TaskKind.DETECT,))

    def close(self) -> None:
        """Cancel everything and end the children, without waiting for either."""
        running = [child.refuse() for child in self._children]
        self._tasks.close()
        for pool in running:
            if pool is not None:
                pool.end()

    @property
    def pids(self) -> list[int]:
        """Return the process ids of the running children."""
        return [pid for child in self._children if (pid := child.pid) is not None]

    def _serve(self, child: ReplacedChild) -> None:
        while (task := self._tasks.take()) is not None:
            carry_out(task, partial(self._call, child), self._tasks, lambda: child.is_closed)

    def _call(self, child: ReplacedChild, task: Task) -> Any:
        return child.call(
            lambda pool: pool.submit(task.name, *task.args).result()[0],
            lambda exit_code: (
                f"engine: two processes ended (exit code {exit_code}) while asked to {task.name}: "
                "this part of the slide is left out; memory may be short, or the file is damaged there"
            ),
        )
