"""The controller of a whole slide's survey, its quality map, and the choice of its best regions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core import notice_text
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.setup.quality_map import QualityMapView
from napari_bonemarrow.gui.setup.setup_controller import SetupController
from napari_bonemarrow.gui.setup.slide_tab import SlideTab
from napari_bonemarrow.gui.widgets.notices import FINDING, Notices
from napari_bonemarrow.gui.widgets.reviewer_name import ReviewerName
from napari_bonemarrow.slides.survey.region_ranking import regions_for
from napari_bonemarrow.workflow.steps import Doing


class SurveyController(SmearPart):
    """The controller of *Where to look*: all choices of regions before classes are seen."""

    surveyed = Signal()

    def __init__(
        self,
        session: Session,
        smear_viewer: SmearViewer,
        tab: SlideTab,
        setup: SetupController,
        engine: Engine,
        tasks: Tasks,
        reviewer: ReviewerName,
        notices: Notices,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._tab, self._setup, self._reviewer = tab, setup, reviewer
        self._engine, self._tasks, self._notices = engine, tasks, notices
        self.quality = QualityMapView(session, smear_viewer, tab.where, self)
        self._worker: Any = None
        part = tab.where
        self.follow(part.survey_requested, self._on_survey_requested)
        self.follow(part.best_requested, self.use_best)
        self.follow(part.whole_requested, self.use_whole)
        self.follow(part.next_requested, self.add_next)
        self.follow(part.progress.stop_requested, self.cancel)

    def close(self) -> None:
        """Stop a running survey."""
        self.cancel()
        super().close()

    def _on_survey_requested(self) -> None:
        self._reviewer.over(self.start)

    def start(self) -> None:
        """Start a survey of the slide."""
        session = self.session
        if session.case.read_only:
            return
        self.cancel()
        self._tab.show_survey("Looking over the slide", 0.0)

        def steps() -> Iterator[Any]:
            from napari_bonemarrow.workflow.survey import survey

            return survey(self._engine, session.slide, target=session.target)

        self._worker = self._tasks.run(
            steps, on_step=self._on_step, on_done=self._on_done, on_failed=self._fail
        )

    def cancel(self) -> None:
        """Stop the survey; the earlier result stays."""
        worker, self._worker = self._worker, None
        if worker is not None:
            self._tasks.cancel(worker)
            self._tab.show_idle()

    def _on_step(self, step: Any) -> None:
        if isinstance(step, Doing):
            part = step.part or 0.0
            self._tab.show_survey(notice_text.doing_text(step.text, step.seconds_left), part)
            return
        try:
            self.session.case.sampling.record_ranking(step.ranking, step.quality_map.arrays())
        except BoneMarrowError as error:
            self._fail(error)
            return
        self.quality.show(step.quality_map)

    def _fail(self, error: BoneMarrowError) -> None:
        self._notices.fail(error, FINDING)

    def _on_done(self) -> None:
        self._worker = None
        self._tab.show_idle()
        self._setup.show()
        self._tab.focus_next()
        self.surveyed.emit()

    # counted regions ------------------------------------------------------------------------------

    def use_best(self) -> None:
        """Count the best regions, as many as the target probably needs."""
        ranking = self.session.case.sampling.ranking
        if ranking is None:
            return
        count = regions_for(ranking, self.session.target)
        self._setup.choose(ranking.regions[:count])
        self._tab.focus_next()

    def use_whole(self) -> None:
        """Count all of the slide."""
        self._setup.choose((), whole=True)

    def add_next(self) -> None:
        """Count one more ranked region, and find its cells."""
        case = self.session.case
        try:
            case.sampling.extend_frame(case.sampling.chosen_by_rank + 1)
        except BoneMarrowError as error:
            self._fail(error)
            return
        self._setup.find_cells()
