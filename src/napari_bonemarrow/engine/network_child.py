"""The child process with the network, started on demand and restarted once if it dies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_bonemarrow.engine.messages import EngineStatus
from napari_bonemarrow.engine.process import ChildPool
from napari_bonemarrow.engine.queue import Task, TaskKind
from napari_bonemarrow.engine.replaced_child import ReplacedChild

_NEED_MODEL = frozenset({"classify", "classify_crops", "embed", "explain", "explain_crop"})


class NetworkChild(ReplacedChild):
    """A child process with the network of a bundle, which is loaded again in each new one.

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
        super().__init__(lambda: ChildPool(threads))
        self.status: EngineStatus | None = None
        self.seconds_per_cell: float | None = None
        self._device = device
        self._model: str | Path = "starter"

    def carry_out(self, task: Task) -> tuple[Any, float]:
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

        def ask(pool: ChildPool) -> tuple[Any, float]:
            if task.name in _NEED_MODEL and not pool.has_model:
                self.note_loaded(*pool.submit("load", self._model, self._device).result())
                pool.has_model = True
            value, seconds = pool.submit(task.name, *task.args).result()
            if task.kind is TaskKind.LOAD:
                self._model = task.args[0]
                pool.has_model = True
            return value, seconds

        return self.call(
            ask,
            lambda exit_code: (
                f"engine: its process ended twice (exit code {exit_code}) while asked to {task.name}: "
                "memory may be short, close other programs or choose the device cpu"
            ),
        )

    def note_loaded(self, status: EngineStatus, _seconds: float) -> None:
        """Set the status of a loaded bundle."""
        if self.status is None or self.status.model != status.model:
            self.seconds_per_cell = status.seconds_per_crop or None
        self.status = status
