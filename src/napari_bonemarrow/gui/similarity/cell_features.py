"""What the network sees of the open case's cells: found in the background, written into the case."""

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
"""So many cells are looked at without being asked for; more only where the engine has just seen them."""


class CellFeatures(SmearPart):
    """Keeps the features of the cells complete, after everything else that the engine has to do.

    A case that cannot be written to (read-only, signed) keeps what it has, and the rest is held here for as
    long as it is open.

    Parameters
    ----------
    session : Session
    engine : Engine
    tasks : Tasks
    model : callable
        Returns the name of the bundle that serves.
    is_busy : callable
        Tells whether cells are being found or classified.
    parent : QObject
    """

    changed = Signal()  # features came, or why there are none
    progressed = Signal(str, float)  # what is done, part 0 to 1
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
        """Stop; what is in the case stays there."""
        self.cancel()
        super().close()

    @property
    def running(self) -> bool:
        """Whether cells are being looked at."""
        return self._worker is not None

    @property
    def features(self) -> Features | None:
        """The features that there are, by ascending cell number."""
        return self._loose or self.session.case.model.features

    @property
    def missing(self) -> int:
        """How many classified cells have no features."""
        return 0 if self._loose is not None else len(unseen(self.session.case))

    def complete(self) -> None:
        """Get features for the few cells that have none, where the others have theirs."""
        if self.session.case.model.features is not None and 0 < self.missing <= _UNASKED:
            self.start()

    def follow_search(self) -> None:
        """Take the features of the cells that were classified a moment ago."""
        if not self._is_busy() and not self.problem:
            self.start()

    def start(self) -> None:
        """Have the network look at the cells that it has not seen."""
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
        """Stop; what is in the case stays there."""
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
        """Hold features that the case cannot take in."""
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
        """Say it where features are looked for: a review goes on without them."""
        self.problem = " ".join(str(error).split())
        self.changed.emit()
