"""Counting by eye, field by field, without a model."""

from __future__ import annotations

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.review.case.bulk import CaseBulk
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.events import Change, Draft, Event, Kind

_OF_THE_TALLY = frozenset({Kind.TALLIED, Kind.TALLY_FIELD_BEGUN})


class CaseTallying(CaseBulk):
    """The tally. Use it as `Case`."""

    def tally(self, code: str) -> Change:
        """Count one cell of a class in the field of now.

        Raises
        ------
        CaseError
            Where the code is no class.
        """
        if code not in CLASSES:
            raise CaseError(f"{code!r} is no class: choose one of {', '.join(CLASSES)}")
        field = len(self._state.read.tallies) - 1
        return self._act(Draft(Kind.TALLIED, new={"field": field, "code": code}))

    @property
    def can_undo_tally(self) -> bool:
        """Whether what `undo` would take back is an act of the tally, and no correction of a cell."""
        return self.can_undo and _of_the_tally(self._state.undoable[-1])

    @property
    def can_redo_tally(self) -> bool:
        """Whether what `redo` would repeat is an act of the tally."""
        return self.can_redo and _of_the_tally(self._state.redoable[-1])

    def next_tally_field(self) -> Change:
        """Go to the next field.

        Raises
        ------
        CaseError
            Where nothing was counted in the field of now.
        """
        fields = self._state.read.tallies
        if not fields[-1]:
            raise CaseError(f"nothing was counted in field {len(fields)} yet: count it first")
        return self._act(Draft(Kind.TALLY_FIELD_BEGUN, new={"field": len(fields)}))


def _of_the_tally(event: Event) -> bool:
    return event.kind in _OF_THE_TALLY
