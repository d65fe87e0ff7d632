"""Find cells: the engine's steps on their way to the case, with progress and a way to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.gui.describe import Session
from napari_bonemarrow.gui.runner import Runner
from napari_bonemarrow.models import STARTER
from napari_bonemarrow.workflow import CellsClassified, CellsFound, Doing, analyse, apply_step

_BEGUN, _FOUND = 0.05, 0.35
"""How far an analysis is when it has begun and when the cells are found, of 1. A bar that runs to and fro
instead would have the whole window drawn anew thirty times a second, at the engine's cost."""


class Analysis(QObject):
    """Runs one analysis at a time; every step is in the case before ``progressed`` tells of it."""

    progressed = Signal(str, float)  # what is done, part 0..1
    stopped = Signal()
    found = Signal()

    def __init__(self, engine: Engine, runner: Runner, on_error: Callable[[BoneMarrowError], None]) -> None:
        super().__init__(runner)
        self._engine, self._runner, self._on_error = engine, runner, on_error
        self.model = STARTER
        self._worker: Any = None
        self._session: Session | None = None
        self._told = ("", 0.0)

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
            steps = analyse(self._engine, session.slide, case, model=self.model)
        except BoneMarrowError as error:
            self._on_error(error)
            self.stopped.emit()
            return
        self._session = session
        self._tell("Looking at the smear", _BEGUN)
        self._worker = self._runner.run(
            lambda: steps, on_step=self._on_step, on_done=self._on_done, on_failed=self._on_error
        )

    def cancel(self) -> None:
        """Stop. What is in the case stays there, and the rest can be done later."""
        worker, self._worker = self._worker, None
        if worker is not None:
            self._runner.cancel(worker)
            self._engine.drop_stale("classify", "detect")
            self.stopped.emit()

    def _tell(self, text: str, part: float) -> None:
        if (text, part) != self._told:
            self._told = (text, part)
            self.progressed.emit(text, part)

    def _on_step(self, step: Any) -> None:
        if isinstance(step, Doing):
            if self._told[1] <= _FOUND:  # once it classifies, the number of cells tells more
                self._tell(step.text, self._told[1])
            return
        try:
            apply_step(self._session.case, step)
        except BoneMarrowError as error:
            self.cancel()
            self._on_error(error)
            return
        if isinstance(step, CellsFound):
            self.found.emit()
            self._tell(f"{len(step.cells)} cells found", _FOUND)
        elif isinstance(step, CellsClassified):
            part = _FOUND + (1 - _FOUND) * step.done / step.total
            self._tell(f"{step.done} of {step.total} cells classified", part)

    def _on_done(self) -> None:
        self._worker = None
        self.stopped.emit()
