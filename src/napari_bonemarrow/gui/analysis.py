"""Find cells: the engine's steps on their way to the case, with progress and a way to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.gui.describe import Session
from napari_bonemarrow.gui.runner import Runner
from napari_bonemarrow.workflow import analyse, apply_step
from napari_bonemarrow.workflow.analysis import CellsClassified, CellsFound, Doing


class Analysis(QObject):
    """Runs one analysis at a time; every step is in the case before ``progressed`` tells of it."""

    progressed = Signal(str, object)  # what is done, part 0..1 or None
    stopped = Signal()
    found = Signal()

    def __init__(self, engine: Engine, runner: Runner, on_error: Callable[[BoneMarrowError], None]) -> None:
        super().__init__(runner)
        self._engine, self._runner, self._on_error = engine, runner, on_error
        self._worker: Any = None
        self._session: Session | None = None

    @property
    def running(self) -> bool:
        """Whether cells are being found or classified."""
        return self._worker is not None

    def start(self, session: Session) -> None:
        """Find and classify what is missing. The frame is written down first: it is chosen blind."""
        self.cancel()
        case = session.case
        try:
            if case.frame is None:
                case.set_frame(session.frame(), session.target)
            steps = analyse(self._engine, session.slide, case)
        except BoneMarrowError as error:
            self._on_error(error)
            self.stopped.emit()
            return
        self._session = session
        self.progressed.emit("Finding cells", None)
        self._worker = self._runner.run(
            lambda: steps, on_step=self._on_step, on_done=self._on_done, on_failed=self._on_failed
        )

    def cancel(self) -> None:
        """Stop. What is in the case stays there, and the rest can be done later."""
        worker, self._worker = self._worker, None
        if worker is not None:
            self._runner.cancel(worker)
            self._engine.drop_stale("classify", "detect")
            self.stopped.emit()

    def _on_step(self, step: Any) -> None:
        if isinstance(step, Doing):
            if not self._counts:
                self.progressed.emit(step.text, None)
            return
        try:
            apply_step(self._session.case, step)
        except BoneMarrowError as error:
            self.cancel()
            self._on_error(error)
            return
        if isinstance(step, CellsFound):
            self.found.emit()
            self.progressed.emit(f"{len(step.cells)} cells found; loading the model", None)
        elif isinstance(step, CellsClassified):
            self._counts = True
            part = step.done / step.total if step.total else 1.0
            self.progressed.emit(f"{step.done} of {step.total} cells classified", part)

    _counts = False

    def _on_failed(self, error: BoneMarrowError) -> None:
        self._on_error(error)

    def _on_done(self) -> None:
        self._worker, self._counts = None, False
        self.stopped.emit()
