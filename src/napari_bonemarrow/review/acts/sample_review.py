"""A sample review: a random sample of the counted cells is reviewed, and the count estimated from it."""

from __future__ import annotations

import secrets

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CountingRules
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.estimation import (
    CrossFitted,
    EstimateError,
    SampleEstimate,
    SamplePlan,
    SampleTally,
    begin_sample,
    cells_needed,
    estimate,
    next_quota,
    pilot_quota,
    wave_order,
)
from napari_bonemarrow.estimation.records import METHOD
from napari_bonemarrow.estimation.waves import focus_masks
from napari_bonemarrow.review.acts.core import CaseCore
from napari_bonemarrow.review.acts.permission import NotAllowedError, in_sample
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.arrays import pack, unpack
from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.events import Change, Draft, Event
from napari_bonemarrow.review.journal.payloads import SampleEnd, SampleGoal, SamplePayload, SampleQuota
from napari_bonemarrow.review.journal.reading import SECOND
from napari_bonemarrow.review.state.effect import Effect, Effects
from napari_bonemarrow.review.state.sample_state import SampleState
from napari_bonemarrow.review.state.state import State
from napari_bonemarrow.review.state.statistics import counted_rows, estimated

_SEEDS = 2**31
"""Seeds are drawn below this number, which people can still type."""


