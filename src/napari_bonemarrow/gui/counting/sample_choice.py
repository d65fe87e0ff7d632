"""The choice between all cells and a random sample, and the way on from a sample."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.gui.core.sample_figures import SampleFigures
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.correction.review_controller import ReviewController
from napari_bonemarrow.gui.counting.sample_part import SampleInfo, SamplePart
from napari_bonemarrow.review import Case
from napari_bonemarrow.review.journal.payloads import SampleGoal


class SampleChoice(SmearPart):
    """The controller of the part of the Count tab on a sample review."""

    review_wanted = Signal()
    """Emitted when there are cells to review now."""

    def __init__(self, session: Session, part: SamplePart, review: ReviewController, parent: QObject) -> None:
        super().__init__(session, parent)
        self.part, self._review = part, review
        self.follow(part.begin_requested, self.begin)
        self.follow(part.goal_chosen, self.set_goal)
        self.follow(part.wave_requested, self.go_on)
        self.follow(part.widen_requested, self.widen)

    def close(self) -> None:
        """Show no choice without a smear."""
        super().close()
        self.part.show_info(SampleInfo())

    def show(self) -> None:
        """Show what is reviewed."""
        progress, work = self._review.sample_progress, self._review.worklist
        self.part.show_info(sample_info(self.session.case, work.sample_left, progress.figures))

    def begin(self, goal: SampleGoal | None) -> None:
        """Begin a sample, and go to its first cell."""
        case = self.session.case
        if self._review.acts.act(lambda: case.sample.begin(goal=goal)):
            self._go_to_first()
        self.show()

    def set_goal(self, goal: SampleGoal | None) -> None:
        """Set another goal; if it asks for more cells, the next wave begins."""
        case = self.session.case
        if self._review.acts.act(lambda: case.sample.set_goal(goal)):
            self._review.sample_progress.hand_out()
        self.show()

    def go_on(self) -> None:
        """Begin another wave although the goal is reached."""
        if self._review.sample_progress.begin_wave(further=True):
            self._go_to_first()
        self.show()

    def widen(self) -> None:
        """Review all cells instead."""
        self._review.acts.act(self.session.case.sample.widen)
        self.show()

    def _go_to_first(self) -> None:
        self._review.selection.clear()
        self._review.navigation.next()
        self.review_wanted.emit()


def sample_info(case: Case, left: int, figures: SampleFigures | None) -> SampleInfo:
    """Return what is reviewed in a case.

    Parameters
    ----------
    case : Case
    left : int
        Cells of the present wave of a sample that are not named.
    figures : SampleFigures or None
        What the sample said when it was last estimated.
    """
    sample, plan = case.sample, case.sample.plan
    free = not (case.read_only or case.is_signed)
    excluded = case.counting.profile.rules.excluded
    if plan is None:
        if not len(case.cells) or case.is_signed or case.is_blind:
            return SampleInfo()
        cells = int(case.cells.in_frame.sum())
        return SampleInfo(
            "To review: all cells",
            "",
            refusal=sample.refusal,
            cells=cells,
            can_change=free,
            excluded=excluded,
        )
    text = f"Random sample · wave {sample.wave}, {left} left" if left else "Random sample · wave done"
    return SampleInfo(
        text,
        "" if figures is None else figures.text.replace(" %", "\u00a0%"),
        running=True,
        goal=sample.goal,
        cells=len(plan),
        can_go_on=not left and int(case.reviewed().sum()) < len(plan),
        can_change=free,
        excluded=excluded,
    )
