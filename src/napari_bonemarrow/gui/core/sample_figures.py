"""What a sample review says so far: read on the main thread, estimated on any (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.estimation import (
    CrossFitted,
    EstimatedShare,
    EstimateError,
    SamplePlan,
    SampleTally,
    cells_needed,
    estimate,
)
from napari_bonemarrow.review import Case
from napari_bonemarrow.review.journal.payloads import SampleGoal

FOCUS = "blasts"
"""The share that is told where no goal names another."""

GROUPS = {"blasts": "blasts", "eosinophils": "eosinophils", "erythroid": "erythroid cells"}
"""The groups that a goal can name: value to text."""

_ROUNDED_FROM = 20
"""Numbers of cells above which a forecast is rounded up to tens."""


def focus_name(of: str) -> str:
    """Return the name of a class or group of a goal."""
    return GROUPS.get(of) or CLASSES[of].name


def goal_text(goal: SampleGoal) -> str:
    """Return that a goal is reached."""
    return f"{focus_name(goal['of'])} within ±{goal['width']:g} %"


@dataclass(frozen=True, slots=True)
class SampleFigures:
    """The estimate of a sample review in short.

    Attributes
    ----------
    reviewed, frame : int
        Cells that enter the estimate, and all that count.
    waiting : int
        Cells named out of order: they enter once all before them are named.
    of : str
        The class or group of the goal, else `FOCUS`.
    width : float or None
        The wanted half width, per cent.
    share : EstimatedShare or None
        None while too few cells enter.
    needed : int or None
        Cells that the goal still needs; None without one, or where the frame is too small for it.
    """

    reviewed: int
    frame: int
    waiting: int
    of: str
    width: float | None
    share: EstimatedShare | None
    needed: int | None

    @property
    def reached(self) -> bool:
        """Return whether the interval is as narrow as wanted."""
        return self.width is not None and self.needed == 0

    @property
    def text(self) -> str:
        """Return it in one line."""
        parts = [self.share_text, self.needed_text, self.waiting_text]
        return " · ".join(part for part in parts if part)

    @property
    def share_text(self) -> str:
        """Return the share with its interval, or that there is none yet."""
        if self.share is None:
            return "no estimate yet: each part of the sample needs a cell"
        low, high = self.share.ci95
        if self.share.percent is None:
            return f"{focus_name(self.of)}: none seen, at most {high:.1f} %"
        return f"{focus_name(self.of)} {self.share.percent:.1f} % ({low:.1f}–{high:.1f})"

    @property
    def needed_text(self) -> str:
        """Return how many cells the goal still needs; empty without one."""
        if self.width is None or self.share is None:
            return ""
        goal = f"±{self.width:g} %"
        if self.needed is None:
            return f"{goal} is more than all cells give"
        if not self.needed:
            return f"within {goal}"
        return f"about {_rounded(self.needed)} more for {goal}"

    @property
    def waiting_text(self) -> str:
        """Return how many cells were named out of order; empty if none."""
        return f"{self.waiting} named out of order wait" if self.waiting else ""


@dataclass(frozen=True, slots=True, eq=False)
class SampleQuestion:
    """What is known of a sample at one moment, to be estimated on any thread."""

    plan: SamplePlan
    tally: SampleTally
    of: str
    width: float | None
    correction: CrossFitted | None

    def answer(self) -> SampleFigures:
        """Estimate."""
        try:
            share = estimate(self.plan, self.tally, self.correction).row(self.of)
        except EstimateError:
            share = None
        needed = None
        if self.width is not None and share is not None:
            needed = cells_needed(self.plan, self.tally, self.of, self.width, predictions=self.correction)
        waiting = len(self.tally.waiting)
        return SampleFigures(self.tally.total, len(self.plan), waiting, self.of, self.width, share, needed)


def sample_question(case: Case) -> SampleQuestion | None:
    """Return what is known of the sample of a case; None if none is reviewed."""
    sample = case.sample
    plan, goal = sample.plan, sample.goal
    if plan is None:
        return None
    of, width = (FOCUS, None) if goal is None else (goal["of"], goal["width"])
    return SampleQuestion(plan, sample.tally, of, width, sample.correction)


def _rounded(cells: int) -> int:
    return -10 * (-cells // 10) if cells > _ROUNDED_FROM else cells
