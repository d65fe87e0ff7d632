"""Counting by eye, field by field, without a model."""

from __future__ import annotations

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.review.bulk import CaseBulk
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.events import Change, Draft, Kind


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
