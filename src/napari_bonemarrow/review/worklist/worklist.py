"""The work list: the cells to show and to go through, and their order (no Qt)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CODES
from napari_bonemarrow.cytology.arrays import row_of, rows_of
from napari_bonemarrow.review.journal.reading import SETTLING
from napari_bonemarrow.review.worklist.filters import STATES, Filters, Group, grouped_by
from napari_bonemarrow.review.worklist.order import (
    GROUPED_ORDERS,
    GUESSED_ORDERS,
    ORDERS,
    SAMPLE,
    Arranger,
)
from napari_bonemarrow.review.worklist.stable_order import inserted, is_much_new

if TYPE_CHECKING:
    from napari_bonemarrow.review.case.case import Case
    from napari_bonemarrow.review.state.cell_columns import CaseColumns


class WorkList:
    """The cells of a case in the order of display and navigation.

    The frame was fixed before any class was seen. The list only reorders inside it, so
    that stopping a review early does not select cells.

    Places are kept during review: a cell that was just relabelled or accepted keeps its place,
    under its old heading if necessary, until the list is arranged again (another order or filter, or
    `arrange`). So the mouse never hits a cell that has just moved under it, a cell relabelled by mistake
    stays in its place, and "next" continues from there. The same holds where reviewed cells teach other
    guesses. `moved` counts the cells that would move.

    In a sample review the list begins with the cells that are handed out so far, in that order; a new wave
    is appended.

    Parameters
    ----------
    case : Case
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        self._order: str | None = None
        self._grouped = False
        self._filters = Filters()
        self._visited: list[int] = []
        self._guessed_since = False
        self._displaced: NDArray[np.bool_] | None = None
        self._take_anew()
        self.arrange()

    # order and filters ----------------------------------------------------------------------------

    @property
    def orders(self) -> Mapping[str, str]:
        """Return the orders that there are now, value to text; that of a sample only while it is reviewed."""
        if self._case.sample.in_progress:
            return ORDERS
        return {name: text for name, text in ORDERS.items() if name != SAMPLE}

    @property
    def order(self) -> str:
        """Return one of `orders`. A sample review begins with its own, a case with imported labels with
        those, any other with doubtful cells.

        Setting it arranges the list again.
        """
        sampled = self._case.sample.in_progress
        if self._order is not None and (sampled or self._order != SAMPLE):
            return self._order
        if sampled:
            return SAMPLE
        return "imported" if self._columns.imported.any() else "uncertain"

    @order.setter
    def order(self, order: str) -> None:
        if order not in self.orders:
            known = ", ".join(self.orders)
            raise ValueError(f"{order!r} is not an order of the work list: choose one of {known}")
        self._order = order
        self.arrange()

    @property
    def grouped(self) -> bool:
        """Return whether the list has a heading per class. Setting it arranges the list again."""
        return self.order != SAMPLE and (self._grouped or self.order in GROUPED_ORDERS)

    @grouped.setter
    def grouped(self, grouped: bool) -> None:
        self._grouped = grouped
        self.arrange()

    @property
    def filters(self) -> Filters:
        """Return the filters of the list. Setting them arranges the list again."""
        return self._filters

    @filters.setter
    def filters(self, filters: Filters) -> None:
        if filters.state not in STATES:
            raise ValueError(f"{filters.state!r} is not a state of a cell: choose one of {', '.join(STATES)}")
        self._filters = filters
        self.arrange()

    def narrow(self, **changes: Any) -> None:
        """Change some filters by their names."""
        self.filters = replace(self._filters, **changes)

    @property
    def asked(self) -> dict[str, Any]:
        """Return order, grouping and filters as JSON values, for `restore`."""
        return {"order": self._order, "grouped": self._grouped, "filters": asdict(self._filters)}

    def restore(self, asked: Mapping[str, Any]) -> None:
        """Restore the values of `asked`; invalid values are ignored."""
        order, filters = asked.get("order"), asked.get("filters")
        if isinstance(order, str) and order in ORDERS:
            self._order = order
        self._grouped = bool(asked.get("grouped", self._grouped))
        if isinstance(filters, Mapping):
            self._filters = self._filters.taken_over(filters)
        self.arrange()

    # the cells ------------------------------------------------------------------------------------

    @property
    def ids(self) -> NDArray[np.int64]:
        """Return the cell numbers in order, int64 of shape (n,)."""
        return self._ids

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the groups, in order; together they cover the list."""
        return self._groups

    @property
    def columns(self) -> CaseColumns:
        """Return the columns of all cells, in the order of ``case.cells``."""
        return self._columns

    @property
    def rows(self) -> NDArray[np.intp]:
        """Return the rows in `columns` of the cells in `ids`, shape (n,)."""
        return self._rows

    @property
    def asked_rows(self) -> NDArray[np.intp]:
        """Return the rows of cells that pass the filters now, not of those that only keep their place."""
        asked: NDArray[np.intp] = self._rows[self._wanted()[self._rows]]
        return asked

    @property
    def disagreement(self) -> NDArray[np.bool_]:
        """Return which rows of `columns` are in disagreement.

        Cells whose label differs from the first guess of the model alone, since what was taught follows the
        label; while two readings are settled, cells on which the readers differ.
        """
        columns = self._columns
        if self._settling:
            return np.isin(columns.cell_id, self._case.readings.disagreements())
        said = self.said_by_model
        disputed: NDArray[np.bool_] = columns.reviewed & (said > 0) & (columns.code != said)
        return disputed

    @property
    def waiting(self) -> NDArray[np.bool_]:
        """Return which rows of `columns` wait for a reviewer: counted, and not yet reviewed or settled."""
        columns = self._columns
        if self._settling:
            settled = np.fromiter(self._case.readings.labels_of(self._case.reading), np.int64)
            return self.disagreement & columns.in_frame & ~np.isin(columns.cell_id, settled)
        return columns.in_frame & ~columns.reviewed

    @property
    def counts(self) -> dict[str, int]:
        """Return the current number of cells of each class in the list; empty classes are omitted."""
        counts = np.bincount(self._columns.code[self._rows], minlength=len(CODES))
        return {CODES[at]: int(counts[at]) for at in np.flatnonzero(counts)}

    @property
    def progress(self) -> tuple[int, int]:
        """Return the numbers of reviewed and of all counted cells, independent of the filters."""
        columns = self._columns
        return int(np.count_nonzero(columns.reviewed & columns.in_frame)), int(columns.in_frame.sum())

    @property
    def moved(self) -> int:
        """Return how many cells would move or leave the list if it were arranged again.

        With headings, those that would come under another one.
        """
        now, rows = self._columns, self._rows
        gone = ~self._wanted()[rows]
        if self.grouped:
            gone |= now.code[rows] != self._placed[rows]
        elif self._guessed_since and self.order in GUESSED_ORDERS:
            gone |= self._out_of_place() & ~now.reviewed[rows]
        return int(np.count_nonzero(gone))

    def _out_of_place(self) -> NDArray[np.bool_]:
        """Return which places of the list would have another cell by what is predicted now."""
        displaced = self._displaced
        if displaced is None:
            fresh = self._arranger.arranged(np.sort(self._rows), self.order, grouped=False)
            displaced = self._displaced = np.not_equal(fresh, self._rows)
        return displaced

    @property
    def sample_left(self) -> int:
        """Return how many of the cells handed out in a sample review are not reviewed."""
        return int(np.count_nonzero(~self._columns.reviewed[self._handed_rows()]))

    def place_of(self, cell_id: int) -> int:
        """Return a cell's place in `ids`, -1 if it is not in the list."""
        row = self._row(cell_id)
        return -1 if row < 0 else int(self._place[row])

    def places_of(self, cell_ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the places in `ids` of some cells, -1 for those that are not in the list."""
        rows = rows_of(self._columns.cell_id, cell_ids)
        return np.where(rows < 0, -1, self._place[rows]) if len(self._place) else rows

    # following the case ---------------------------------------------------------------------------

    def update(self, cell_ids: Iterable[int] | None = None) -> None:
        """Update the list from the case.

        Parameters
        ----------
        cell_ids : iterable of int, optional
            The cells that changed; None if any may have changed.
        """
        if cell_ids is not None and len(self._case.cells) == len(self._columns):
            self._columns: CaseColumns = self._case.table_view()
            self._arranger.follow(self._columns)
            return
        before, reading = self._columns, self._reading
        self._take_anew()
        if reading != self._reading or is_much_new(before, self._columns):
            self.arrange()
        else:
            self._take_in(before.cell_id)

    def follow_guesses(self) -> None:
        """Update what is predicted. Cells keep their places, see the class."""
        if len(self._case.cells) == len(self._columns):
            self._columns = self._case.table_view()
            self._arranger.follow(self._columns, guesses=True)
            self._guessed_since, self._displaced = True, None

    def follow_sample(self, *, begun: bool = False) -> None:
        """Append the cells of a new wave; with ``begun``, or after the sample, arrange the list by its order.

        A sample that begins shows its cells whatever was shown before.
        """
        if begun:
            self._order, self._filters = None, Filters()
        if begun or not self._case.sample.in_progress:
            self.arrange()
        elif self.order == SAMPLE:
            fresh = self._fresh_rows()
            self._set_rows(np.concatenate([self._rows, fresh[self._place[fresh] < 0]]))
            self._groups = self._grouping()

    def arrange(self) -> None:
        """Arrange every cell by the current order and filters."""
        self._guessed_since, self._displaced = False, None
        self._placed = self._columns.code.copy()
        self._set_rows(self._fresh_rows())
        self._groups = self._grouping()

    def _take_anew(self) -> None:
        self._columns = self._case.table_view()
        self._reading: int = self._case.reading
        self._settling = self._reading == SETTLING
        self.said_by_model = self._case.learning.bundle_guesses()[0]
        """The first guess of the model alone by row of `columns`, as an index of `CODES`; 0 without one."""
        self._handed: tuple[int, NDArray[np.intp]] | None = None
        self._displaced = None
        self._arranger: Arranger = Arranger(self._case, self._columns)

    def _wanted(self) -> NDArray[np.bool_]:
        return self._filters.passed(self._columns, self.disagreement)

    def _fresh_rows(self) -> NDArray[np.intp]:
        if self.order == SAMPLE:
            handed = self._handed_rows()
            return handed[self._wanted()[handed]]
        return self._arranger.arranged(np.flatnonzero(self._wanted()), self.order, self.grouped)

    def _handed_rows(self) -> NDArray[np.intp]:
        """Return the rows of the cells that a sample review has handed out, in that order."""
        wave = self._case.sample.wave
        if self._handed is None or self._handed[0] != wave:
            rows = rows_of(self._columns.cell_id, self._case.sample.handed_out())
            self._handed = wave, rows[rows >= 0]
        return self._handed[1]

    def _set_rows(self, rows: NDArray[np.intp]) -> None:
        self._rows = rows
        self._ids = self._columns.cell_id[rows]
        self._ids.flags.writeable = False
        self._place = np.full(len(self._columns), -1, np.intp)
        self._place[rows] = np.arange(len(rows))

    def _grouping(self) -> tuple[Group, ...]:
        if not self.grouped:
            return (Group(None, 0, len(self._rows)),)
        return grouped_by(self._placed[self._rows])

    def _take_in(self, before: NDArray[np.int64]) -> None:
        """Remove gone cells and insert new ones, keeping the rest in its place.

        Parameters
        ----------
        before : ndarray of int64
            The cell numbers of ``_placed``.
        """
        columns = self._columns
        stood = rows_of(before, columns.cell_id)
        self._placed = np.where(stood < 0, columns.code, self._placed[stood])
        rows = rows_of(columns.cell_id, self._ids)
        headings = self._placed if self.grouped else None
        taken = inserted(rows[rows >= 0], self._fresh_rows(), stood < 0, headings)
        if taken is None:
            self.arrange()
            return
        self._set_rows(taken)
        self._groups = self._grouping()

    # navigation -----------------------------------------------------------------------------------

    def next(self, current: int | None) -> int | None:
        """Return the next waiting cell of the list after the current one, else None.

        Skipped cells follow after the last. Cells outside the frame are ignored.
        """
        waiting = self.waiting[self._rows]
        at = -1 if current is None else self.place_of(current)
        if at >= 0:
            waiting[at] = False
        places = np.flatnonzero(waiting)
        if not len(places):
            return None
        return int(self._ids[places[np.searchsorted(places, at) % len(places)]])

    def visit(self, cell_id: int) -> None:
        """Record that a cell was visited."""
        if not self._visited or self._visited[-1] != cell_id:
            self._visited.append(cell_id)

    def back(self) -> int | None:
        """Return the previously visited cell, or None; removed cells are skipped."""
        while len(self._visited) > 1:
            self._visited.pop()
            if self._row(self._visited[-1]) >= 0:
                return self._visited[-1]
        return None

    def _row(self, cell_id: int) -> int:
        return row_of(self._columns.cell_id, cell_id)
