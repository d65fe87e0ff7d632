"""What a case adds up to: differentials, and how far two readers agree."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import (
    Agreement,
    CountingRules,
    Differential,
    DomainCheck,
    Features,
    Support,
)
from napari_bonemarrow.review.case.view import CaseView
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.events import Label
from napari_bonemarrow.review.journal.reading import SECOND
from napari_bonemarrow.review.state.cell_table import count_codes
from napari_bonemarrow.review.state.figures import counted_rows, tallied


class CaseNumbers(CaseView):
    """Counts over a case. Use it as `Case`."""

    def differential(self, rules: CountingRules | None = None) -> Differential:
        """Count the cells in the frame by their effective class.

        Parameters
        ----------
        rules : CountingRules, optional

        Returns
        -------
        Differential
            Of no cells while the frame is not set.
        """
        table, counted = self._state.table, self._counted()
        waiting = counted & ~table.reviewed
        return Differential.of_counts(
            count_codes(table.code[counted]),
            int(np.count_nonzero(waiting)),
            self._support(),
            rules,
            self.target,
            table.tags_by_class(counted),
            self._doubtful(waiting & (table.given == 0)),
            len(self.unread),
            int(np.count_nonzero(counted & table.imported)),
            self.domain_check(),
        )

    def model_differential(self, rules: CountingRules | None = None) -> Differential:
        """Count the cells in the frame by what the model puts first, as if nobody had reviewed them.

        In a blind reading no cell has a class here.
        """
        table, counted = self._state.table, self._counted()
        codes = table.top[counted]
        return Differential.of_counts(
            count_codes(np.zeros_like(codes) if self._state.blind else codes),
            len(codes),
            self._support(),
            rules,
            self.target,
            doubtful=self._doubtful(counted),
            unread=len(self.unread),
            domain=self.domain_check(),
        )

    def domain_check(self) -> DomainCheck | None:
        """Compare the cells in the frame with what the model was taught with.

        Returns
        -------
        DomainCheck or None
            None where its bundle holds no statistics for it, nothing is classified, or a reading is blind.
        """
        table = self._state.table
        rows = self._counted() & table.predicted
        if self._state.blind or not rows.any():
            return None
        threshold = self._state.abstain_below
        return DomainCheck.of_cells(table.strangeness[rows], table.confidence[rows], threshold)

    @property
    def waits_for_review(self) -> bool:
        """Whether a cell in the frame has no reviewer's label in the active reading."""
        return bool((self._counted() & ~self._state.table.reviewed).any())

    @property
    def tallies(self) -> tuple[Mapping[str, int], ...]:
        """Cells that the active reading counted by eye, by class, a mapping a field."""
        return tuple(MappingProxyType(dict(field)) for field in self._state.read.tallies)

    def tally_differential(self, rules: CountingRules | None = None) -> Differential:
        """Count what was tallied. A reviewer has seen all of it; no model had a say."""
        return Differential.of_counts(tallied(self._state), 0, {}, rules, self.target)

    def agreement(self) -> Agreement | None:
        """Compare the two readings, over counted cells to which both gave a class.

        Labels that came with the data are nobody's reading.

        Returns
        -------
        Agreement or None
            None before the second reading has ended: until then it is blind.
        """
        if not self._both_read():
            return None
        cells, first, second = self._state.compared()
        counted = self._are_counted(cells)
        return Agreement.compute(first[counted], second[counted])

    def disagreements(self, *, settled: bool = False) -> NDArray[np.int64]:
        """Return the counted cells on which the two readers differ, ascending.

        Parameters
        ----------
        settled : bool
            Those that were settled too.

        Returns
        -------
        ndarray of int64, shape (n,)
            None of them before the second reading has ended.
        """
        found = self._state.disagreements(settled=settled)
        return found[self._are_counted(found)]

    def labels_of(self, reading: int) -> Mapping[int, Label]:
        """Return the labels that were given in one reading, by cell number.

        Raises
        ------
        CaseError
            Where there is no such reading, or it may not be seen while the second, blind one goes on.
        """
        reads = self._state.reads
        if reading not in reads:
            raise CaseError(f"this case has no reading {reading}: it has {', '.join(map(str, reads))}")
        if reads[reading] not in self._visible_reads():
            raise CaseError("the second reading is blind: end it before looking at the other one")
        return MappingProxyType(reads[reading].labels)

    @property
    def features(self) -> Features | None:
        """What a network sees of the cells that exist, by ascending number; None where none were recorded."""
        return self._state.measures.features(self._journal.blob, self.cells.cell_id)

    @property
    def cell_map(self) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None:
        """Numbers of cells that exist, ascending, and their places on the map, shape (n, 2), or None."""
        return self._state.measures.map(self._journal.blob, self.cells.cell_id)

    @property
    def map_method(self) -> str:
        """By what the map was laid out, empty where there is none."""
        return self._state.measures.map_method

    def _both_read(self) -> bool:
        reads = self._state.reads
        return SECOND in reads and reads[SECOND].reading.ended_at is not None

    def _counted(self) -> NDArray[np.bool_]:
        """Tell which rows of the table are counted."""
        return counted_rows(self._state)

    def _are_counted(self, cells: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which of some cells exist and are counted."""
        rows = self._state.table.rows(cells)
        there: NDArray[np.bool_] = rows >= 0
        if there.any():
            there &= self._counted()[rows]
        return there

    def _support(self) -> Mapping[str, Support]:
        """Return what the model has learnt; in a blind reading there is no model."""
        return {} if self._state.blind else self._state.support

    def _doubtful(self, rows: NDArray[np.bool_]) -> int:
        """Count the cells among these whose confidence lies below the model's threshold."""
        table, threshold = self._state.table, self._state.abstain_below
        if threshold is None or self._state.blind:
            return 0
        return int(np.count_nonzero(rows & table.predicted & (table.confidence < threshold)))
