"""A sample review in the Review tab: its waves, and what it says so far."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.core.sample_figures import SampleFigures, sample_question
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.correction.case_acts import CaseActs
from napari_bonemarrow.gui.correction.selected_cell import SelectedCell
from napari_bonemarrow.review import EVENT_SPECS, Change, Topic
from napari_bonemarrow.review.worklist.worklist import WorkList

_REST_MS = 150
"""Time after the last act until the sample is estimated: never while keys follow one another."""


class SampleProgress(SmearPart):
    """The next wave follows the last label of one while a goal is not reached; without a goal the reader asks
    for it. The estimate follows the labels when the reader rests.
    """

    estimated = Signal()

    def __init__(
        self,
        session: Session,
        worklist: WorkList,
        shown_cell: SelectedCell,
        acts: CaseActs,
        tasks: Tasks,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._worklist, self._shown_cell, self._acts, self._tasks = worklist, shown_cell, acts, tasks
        self.figures: SampleFigures | None = None
        self._worker: Any = None
        self._rest = self.timer(_REST_MS, self._estimate)
        self.follow(session.case.changed, self._on_changed)
        self._follow()

    def close(self) -> None:
        """Forget an estimate that is being made."""
        self._cancel()
        super().close()

    def _on_changed(self, change: Change) -> None:
        topic = EVENT_SPECS[change.act].topic
        named = topic in (Topic.CLASSES, Topic.TURNS, Topic.LEARNING)  # what was learnt corrects the estimate
        if named and self.session.case.sample.goal is not None:
            self.hand_out()
        if named or topic is Topic.SAMPLE:
            self._follow()

    def hand_out(self) -> bool:
        """Begin the next wave if every cell of the present one is named; return whether one began."""
        sample = self.session.case.sample
        if not sample.in_progress or self._worklist.sample_left:
            return False
        return self.begin_wave()

    def begin_wave(self, *, further: bool = False) -> bool:
        """Begin the next wave, with ``further`` even though the goal is reached."""
        case = self.session.case
        if case.read_only or case.is_signed:
            return False
        wave = case.sample.wave
        try:
            case.sample.advance(further=further)
        except BoneMarrowError as error:
            self._acts.fail(error)
        return case.sample.wave > wave

    def _follow(self) -> None:
        self._cancel()
        if self.session.case.sample.in_progress:
            self._rest.start()
        elif self.figures is not None:
            self._take(None)

    def _cancel(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            self._tasks.cancel(worker)

    def _estimate(self) -> None:
        question = sample_question(self.session.case)
        if question is None:
            return

        def steps() -> Iterator[SampleFigures]:
            yield question.answer()

        self._worker = self._tasks.run(
            steps, on_step=self._take, on_done=self._on_done, on_failed=self._acts.fail
        )

    def _on_done(self) -> None:
        self._worker = None

    def _take(self, figures: SampleFigures | None) -> None:
        self.figures = self._shown_cell.sample_figures = figures
        self._shown_cell.show_progress()
        self.estimated.emit()
