"""The network's features of the open case's cells: computed in the background, recorded in the case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import BoneMarrowError, Features
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.workflow import Doing, FeaturesFound, apply_step, embed, unseen

_UNASKED = 64
"""Number of cells whose features are computed unasked; more only if the engine has just classified them."""


class CellFeatures(SmearPart):
    """The features of the cells, completed after all other work of the engine.

    A case that cannot be written (read-only, signed) keeps its features, and the rest is held here while
    it is open.

    Parameters
    ----------
    session : Session
    engine : Engine
    tasks : Tasks
    model : callable
        Returns the name of the model bundle in use.
    is_busy : callable
        Returns whether cells are being found or classified.
    parent : QObject
    """

    changed = Signal()  # new features, or the reason for having none
    progressed = Signal(str, float)  # activity, progress 0 to 1
    stopped = Signal()

    def __init__(
        self,
        session: Session,
        engine: Engine,
        tasks: Tasks,
        model: Callable[[], str],
        is_busy: Callable[[], bool],
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._engine, self._tasks, self._model, self._is_busy = engine, tasks, model, is_busy
        self.problem = ""
        self._loose: Features | None = None
        self._worker: Any = None

    def close(self) -> None:
        """Stop; features in the case stay there."""
        self.cancel()
        super().close()

    @property
    def running(self) -> bool:
        """Return whether features are being computed."""
        return self._worker is not None

    @property
    def features(self) -> Features | None:
        """Return the available features, by ascending cell number."""
        return self._loose or self.session.case.model.features

    @property
    def missing(self) -> int:
        """Return the number of classified cells without features."""
        return 0 if self._loose is not None else len(unseen(self.session.case))

    def complete(self) -> None:
        """Compute features of the few cells without, if the others have theirs."""
        if self.session.case.model.features is not None and 0 < self.missing <= _UNASKED:
            self.start()

    def follow_search(self) -> None:
        """Fetch the features of the cells that were just classified."""
        if not self._is_busy() and not self.problem:
            self.start()

    def start(self) -> None:
        """Compute the features of the cells without any."""
        session = self.session
        if self.running or self._is_busy() or not self.missing:
            return
        self.problem = ""
        steps = embed(self._engine, session.slide, session.case, model=self._model())
        self._worker = self._tasks.run(
            lambda: steps, on_step=self._on_step, on_done=self._on_done, on_failed=self._on_failed
        )
        self.progressed.emit("Comparing cells", 0.0)

    def cancel(self) -> None:
        """Stop; features in the case stay there."""
        worker, self._worker = self._worker, None
        if worker is not None:
            self._tasks.cancel(worker)
            self._engine.drop_stale("embed")
            self.stopped.emit()

    def _on_step(self, step: Any) -> None:
        if isinstance(step, Doing):
            self.progressed.emit(step.text, step.part or 0.0)
        elif isinstance(step, FeaturesFound):
            try:
                if self.session.case.read_only or self.session.case.is_signed:
                    self._hold(step.features)
                else:
                    apply_step(self.session.case, step)
            except BoneMarrowError as error:
                self._on_failed(error)
                return
            self.progressed.emit("Comparing cells", step.done / step.total)
            self.changed.emit()

    def _hold(self, new: Features) -> None:
        """Hold features that the case cannot record."""
        before = self.features
        if before is None or before.model != new.model:
            before = new.select(np.empty(0, np.intp))
        cell_id = np.concatenate([before.cell_id, new.cell_id])
        values = np.concatenate([before.values, new.values])
        order = np.argsort(cell_id, kind="stable")
        self._loose = Features(cell_id[order], values[order], new.model, new.mean, new.axes)

    def _on_done(self) -> None:
        self._worker = None
        self.stopped.emit()

    def _on_failed(self, error: BoneMarrowError) -> None:
        """Report an error in views that need features; the review continues without them."""
        self.problem = " ".join(str(error).split())
        self.changed.emit()
