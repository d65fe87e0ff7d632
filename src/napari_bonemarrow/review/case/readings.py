"""Two readers of one case, the second of them blind, and the settling of where they differ.

The first reading ends when the second begins, so that what is compared does not move any more. ICSH 2008 (Lee
et al., Int J Lab Hematol 30:349) has two observers count where a percentage lies near a threshold.
"""

from __future__ import annotations

from napari_bonemarrow.review.case.tally import CaseTallying
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.identity.names import same_person
from napari_bonemarrow.review.journal.events import Change, Draft, Kind
from napari_bonemarrow.review.journal.reading import FIRST, SECOND, SETTLING, Reading


class CaseReadings(CaseTallying):
    """The readings of a case. Use it as `Case`."""

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The readings, the first from the start."""
        return tuple(read.reading for read in self._state.reads.values())

    @property
    def reading(self) -> int:
        """Number of the active reading: 1 the first, 2 the second, 3 the settling one."""
        return self._state.reading

    @property
    def is_blind(self) -> bool:
        """Whether the active reading is the second, which sees no guesses and nothing of the first."""
        return self._state.blind

    def begin_second_reading(self, reviewer: str) -> Change:
        """Let another person read the same cells blind; the first reading ends with that.

        Acts go on under that name.

        Raises
        ------
        CaseError
            Where there is a second reading already, the first holds nothing yet, the name is empty, or it
            is that of somebody who took part in the first.
        """
        name = reviewer.strip()
        if SECOND in self._state.reads:
            raise CaseError("this case has a second reading already: go to it, or settle the two")
        first = self._state.reads[FIRST]
        if all(label.imported for label in first.labels.values()):
            raise CaseError("nobody has given a class in the first reading yet: read the case first")
        if not name:
            raise CaseError("the second reader has no name: type it")
        if name.casefold() in first.readers or same_person(name, first.reading.reviewer):
            raise CaseError(f"{name} took part in the first reading: the second must be another person's")
        return self._begin(SECOND, name)

    def begin_settling(self, reviewer: str) -> Change:
        """Settle where the two readers differ, or go on with that; both their readings stay as they are.

        Anyone may do it. Acts go on under that name.

        Raises
        ------
        CaseError
            Where there is no second reading, it has not been ended, or the name is empty.
        """
        name = reviewer.strip()
        if not name:
            raise CaseError("the one who settles has no name: type it")
        if not self._both_read():
            raise CaseError("there are no two ended readings to settle: end the second reading first")
        if SETTLING in self._state.reads:
            self.reviewer = name
            taken_up = self.go_to_reading(SETTLING)
            return taken_up or Change(Kind.READING_TAKEN_UP, ())
        return self._begin(SETTLING, name)

    def end_reading(self) -> Change:
        """End the active reading; after the second one the first is shown again.

        Raises
        ------
        CaseError
            Where it was ended before, or is another person's blind reading.
        """
        reading = self._state.read.reading
        if reading.ended_at is not None:
            raise CaseError(f"the {reading.kind} reading was ended before")
        if reading.number == SECOND and not same_person(self.reviewer, reading.reviewer):
            raise CaseError(f"this is the reading of {reading.reviewer}: only {reading.reviewer} ends it")
        return self._act(Draft(Kind.READING_ENDED, new={"reading": reading.number}))

    def go_to_reading(self, number: int) -> Change | None:
        """Show another reading; None where it is shown already and goes on.

        Raises
        ------
        CaseError
            Where there is no such reading, or the second reader asks for another before ending theirs.
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
            and same_person(self.reviewer, second.reviewer)
        ):
            raise CaseError(f"{second.reviewer} reads blind: end the second reading before seeing the first")
        old = {"reading": self._state.reading}
        return self._act(Draft(Kind.READING_TAKEN_UP, old=old, new={"reading": number}))

    def _begin(self, number: int, name: str) -> Change:
        before, self.reviewer = self.reviewer, name
        try:
            new = {"reading": number, "reader": name}
            return self._act(Draft(Kind.READING_BEGUN, new=new))
        except CaseError:
            self.reviewer = before
            raise