class SampleReview:
    """The review of a random sample of the counted cells.

    It is begun before the first cell is named. Cells are handed out in waves, in an order that was fixed
    at the beginning, and only the completely reviewed beginning of each stratum's order enters the
    estimate.
    """

    def __init__(self, core: CaseCore) -> None:
        self._core, self._state = core, core.state

    @property
    def in_progress(self) -> bool:
        """Return whether a sample is reviewed, not all cells."""
        return in_sample(self._state)

    @property
    def plan(self) -> SamplePlan | None:
        """Return the order of the sample, None if there is none in progress."""
        return self._sample.plan if self.in_progress else None

    @property
    def goal(self) -> SampleGoal | None:
        """Return the wanted half width and what it is of, None without one."""
        return self._sample.goal if self.in_progress else None

    @property
    def refusal(self) -> str:
        """Return in one line why no sample can begin now; empty if it can."""
        state = self._state
        if in_sample(state):
            return "a sample of the cells is being reviewed already"
        if state.frame is None or not state.detected:
            return "the cells are not found yet: find them before a sample is drawn"
        if not counted_rows(state).any():
            return "there is no cell in the counting frame to draw a sample from"
        if SECOND in state.reads:
            return "a sample is read by one person, and this case has two readers: review all cells"
        rows = counted_rows(state)
        if reviewed := int((rows & state.table.reviewed).sum()):
            return (
                f"{count_of(reviewed, 'cell')} reviewed already: a sample is drawn before the first, so that "
                "it does not depend on what was seen. Review all cells"
            )
        return ""

    def begin(self, seed: int | None = None, goal: SampleGoal | None = None) -> Change:
        """Begin a sample review: divide the cells of the frame into strata and fix their order.

        Parameters
        ----------
        seed : int, optional
            Of the order, 0 or more; drawn if not given. The journal keeps it.
        goal : SampleGoal, optional
            The half width to reach, per cent, and the class or group it is of.

        Raises
        ------
        CaseError
            If it is too late or too early, or the goal makes no sense.
        """
        if self.refusal:
            raise CaseError(self.refusal)
        self._check_goal(goal)
        table = self._state.table
        rows = np.flatnonzero(counted_rows(self._state))
        guesses = table.guesses
        probabilities = np.where(
            guesses.predicted[rows, None], guesses.probabilities[rows].astype(float), np.nan
        )
        seed = secrets.randbelow(_SEEDS) if seed is None else int(seed)
        plan = begin_sample(
            table.cell_id[rows],
            probabilities if guesses.classes else None,
            guesses.classes,
            seed,
            rules=self._rules,
        )
        specs, blobs = pack({"cell_id": plan.cell_id, "stratum": plan.stratum, "predicted": plan.predicted})
        new: SamplePayload = {
            "seed": plan.seed,
            "method": METHOD,
            "strata": list(plan.names),
            "arrays": {name: specs[name] for name in ("cell_id", "stratum", "predicted")},  # type: ignore[typeddict-item]
            "goal": goal,
        }
        change = self._core.act(Draft(EventKind.SAMPLE_BEGUN, new=new, source="rule"), blobs)
        self.advance()
        return change

    def advance(self, *, further: bool = False) -> Change | None:
        """Begin the next wave if every cell of the present one is reviewed; None if not, or if it is enough.

        Its size in each stratum follows from the waves before, not from single cells.

        Parameters
        ----------
        further : bool
            Begin one even though the goal is reached.
        """
        if not self.in_progress or self._core.journal.read_only or self._state.signature:
            return None
        sample, tally = self._sample, self.tally
        if (tally.lengths < self._quota).any() or tally.total == len(sample.plan):
            return None
        if not sample.quotas:
            quota = pilot_quota(sample.plan)
        elif sample.goal is None or further:
            focus = None if sample.goal is None else sample.goal["of"]
            quota = next_quota(sample.plan, tally, self._rules, focus=focus)
        else:
            goal = sample.goal
            quota = next_quota(
                sample.plan,
                tally,
                self._rules,
                focus=goal["of"],
                half_width=goal["width"],
                predictions=self.correction,
            )
        quota = np.maximum(quota, tally.lengths)
        return self._begin_wave(quota) if (quota > tally.lengths).any() else None

    def _begin_wave(self, quota: NDArray[np.int64]) -> Change:
        new: SampleQuota = {"quota": quota.tolist()}
        return self._core.act(Draft(EventKind.SAMPLE_WAVE, new=new, source="rule"))

    def ensure(self, count: int) -> None:
        """Begin waves until at least so many cells wait, if the frame has them and the goal is not reached.

        A reader who asks for more cells at once than a wave has left gets them in one wave that is decided
        before any of them is seen.
        """
        self.advance()
        missing = count - len(self.next(count))
        sample, tally, before = self._sample, self.tally, self._quota
        if missing <= 0 or before.sum() == len(sample.plan) or self.goal_reached:
            return
        wave = int(before.sum()) - tally.total + missing
        focus = None if sample.goal is None else sample.goal["of"]
        quota = np.maximum(next_quota(sample.plan, tally, self._rules, focus=focus, wave=wave), before)
        if (quota > before).any():
            self._begin_wave(quota)

    def set_goal(self, goal: SampleGoal | None) -> Change | None:
        """Set the half width to reach, or none; it counts from the next wave. None if nothing changes.

        Raises
        ------
        CaseError
            If no sample is reviewed or the goal makes no sense.
        """
        self._check_running()
        self._check_goal(goal)
        if goal == self._sample.goal:
            return None
        return self._core.act(Draft(EventKind.SAMPLE_TARGET_SET, old=self._sample.goal, new=goal))

    def widen(self) -> Change:
        """Review all cells of the frame instead; what was reviewed stays.

        Raises
        ------
        CaseError
            If no sample is reviewed.
        """
        self._check_running()
        new: SampleEnd = {"reviewed": self.tally.total}
        return self._core.act(Draft(EventKind.SAMPLE_WIDENED, new=new))

    # what to review -------------------------------------------------------------------------------

    @property
    def tally(self) -> SampleTally:
        """Return which cells are reviewed, and which of those enter the estimate.

        Raises
        ------
        CaseError
            If no sample is reviewed.
        """
        self._check_running()
        return self._sample.tally(self._state.table)

    @property
    def wave(self) -> int:
        """Return the number of the present wave, from 1; 0 before the first."""
        return len(self._sample.quotas) if self.in_progress else 0

    @property
    def goal_reached(self) -> bool:
        """Return whether the goal's interval is as narrow as wanted, with every cell of the wave reviewed."""
        goal = self.goal
        if goal is None or (self.tally.lengths < self._quota).any():
            return False
        return self.cells_needed(goal) == 0

    def cells_needed(self, goal: SampleGoal) -> int | None:
        """Estimate how many more cells reach a goal: 0 if it is reached, None if the frame is too small."""
        return cells_needed(
            self._sample.plan,
            self.tally,
            goal["of"],
            goal["width"],
            self._rules,
            self.correction,
        )

    def handed_out(self) -> NDArray[np.int64]:
        """Return the cells of all waves so far in the order in which they are handed out, reviewed or not."""
        if not self.in_progress:
            return np.empty(0, np.int64)
        sample, parts = self._sample, []
        before = np.zeros(len(sample.plan.names), np.int64)
        for quota in sample.quotas:
            parts.append(wave_order(sample.plan, before, quota))
            before = quota
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def next(self, count: int) -> NDArray[np.int64]:
        """Return the next cells to review, at most ``count``: those left of the present wave."""
        cells = self.handed_out()
        waiting = ~self._state.table.reviewed[self._state.table.rows(cells)]
        return cells[waiting][:count]

    # the count ------------------------------------------------------------------------------------

    @property
    def correction(self) -> CrossFitted | None:
        """Return what its cells have taught so far, by which the estimate is corrected; None if nothing."""
        return self._state.learning.correction if self.in_progress else None

    def estimate(self, rules: CountingRules | None = None) -> SampleEstimate | None:
        """Return the count that the sample estimates; None if there is no sample, or nothing enters yet."""
        return estimated(self._state, rules) if self.in_progress else None

    def gaps(self) -> tuple[str, ...]:
        """Return what is left to do in the sample before it is signed without a reason, a line each."""
        left, goal = len(self.next(len(self._sample.plan))), self.goal
        gaps = [f"{count_of(left, 'cell')} of the present wave not reviewed"] if left else []
        if goal is not None and not left and not self.goal_reached:
            gaps.append(f"{goal['of']} not within ±{goal['width']:g} % yet")
        return tuple(gaps)

    @property
    def what_is_missing(self) -> str:
        """Return in one line why there is no estimate yet; empty where there is one."""
        if not self.in_progress:
            return ""
        try:
            estimate(self._sample.plan, self.tally, rules=self._rules)
        except EstimateError as error:
            return str(error)
        return ""

    @property
    def _rules(self) -> CountingRules:
        return self._state.profile.rules

    @property
    def _quota(self) -> NDArray[np.int64]:
        sample = self._sample
        return sample.quotas[-1] if sample.quotas else np.zeros(len(sample.plan.names), np.int64)

    @property
    def _sample(self) -> SampleState:
        assert self._state.sample is not None
        return self._state.sample

    def _check_running(self) -> None:
        if not self.in_progress:
            raise CaseError("no sample is being reviewed: begin one before the first cell is named")

    def _check_goal(self, goal: SampleGoal | None) -> None:
        if goal is None:
            return
        if not 0 < goal["width"] < 50:
            raise CaseError(f"a half width of {goal['width']:g} % is none: choose one between 0 and 50")
        try:
            focus_masks(goal["of"], self._rules)
        except ValueError as error:
            raise CaseError(f"{error}: name a counted class, blasts, eosinophils or erythroid") from error


