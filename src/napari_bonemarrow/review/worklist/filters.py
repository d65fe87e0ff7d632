"""The filters and headings of a work list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CODES

if TYPE_CHECKING:
    from napari_bonemarrow.review.state.cell_columns import CaseColumns

STATES: Mapping[str, str] = {"": "all", "waiting": "unreviewed", "reviewed": "reviewed"}
"""Filters by the state of review: value to text."""


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a work list.

    Attributes
    ----------
    code : str or None
        Effective class, ``""`` for cells without one; None for every class.
    state : str
        One of `STATES`.
    disagreement : bool
        Only cells whose label differs from the model's first guess; while two readings are settled,
        only cells on which the readers differ.
    flagged : bool
        Only flagged cells.
    counted : bool
        Only cells in the counting frame. Cells outside are shown on request, and navigation skips them.
    """

    code: str | None = None
    state: str = ""
    disagreement: bool = False
    flagged: bool = False
    counted: bool = True

    def taken_over(self, kept: Mapping[str, Any]) -> Filters:
        """Return stored filters, with these for values that are not valid.

        Parameters
        ----------
        kept : mapping
            JSON values by the names of the filters; unknown names are ignored.
        """
        known = {name: value for name, value in kept.items() if name in Filters.__slots__}
        code, state = known.pop("code", None), known.pop("state", "")
        understood = (code is None or code in CODES) and isinstance(state, str) and state in STATES
        if not understood or not all(isinstance(value, bool) for value in known.values()):
            return self
        return Filters(code, state, **known)

    def passed(self, columns: CaseColumns, disputed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which cells pass, shape (n,); ``disputed`` marks those in disagreement."""
        wanted = columns.in_frame.copy() if self.counted else np.ones(len(columns), bool)
        if self.code is not None:
            wanted &= columns.code == CODES.index(self.code)
        if self.state:
            wanted &= columns.reviewed == (self.state == "reviewed")
        if self.disagreement:
            wanted &= disputed
        if self.flagged:
            wanted &= columns.flagged
        return wanted


@dataclass(frozen=True, slots=True)
class Group:
    """The cells ``ids[start:stop]`` of a list, which had one class when they were arranged.

    ``code`` is None if the list is not grouped.
    """

    code: str | None
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


def grouped_by(codes: NDArray[np.int8]) -> tuple[Group, ...]:
    """Return the runs of equal classes, indices of `CODES`, as groups."""
    if not len(codes):
        return ()
    edges = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    return tuple(Group(CODES[int(codes[start])], start, stop) for start, stop in pairwise(edges))
