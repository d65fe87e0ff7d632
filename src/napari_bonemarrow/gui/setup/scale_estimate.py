"""The estimate of a scale from the red cells of the open smear, by a child of the engine."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from qtpy.QtCore import QObject

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.setup.setup_controller import SetupController
from napari_bonemarrow.gui.widgets.notices import OPENING, Notices
from napari_bonemarrow.slides import Scale


class ScaleEstimate(SmearPart):
    """The estimate of the scale if the file has none, shown on the Slide tab."""

    def __init__(
        self,
        session: Session,
        setup: SetupController,
        engine: Engine,
        tasks: Tasks,
        notices: Notices,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._setup, self._notices = setup, notices
        self._future: Future[Any] | None = None
        if session.estimating:
            [self._future] = engine.map_tiles("estimate", session.slide.path, [None])
            tasks.wait_for(self._future, self._take, self._fail, self._show)

    def close(self) -> None:
        """Stop the estimate."""
        if self._future is not None:
            self._future.cancel()
        super().close()

    def _take(self, found: tuple[Scale, ...]) -> None:
        self.session.estimate = found[0] if found else None

    def _fail(self, error: BoneMarrowError) -> None:
        self._notices.fail(error, OPENING)

    def _show(self) -> None:
        self.session.estimating = False
        self._setup.show()
