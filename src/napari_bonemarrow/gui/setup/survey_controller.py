"""Survey a whole slide, show its quality map, and take its best regions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core import wording
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.setup.quality_map import QualityMapView
from napari_bonemarrow.gui.setup.setup_controller import SetupController
from napari_bonemarrow.gui.setup.slide_tab import SlideTab
from napari_bonemarrow.gui.widgets.reviewer_name import ReviewerName
from napari_bonemarrow.slides.survey.region_ranking import regions_for
from napari_bonemarrow.workflow.steps import Doing


class SurveyController(QObject):
    """The work of *Where to look*: everything about regions that is settled before classes are seen."""

    surveyed = Signal()

    def __init__(
        self,
        smear_viewer: SmearViewer,
        tab: SlideTab,
        setup: SetupController,
        engine: Engine,
        tasks: Tasks,
        reviewer: ReviewerName,
        on_error: Callable[[BoneMarrowError], None],
    ) -> None:
        super().__init__(smear_viewer)
        self._tab, self._setup = tab, setup
        self.quality = QualityMapView(smear_viewer, tab.where)
        setup.opened.connect(self.quality.open)
        self._engine, self._tasks, self._on_error = engine, tasks, on_error
        self._worker: Any = None
        part = tab.where
        part.survey_requested.connect(lambda: reviewer.over(self.start))
        part.best_requested.connect(self.use_best)
        part.whole_requested.connect(self.use_whole)
        part.next_requested.connect(self.add_next)
        part.progress.stop_requested.connect(self.cancel)

    @property
    def _session(self) -> Session | None:
        return self._setup.session

    def start(self) -> None:
        """Look over the slide."""
        session = self._session
        if session is None or session.case.read_only:
            return
        self.cancel()
        self._tab.show_survey("Looking over the slide", 0.0)

        def steps() -> Iterator[Any]:
            from napari_bonemarrow.workflow.survey import survey

            return survey(self._engine, session.slide, target=session.target)

        self._worker = self._tasks.run(
            steps, on_step=self._on_step, on_done=self._on_done, on_failed=self._on_error
        )

    def cancel(self) -> None:
        """Stop; what was there before stays."""
        worker, self._worker = self._worker, None
        if worker is not None:
            self._tasks.cancel(worker)
            self._tab.show_idle()

    def _on_step(self, step: Any) -> None:
        session = self._session
        if session is None:
            return
        if isinstance(step, Doing):
            part = step.part or 0.0
            self._tab.show_survey(wording.doing_text(step.text, step.seconds_left), part)
            return
        try:
            session.case.sampling.record_ranking(step.ranking, step.quality_map.arrays())
        except BoneMarrowError as error:
            self._on_error(error)
            return
        self.quality.show(step.quality_map)

    def _on_done(self) -> None:
        self._worker = None
        self._tab.show_idle()
        self._setup.show()
        self._tab.focus_next()
        self.surveyed.emit()

    # what is counted ------------------------------------------------------------------------------

    def use_best(self) -> None:
        """Count the best regions, as many as the target is expected to need."""
        session = self._session
        if session is None or session.case.sampling.ranking is None:
            return
        ranking = session.case.sampling.ranking
        count = regions_for(ranking, session.target)
        self._setup.choose(ranking.regions[:count])
        self._tab.focus_next()

    def use_whole(self) -> None:
        """Count all of the slide."""
        self._setup.choose((), whole=True)

    def add_next(self) -> None:
        """Count one ranked region more, and find its cells."""
        session = self._session
        if session is None:
            return
        try:
            session.case.sampling.extend_frame(session.case.sampling.chosen_by_rank + 1)
        except BoneMarrowError as error:
            self._on_error(error)
            return
        self._setup.find_cells()
