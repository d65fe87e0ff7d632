"""The engine: heavy work as futures, in one child process that may die without loss."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells, Frame, Predictions
from napari_bonemarrow.engine.messages import Embedded, EngineError, EngineStatus, SlideSource
from napari_bonemarrow.engine.network_child import NetworkChild
from napari_bonemarrow.engine.queue import Task, TaskKind, TaskQueue, carry_out
from napari_bonemarrow.engine.replaced_child import CLOSED_TEXT
from napari_bonemarrow.engine.tilepool import TilePool
from napari_bonemarrow.models.explanation.methods import DEFAULT_METHOD

if TYPE_CHECKING:
    from napari_bonemarrow.models import Heatmap
    from napari_bonemarrow.slides.detection.search_plan import Tile

CHUNK_SECONDS = 0.2
"""Longest time of a chunk of cells, s, and so the longest wait of a heatmap behind it."""
_FIRST_CHUNK = 16
_SMALLEST_CHUNK, _LARGEST_CHUNK = 4, 512
_LARGEST_SENT = 16 * 2**20
"""Largest chunk of crops, bytes: with a GPU the transfer to the child dominates, a second for 260 MB."""


class Engine:
    """An engine that finds, classifies and explains cells in a child process.

    Every method returns at once with futures, which can be waited for, cancelled and given callbacks in any
    thread. The child starts with the first task and ends with `close`, or with its parent in any case.

    Parameters
    ----------
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; `status` has the actual device.
    threads : int, optional
        Threads of torch in the child.
    workers : int, optional
        Further children that search a whole slide's tiles; by default one per usable core, at most 4.
        They start with the first tile.
    """

    def __init__(
        self, device: str = "auto", *, threads: int | None = None, workers: int | None = None
    ) -> None:
        self.device = device
        self._workers = workers
        self._tiles: TilePool | None = None
        self._layout: TilePool | None = None
        self._tasks = TaskQueue()
        self._child = NetworkChild(device, threads)
        self._lock = threading.Lock()
        self._dispatcher: threading.Thread | None = None

    def load(self, model: str | Path = "starter") -> Future[EngineStatus]:
        """Load a bundle by name or folder. Otherwise the first cell loads the starter bundle.

        Returns
        -------
        Future of EngineStatus
            With a `BundleError` in it the previous bundle stays in use.
        """
        return self._put(TaskKind.LOAD, "load", model, self.device, done=self._child.note_loaded)

    def detect(self, source: SlideSource, frame: Frame | None = None) -> Future[Cells]:
        """Return the nucleated cells of a slide."""
        return self._put(TaskKind.DETECT, "detect", source, frame)

    def detect_tiles(self, source: SlideSource, tiles: Iterable[Tile]) -> list[Future[Cells]]:
        """Return the cells of some tiles of a plan, several at a time, in the tiles' order.

        Returns
        -------
        list of Future of Cells
            One per tile, with a `TileError` in it for an unreadable tile.
        """
        return self.map_tiles("search", source, tiles)

    def map_tiles(self, name: str, source: SlideSource | Path, items: Iterable[object]) -> list[Future[Any]]:
        """Return the results of one of the child's functions on a slide and each item, in parallel.

        Parameters
        ----------
        name : str
            A function of `engine.child` that takes a source and an item and needs no network.
        source : SlideSource or Path
            A path while the slide's scale is unknown.
        items : iterable

        Returns
        -------
        list of Future
            One per item; they may be cancelled.
        """
        with self._lock:
            if self._child.is_closed:
                raise EngineError(CLOSED_TEXT)
            if self._tiles is None:
                self._tiles = TilePool(self._workers)
            pool = self._tiles
        return [pool.put(name, source, item) for item in items]

    @property
    def workers(self) -> int:
        """Return the number of tiles searched at a time."""
        with self._lock:
            if self._tiles is None:
                self._tiles = TilePool(self._workers)
            return self._tiles.workers

    def end_tiles(self) -> None:
        """End the children that search tiles, to free memory; they start again when needed."""
        with self._lock:
            pool, self._tiles = self._tiles, None
        if pool is not None:
            pool.close()

    def classify(self, source: SlideSource, cells: Cells) -> list[Future[Predictions]]:
        """Return predictions of a slide's cells in chunks of about `CHUNK_SECONDS`, in the order of the
        cells.

        Returns
        -------
        list of Future of Predictions
            One per chunk; a failed chunk does not affect the others. An unreadable cell has no row; a chunk
            of only unreadable cells has the error.
        """
        return [
            self._put(
                TaskKind.CLASSIFY, "classify", source, cells.select(part), done=self._measure(part.size)
            )
            for part in self._parts(len(cells))
        ]

    def classify_crops(
        self, crops: NDArray[np.uint8], cell_id: NDArray[np.int64] | None = None
    ) -> list[Future[Predictions]]:
        """Return predictions of crops at the bundle's scale and size, in chunks as `classify`.

        Parameters
        ----------
        crops : ndarray of uint8, shape (n, s, s, 3)
        cell_id : ndarray of int64, shape (n,), optional
            By default 1 to n.
        """
        ids = np.arange(1, len(crops) + 1) if cell_id is None else cell_id
        return [
            self._put(
                TaskKind.CLASSIFY, "classify_crops", crops[part], ids[part], done=self._measure(part.size)
            )
            for part in self._parts(len(crops), max(1, _LARGEST_SENT // max(1, crops[:1].nbytes)))
        ]

    def embed(self, source: SlideSource, cells: Cells) -> list[Future[Embedded]]:
        """Return features of cells, in chunks as `classify`, when there is nothing else to do.

        Features of cells just classified are kept; others are computed now. An unreadable cell has no row.
        """
        return [
            self._put(TaskKind.EMBED, "embed", source, cells.select(part)) for part in self._parts(len(cells))
        ]

    def fit_axes(
        self, features: NDArray[np.float16]
    ) -> Future[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Return the mean (f,) and at most 32 principal axes (d, f) of features, shape (n, f)."""
        return self._put(TaskKind.EMBED, "fit_axes", features)

    def lay_out(self, features: NDArray[np.float16], seed: int = 0) -> Future[NDArray[np.float32]]:
        """Return features, shape (n, d), on a plane, from a separate child: for many it takes a minute.

        `layout_method` returns the method; `end_layout` stops it.
        """
        return self._of_layout("lay_out", features, seed)

    def prepare_layout(self) -> None:
        """Start the layout child in advance for a map of few cells."""
        self._of_layout("prepare_layout")

    def _of_layout(self, name: str, *args: object) -> Future[Any]:
        with self._lock:
            if self._child.is_closed:
                raise EngineError(CLOSED_TEXT)
            if self._layout is None:
                self._layout = TilePool(1)
            return self._layout.put(name, *args)

    def end_layout(self) -> None:
        """End the layout child and cancel its work."""
        with self._lock:
            pool, self._layout = self._layout, None
        if pool is not None:
            pool.close()

    def explain(
        self,
        source: SlideSource,
        x: float,
        y: float,
        method: str = DEFAULT_METHOD,
        *,
        target: str | None = None,
        against: str | None = None,
        seed: int = 0,
    ) -> Future[Heatmap]:
        """Return the heatmap of a class around (x, y) in level-0 pixels."""
        return self._put(
            TaskKind.EXPLAIN, "explain", source, float(x), float(y), method, target, against, seed
        )

    def explain_crop(
        self,
        crop: NDArray[np.uint8],
        method: str = DEFAULT_METHOD,
        *,
        target: str | None = None,
        against: str | None = None,
        seed: int = 0,
    ) -> Future[Heatmap]:
        """Return the heatmap of a class on a crop at the bundle's scale and size, shape (s, s, 3)."""
        return self._put(TaskKind.EXPLAIN, "explain_crop", crop, method, target, against, seed)

    def drop_stale(self, *kinds: str) -> None:
        """Cancel earlier tasks and discard the result of the running one.

        Parameters
        ----------
        *kinds : {"explain", "classify", "detect", "embed"}
            Only these; by default all of them.
        """
        chosen = tuple(TaskKind[kind.upper()] for kind in kinds) or tuple(set(TaskKind) - {TaskKind.LOAD})
        self._tasks.drop(chosen)
        if TaskKind.DETECT in chosen and self._tiles is not None:
            self._tiles.drop()

    @property
    def status(self) -> EngineStatus | None:
        """Return the status, None before a bundle is loaded."""
        return self._child.status

    @property
    def pid(self) -> int | None:
        """Return the child's process id, None without a child."""
        return self._child.pid

    @property
    def tile_pids(self) -> list[int]:
        """Return the process ids of the children that search tiles."""
        tiles = self._tiles
        return tiles.pids if tiles is not None else []

    def close(self) -> None:
        """Cancel everything and end the child, without waiting for either."""
        with self._lock:
            pool = self._child.refuse()
        self._tasks.close()
        if pool is not None:
            pool.end()
        self.end_tiles()
        self.end_layout()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _parts(self, count: int, most: int = _LARGEST_CHUNK) -> list[NDArray[np.intp]]:
        size = _FIRST_CHUNK
        if self._child.seconds_per_cell:
            size = int(
                np.clip(round(CHUNK_SECONDS / self._child.seconds_per_cell), _SMALLEST_CHUNK, _LARGEST_CHUNK)
            )
        size = min(size, most)
        return [np.arange(start, min(start + size, count)) for start in range(0, count, size)]

    def _measure(self, cells: int) -> Any:
        def done(_value: object, seconds: float) -> None:
            per_cell = seconds / cells
            before = self._child.seconds_per_cell or per_cell
            self._child.seconds_per_cell = (before + per_cell) / 2

        return done

    def _put(self, kind: TaskKind, name: str, *args: object, **options: Any) -> Future[Any]:
        future = self._tasks.put(kind, name, *args, **options)
        if future is None:
            raise EngineError(CLOSED_TEXT)
        with self._lock:
            if self._dispatcher is None:
                self._dispatcher = threading.Thread(target=self._dispatch, name="engine", daemon=True)
                self._dispatcher.start()
        return future

    def _dispatch(self) -> None:
        while (task := self._tasks.take()) is not None:
            carry_out(task, self._run, self._tasks, lambda: self._child.is_closed)

    def _run(self, task: Task) -> Any:
        value, seconds = self._child.carry_out(task)
        task.done(value, seconds)
        return value
