"""The search for cells: the engine's results recorded in the case, with progress and a way to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.gui.core.notice_text import doing_text
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.widgets.notices import FINDING, Notices
from napari_bonemarrow.workflow import analyse, apply_step
from napari_bonemarrow.workflow.steps import CellsClassified, CellsFound, Doing, TilesFound

_BEGUN, _FOUND = 0.05, 0.35
"""Progress of an analysis, of 1, at its begin and when the cells are found. A moving bar
would redraw the whole window thirty times a second and slow down the engine."""


class CellSearch(SmearPart):
    """One analysis at a time; every step is in the case before ``progressed`` is emitted.

    Parameters
    ----------
    session : Session
    engine : Engine
    tasks : Tasks
    notices : Notices
    model : callable
        Returns the name of the model bundle in use.
    parent : QObject
    """

    progressed = Signal(str, float)  # activity, progress 0..1
    stopped = Signal()
    found = Signal()
    seen = Signal()
    """Emitted when the first cells of this analysis have their classes in the case."""
    tiles_found = Signal(object)  # Cells of more tiles, not yet in the case

    def __init__(
        self,
        session: Session,
        engine: Engine,
        tasks: Tasks,
        notices: Notices,
        model: Callable[[], str],
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._engine, self._tasks, self._notices, self._model = engine, tasks, notices, model
        self._worker: Any = None
        self._told = ("", 0.0)
        self._classifying = self._seen = False

    def close(self) -> None:
        """Stop the analysis; results in the case stay there."""
        self.cancel()
        super().close()

    @property
    def running(self) -> bool:
        """Return whether cells are being found or classified."""
        return self._worker is not None

    def start(self) -> None:
        """Find and classify missing cells. The frame is recorded first, since it is chosen blind."""
        self.cancel()
        session, case = self.session, self.session.case
        try:
            if not session.is_fixed:
                case.sampling.set_frame(session.frame(), session.target)
            steps = analyse(self._engine, session.slide, case, model=self._model())
        except BoneMarrowError as error:
            self._fail(error)
            self.stopped.emit()
            return
        self._classifying = self._seen = False
        self._tell("Looking at the smear", _BEGUN)
        progress = case.detection.progress
        if progress is not None and len(progress.cells):
            self.tiles_found.emit(progress.cells)
        self._worker = self._tasks.run(
            lambda: steps, on_step=self._on_step, on_done=self._on_done, on_failed=self._fail
        )

    def cancel(self) -> None:
        """Stop the analysis. Results in the case stay there, and the rest can be done later."""
        worker, self._worker = self._worker, None
        if worker is not None:
            self._tasks.cancel(worker)
            self._engine.drop_stale("classify", "detect")
            self.stopped.emit()

    def _tell(self, text: str, part: float) -> None:
        if (text, part) != self._told:
            self._told = (text, part)
            self.progressed.emit(text, part)

    def _on_step(self, step: Any) -> None:
        if isinstance(step, Doing):
            self._on_doing(step)
            return
        try:
            apply_step(self.session.case, step)
        except BoneMarrowError as error:
            self.cancel()
            self._fail(error)
            return
        if isinstance(step, TilesFound):
            text = step.text or f"{count_of(step.done, 'tile', of=step.total)} searched"
            self._tell(doing_text(text, step.seconds_left), _part_found(step.done / max(step.total, 1)))
            self.tiles_found.emit(step.cells)
        elif isinstance(step, CellsFound):
            self._classifying = True
            self.found.emit()
            self._tell(f"{count_of(len(step.cells), 'cell')} found", _FOUND)
        elif isinstance(step, CellsClassified):
            if not self._seen:
                self._seen = True
                self.seen.emit()
            part = _FOUND + (1 - _FOUND) * step.done / step.total
            text = f"{count_of(step.done, 'cell', of=step.total)} classified"
            self._tell(doing_text(text, step.seconds_left) if step.done < step.total else text, part)

    def _on_doing(self, step: Doing) -> None:
        if self._classifying:  # the number of classified cells is more informative
            return
        part = self._told[1] if step.part is None else max(self._told[1], _part_found(step.part))
        self._tell(doing_text(step.text, step.seconds_left), part)

    def _fail(self, error: BoneMarrowError) -> None:
        self._notices.fail(error, FINDING)

    def _on_done(self) -> None:
        self._worker = None
        self.stopped.emit()


def _part_found(part: float) -> float:
    """Return the progress of an analysis for a searched share."""
    return _BEGUN + (_FOUND - _BEGUN) * part
