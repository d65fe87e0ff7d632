"""Two readings of one case, the second of them blind, and the settling of their disagreements.

The first reading ends when the second begins, so that the compared labels no longer change. ICSH 2008 (Lee
et al., Int J Lab Hematol 30:349) recommends two observers where a percentage lies near a threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Agreement
from napari_bonemarrow.review.acts.core import CaseCore
from napari_bonemarrow.review.acts.permission import NotAllowedError
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.identity.names import same_person, short
from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.events import Change, Draft, Event, Label
from napari_bonemarrow.review.journal.payloads import ReadingBegun, ReadingPayload
from napari_bonemarrow.review.journal.reading import FIRST, KINDS, SECOND, SETTLING, Reading
from napari_bonemarrow.review.state.effect import Effect, Effects
from napari_bonemarrow.review.state.reading_state import ReadingState, merged
from napari_bonemarrow.review.state.state import State
from napari_bonemarrow.review.state.statistics import are_counted


class Readings:
    """The readings of a case."""

    def __init__(self, core: CaseCore) -> None:
        self._core, self._state = core, core.state

    @property
    def all(self) -> tuple[Reading, ...]:
        """Return the readings; the first always exists."""
        return tuple(read.reading for read in self._state.reads.values())

    @property
    def both_ended(self) -> bool:
        """Return whether two readings have ended, so that they may be compared."""
        return self._state.both_read

    def labels_of(self, reading: int) -> Mapping[int, Label]:
        """Return the labels given in one reading, by cell number.

        Raises
        ------
        CaseError
            If there is no such reading, or it is hidden while the second, blind one is under way.
        """
        reads = self._state.reads
        if reading not in reads:
            raise CaseError(f"this case has no reading {reading}: it has {', '.join(map(str, reads))}")
        if reads[reading] not in self._state.visible_reads():
            raise CaseError("the second reading is blind: end it before looking at the other one")
        return MappingProxyType(reads[reading].labels)

    def agreement(self) -> Agreement | None:
        """Return the agreement of the two readings on counted cells to which both gave a class.

        Labels that came with the data belong to no reading.

        Returns
        -------
        Agreement or None
            None before the second reading has ended: until then it is blind.
        """
        if not self._state.both_read:
            return None
        cells, first, second = self._state.compared()
        counted = are_counted(self._state, cells)
        return Agreement.compute(first[counted], second[counted])

    def disagreements(self, *, settled: bool = False) -> NDArray[np.int64]:
        """Return the counted cells on which the two readers differ, ascending.

        Parameters
        ----------
        settled : bool
            Whether to include settled cells.

        Returns
        -------
        ndarray of int64, shape (n,)
            Empty before the second reading has ended.
        """
        found = self._state.disagreements(settled=settled)
        return found[are_counted(self._state, found)]

    def begin_second(self, reviewer: str) -> Change:
        """Begin another person's blind reading of the same cells, which ends the first reading.

        Later acts are written under that name.

        Raises
        ------
        CaseError
            If there is a second reading already, the first is empty, the name is empty, or that person
            took part in the first.
        """
        name = reviewer.strip()
        if SECOND in self._state.reads:
            raise CaseError("this case has a second reading already: go to it, or settle the two")
        first = self._state.reads[FIRST]
        if all(label.imported for label in first.labels.values()):
            raise CaseError("the first reading has no class yet: read the case first")
        if not name:
            raise CaseError("the second reader has no name: type it")
        if name.casefold() in first.readers or same_person(name, first.reading.reviewer):
            raise CaseError(f"{name} took part in the first reading: the second must be another person's")
        return self._begin(SECOND, name)

    def begin_settling(self, reviewer: str) -> Change:
        """Begin or resume settling the readers' disagreements; both their readings stay unchanged.

        Anyone may do it. Later acts are written under that name.

        Raises
        ------
        CaseError
            If there is no second reading, it has not been ended, or the name is empty.
        """
        name = reviewer.strip()
        if not name:
            raise CaseError("the one who settles has no name: type it")
        if not self._state.both_read:
            raise CaseError("there are no two ended readings to settle: end the second reading first")
        if SETTLING in self._state.reads:
            self._core.reviewer = name
            taken_up = self.go_to(SETTLING)
            return taken_up or Change(EventKind.READING_TAKEN_UP, ())
        return self._begin(SETTLING, name)

    def end(self) -> Change:
        """End the active reading; after the second the first is shown again.

        Raises
        ------
        CaseError
            If it was ended before, or is another person's blind reading.
        """
        reading = self._state.read.reading
        if reading.ended_at is not None:
            raise CaseError(f"the {reading.kind} reading was ended before")
        if reading.number == SECOND and not same_person(self._core.reviewer, reading.reviewer):
            raise CaseError(f"this is the reading of {reading.reviewer}: only {reading.reviewer} ends it")
        new: ReadingPayload = {"reading": reading.number}
        return self._core.act(Draft(EventKind.READING_ENDED, new=new))

    def go_to(self, number: int) -> Change | None:
        """Show another reading; None if it is shown already and has not ended.

        Raises
        ------
        CaseError
            If there is no such reading, or the second reading has not ended.
        """
        reads = self._state.reads
        if number not in reads:
            raise CaseError(f"this case has no reading {number}: it has {', '.join(map(str, reads))}")
        reopens = reads[number].reading.ended_at is not None and number == max(reads) and number != SECOND
        if number == self._state.reading and not reopens:
            return None
        second = reads[SECOND].reading if SECOND in reads else None
        if (
            second is not None
            and second.ended_at is None
            and number != SECOND
            and same_person(self._core.reviewer, second.reviewer)
        ):
            raise CaseError(f"{second.reviewer} reads blind: end the second reading before seeing the first")
        old: ReadingPayload = {"reading": self._state.reading}
        new: ReadingPayload = {"reading": number}
        return self._core.act(Draft(EventKind.READING_TAKEN_UP, old=old, new=new))

    def _begin(self, number: int, name: str) -> Change:
        before, self._core.reviewer = self._core.reviewer, name
        try:
            new: ReadingBegun = {"reading": number, "reader": name}
            return self._core.act(Draft(EventKind.READING_BEGUN, new=new))
        except CaseError:
            self._core.reviewer = before
            raise


def _begin(state: State, event: Event) -> None:
    """Begin the second reading, which ends the first, or the settling of the two."""
    new: ReadingBegun = event.new
    number, who = new["reading"], new["reader"]
    _check_begins(state, number, who)
    if number != len(state.reads) + 1 or number not in KINDS:
        raise ValueError(f"line {event.seq} begins reading {number} out of turn")
    reading = Reading(number, who, KINDS[number], event.at, None)
    if number == SECOND:  # the compared labels must not change any more
        _mark_ended(state, FIRST, event.at)
        state.reads[number] = ReadingState(reading)
    else:
        first, second = state.reads[FIRST], state.reads[SECOND]
        state.reads[number] = ReadingState(reading, merged(first.labels, second.labels))
        state.reads[number].rest_on(first, second)
    state.show(number)


def _check_begins(state: State, number: int, who: str) -> None:
    """Check that the second reader is another person, and that settling begins after both readings.

    Raises
    ------
    NotAllowedError
    """
    first = state.reads[FIRST]
    if number == SECOND and (who.casefold() in first.readers or same_person(who, first.reading.reviewer)):
        raise NotAllowedError(f"{short(who)} took part in the first reading and cannot be its second reader")
    if number == SETTLING and state.reads[SECOND].reading.ended_at is None:
        raise NotAllowedError("the second reading had not been ended when the two were settled")


def _end(state: State, event: Event) -> None:
    """End a reading; after the second one the first is shown again."""
    new: ReadingPayload = event.new
    number = new["reading"]
    _mark_ended(state, number, event.at)
    if number == SECOND:
        state.show(FIRST)


def _take_up(state: State, event: Event) -> None:
    """Show a reading. An ended one is resumed, unless another is based on it or it was the blind one."""
    new: ReadingPayload = event.new
    number = new["reading"]
    read = state.reads[number]
    if number == max(state.reads) and number != SECOND:
        read.reading = replace(read.reading, ended_at=None)
    state.show(number)


def _mark_ended(state: State, number: int, at: str) -> None:
    read = state.reads[number]
    if read.reading.ended_at is None:
        read.reading = replace(read.reading, ended_at=at)


EFFECTS: Effects = {
    EventKind.READING_BEGUN: Effect(_begin),
    EventKind.READING_ENDED: Effect(_end),
    EventKind.READING_TAKEN_UP: Effect(_take_up),
}
