"""The counting profile of a case: rules, target and reference ranges."""

from __future__ import annotations

from napari_bonemarrow.cytology.profiles import CountingProfile
from napari_bonemarrow.review.acts.core import CaseCore
from napari_bonemarrow.review.acts.permission import refusal
from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.events import Change, Draft, Event
from napari_bonemarrow.review.journal.payloads import CountingRulesPayload
from napari_bonemarrow.review.state.effect import Effect, Effects
from napari_bonemarrow.review.state.state import State


class Counting:
    """The counting profile of a case. Its journal keeps all of it, so a count needs no other file."""

    def __init__(self, core: CaseCore) -> None:
        self._core, self._state = core, core.state

    @property
    def profile(self) -> CountingProfile:
        """Return the profile by which the case is counted: ICSH 2008 unless another was chosen."""
        return self._state.profile

    @property
    def refusal(self) -> str:
        """Return in one line why the profile cannot be changed now; empty if it can."""
        if self._core.journal.read_only:
            return "the case is open to look at only"
        return refusal(self._state, EventKind.COUNTING_RULES_SET, self._core.reviewer)

    def use(self, profile: CountingProfile) -> Change | None:
        """Count by another profile; None if it is the same.

        Its target becomes that of the case, if the case had the target of the profile before. After classes
        have been seen a target is not lowered.

        Raises
        ------
        CaseError
            If the case is signed or read-only.
        """
        before, target = self._state.profile, self._state.target
        if profile == before:
            return None
        if target == before.target and (profile.target > target or not self._state.classes_seen):
            target = profile.target
        old: CountingRulesPayload = {"profile": before.to_json(), "target": self._state.target}
        new: CountingRulesPayload = {"profile": profile.to_json(), "target": target}
        return self._core.act(Draft(EventKind.COUNTING_RULES_SET, old=old, new=new))


def _set(state: State, event: Event) -> None:
    _put(state, event.old, event.new)


def _reset(state: State, event: Event) -> None:
    _put(state, event.new, event.old)


def _put(state: State, before: CountingRulesPayload, after: CountingRulesPayload) -> None:
    """Set the profile; a target that was set since stays."""
    state.profile = CountingProfile.model_validate(after["profile"])
    if state.target == before["target"]:
        state.target = after["target"]


EFFECTS: Effects = {EventKind.COUNTING_RULES_SET: Effect(_set, _reset)}
