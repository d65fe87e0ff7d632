"""Counts by eye, field by field, without a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from napari_bonemarrow.cytology import CLASSES, CountingProfile, CountingRules, Differential
from napari_bonemarrow.review.acts.core import CaseCore
from napari_bonemarrow.review.acts.undo_stack import UndoStack
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.event_specs import EVENT_SPECS, EventKind, Topic
from napari_bonemarrow.review.journal.events import Change, Draft, Event
from napari_bonemarrow.review.journal.payloads import TalliedCell, TallyField
from napari_bonemarrow.review.state.effect import Effect, Effects
from napari_bonemarrow.review.state.state import State
from napari_bonemarrow.review.state.statistics import tallied


class Tally:
    """The cells that the active reading counted by eye."""

    def __init__(self, core: CaseCore, stack: UndoStack) -> None:
        self._core, self._state, self._stack = core, core.state, stack

    @property
    def fields(self) -> tuple[Mapping[str, int], ...]:
        """Return the number of cells counted in each class, one mapping per field."""
        return tuple(MappingProxyType(dict(field)) for field in self._state.read.tallies)

    @property
    def total(self) -> Counter[str]:
        """Return the number of cells counted in each class, all fields together."""
        return tallied(self._state)

    def differential(self, rules: CountingRules | CountingProfile | None = None) -> Differential:
        """Return the differential of the tally. A reviewer has seen every cell; no model was used."""
        rules = rules or self._state.profile
        return Differential.of_counts(tallied(self._state), 0, {}, rules, self._state.target)

    def count(self, code: str) -> Change:
        """Count one cell of a class in the current field.

        Raises
        ------
        CaseError
            If the code is not a class.
        """
        if code not in CLASSES:
            raise CaseError(f"{code!r} is not a class: choose one of {', '.join(CLASSES)}")
        new: TalliedCell = {"field": len(self._state.read.tallies) - 1, "code": code}
        return self._core.act(Draft(EventKind.TALLIED, new=new))

    def next_field(self) -> Change:
        """Begin the next field.

        Raises
        ------
        CaseError
            If nothing was counted in the current field.
        """
        fields = self._state.read.tallies
        if not fields[-1]:
            raise CaseError(f"nothing was counted in field {len(fields)} yet: count it first")
        new: TallyField = {"field": len(fields)}
        return self._core.act(Draft(EventKind.TALLY_FIELD_BEGUN, new=new))

    @property
    def can_undo(self) -> bool:
        """Return whether `undo` would take back an act of the tally, not a correction of a cell."""
        return self._stack.can_undo and _is_of_tally(self._state.undoable[-1])

    @property
    def can_redo(self) -> bool:
        """Return whether `redo` would repeat an act of the tally."""
        return self._stack.can_redo and _is_of_tally(self._state.redoable[-1])


def _is_of_tally(event: Event) -> bool:
    return EVENT_SPECS[event.kind].topic is Topic.TALLY


def _count(state: State, event: Event) -> None:
    new: TalliedCell = event.new
    field, code = new["field"], new["code"]
    if field != len(state.read.tallies) - 1:
        raise ValueError(f"line {event.seq} counts in another field than the last")
    state.read.tallies[field][code] += 1


def _uncount(state: State, event: Event) -> None:
    new: TalliedCell = event.new
    counts, code = state.read.tallies[new["field"]], new["code"]
    counts[code] -= 1
    if not counts[code]:
        del counts[code]


def _begin_field(state: State, event: Event) -> None:
    new: TallyField = event.new
    if new["field"] != len(state.read.tallies):
        raise ValueError(f"line {event.seq} begins a field out of turn")
    state.read.tallies.append(Counter())


def _end_field(state: State, event: Event) -> None:
    state.read.tallies.pop()


EFFECTS: Effects = {
    EventKind.TALLIED: Effect(_count, _uncount),
    EventKind.TALLY_FIELD_BEGUN: Effect(_begin_field, _end_field),
}