def _begin(state: State, event: Event) -> None:
    new: SamplePayload = event.new
    if new["method"] > METHOD:
        raise CaseError("the sample was begun by a later version: update the program")
    arrays = unpack(dict(new["arrays"]), state.blob)  # type: ignore[arg-type]
    plan = SamplePlan(
        cell_id=arrays["cell_id"].astype(np.int64),
        stratum=arrays["stratum"].astype(np.int16),
        predicted=arrays["predicted"].astype(np.uint8),
        names=tuple(new["strata"]),
        seed=new["seed"],
    )
    counted = state.table.cell_id[counted_rows(state)]
    whole = np.array_equal(np.sort(plan.cell_id), counted)
    if not whole or not len(plan.stratum) == len(plan.predicted) == len(plan):
        raise NotAllowedError("its sample is not of the cells in the frame")
    if (np.diff(plan.stratum) < 0).any() or not 0 <= plan.stratum.min() <= plan.stratum.max() < len(
        plan.names
    ):
        raise ValueError("the strata of its sample are not in order")
    if state.replaying:
        state.catch_up()
    if (counted_rows(state) & state.table.reviewed).any():
        raise NotAllowedError("its sample was begun after the first cell was reviewed")
    state.sample = SampleState(plan, new["goal"])


def _running(state: State) -> SampleState:
    if not in_sample(state) or state.sample is None:
        raise NotAllowedError("no sample was reviewed")
    return state.sample


def _add_wave(state: State, event: Event) -> None:
    new: SampleQuota = event.new
    sample, quota = _running(state), np.array(new["quota"], np.int64)
    if quota.shape != sample.plan.sizes.shape or (quota > sample.plan.sizes).any():
        raise ValueError("its wave does not fit the strata")
    if sample.quotas and (quota < sample.quotas[-1]).any():
        raise ValueError("its wave takes back cells of an earlier one")
    sample.quotas.append(quota)


def _set_goal(state: State, event: Event) -> None:
    _running(state).goal = event.new


def _widen(state: State, event: Event) -> None:
    _running(state).widened = True


EFFECTS: Effects = {
    EventKind.SAMPLE_BEGUN: Effect(_begin),
    EventKind.SAMPLE_WAVE: Effect(_add_wave),
    EventKind.SAMPLE_TARGET_SET: Effect(_set_goal),
    EventKind.SAMPLE_WIDENED: Effect(_widen),
}
