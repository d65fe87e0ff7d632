"""The statistics of a case: counts of its cells by class, and their reliability."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import (
    CODES,
    CountingProfile,
    CountingRules,
    Differential,
    DomainCheck,
    Support,
)
from napari_bonemarrow.estimation import AdjustedCount, SampleEstimate, adjusted_count
from napari_bonemarrow.review.state.cell_table import count_codes
from napari_bonemarrow.review.state.state import State


class Statistics:
    """Counts over a case.

    Parameters
    ----------
    state : State
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def differential(self, rules: CountingRules | CountingProfile | None = None) -> Differential:
        """Count the cells in the frame by their effective class.

        Parameters
        ----------
        rules : CountingRules or CountingProfile, optional
            Instead of the case's profile.

        Returns
        -------
        Differential
            Empty while the frame is not set.
        """
        table, counted = self._state.table, counted_rows(self._state)
        waiting = counted & ~table.reviewed
        return Differential.of_counts(
            count_codes(table.code[counted]),
            int(np.count_nonzero(waiting)),
            self._support(),
            rules or self._state.profile,
            self._state.target,
            table.tags_by_class(counted),
            self._doubtful(waiting & (table.given == 0)),
            len(self._state.unread),
            int(np.count_nonzero(counted & table.imported)),
            self.domain_check(),
            estimated(self._state, rules),
            self._adjusting(counted, rules),
        )

    def _adjusting(
        self, counted: NDArray[np.bool_], rules: CountingRules | CountingProfile | None
    ) -> Callable[[], AdjustedCount | None] | None:
        """Return what computes the adjusted count of the present cells; None without measured errors."""
        state, table = self._state, self._state.table
        if state.confusion is None or state.blind:
            return None
        rules = rules or state.profile
        waiting = counted & ~table.reviewed
        done = counted & table.reviewed
        pairs = np.bincount(
            table.code[done].astype(np.int64) * len(CODES) + table.bundle.top[done],
            minlength=len(CODES) ** 2,
        ).reshape(len(CODES), len(CODES))
        known = {(CODES[a], CODES[b]): int(pairs[a, b]) for a, b in np.argwhere(pairs).tolist()}
        return partial(
            adjusted_count,
            state.confusion,
            count_codes(table.bundle.top[waiting]),
            known,
            rules.rules if isinstance(rules, CountingProfile) else rules,
        )

    def model_differential(self, rules: CountingRules | CountingProfile | None = None) -> Differential:
        """Count the cells in the frame by the bundle's own first guess, without any review.

        In a blind reading no cell has such a class.
        """
        table, counted = self._state.table, counted_rows(self._state)
        codes = table.bundle.top[counted]
        return Differential.of_counts(
            count_codes(np.zeros_like(codes) if self._state.blind else codes),
            len(codes),
            self._support(),
            rules or self._state.profile,
            self._state.target,
            doubtful=self._doubtful(counted),
            unread=len(self._state.unread),
            domain=self.domain_check(),
        )

    def domain_check(self) -> DomainCheck | None:
        """Compare the cells in the frame with the model's training data.

        Returns
        -------
        DomainCheck or None
            None if its bundle holds no statistics for it, nothing is classified, or a reading is blind.
        """
        table = self._state.table
        rows = counted_rows(self._state) & table.bundle.predicted
        if self._state.blind or not rows.any():
            return None
        threshold = self._state.abstain_below
        return DomainCheck.of_cells(table.strangeness[rows], table.bundle.confidence[rows], threshold)

    @property
    def waits_for_review(self) -> bool:
        """Return whether a cell in the frame has no reviewer's label in the active reading."""
        return bool((counted_rows(self._state) & ~self._state.table.reviewed).any())

    def _support(self) -> Mapping[str, Support]:
        """Return the model's training support by class; empty in a blind reading."""
        return {} if self._state.blind else self._state.support

    def _doubtful(self, rows: NDArray[np.bool_]) -> int:
        """Count those of the cells whose confidence lies below the model's threshold."""
        table, threshold = self._state.table, self._state.abstain_below
        if threshold is None or self._state.blind:
            return 0
        return int(np.count_nonzero(rows & table.guesses.predicted & (table.guesses.confidence < threshold)))


def counted_rows(state: State) -> NDArray[np.bool_]:
    """Return which rows of the table are counted: none while the frame is not set."""
    table = state.table
    return table.counted() if state.frame is not None else np.zeros(len(table), bool)


def estimated(state: State, rules: CountingRules | CountingProfile | None = None) -> SampleEstimate | None:
    """Return the count that a sample under review estimates, corrected by what its cells have taught.

    By the case's rules where none are given. None without a sample, and while too few cells enter.
    """
    if state.sample is None:
        return None
    rules = rules or state.profile
    if isinstance(rules, CountingProfile):
        rules = rules.rules
    return state.sample.estimate(state.table, rules, state.learning.correction)


def unsettled(state: State) -> int:
    """Return the number of counted cells with unsettled disagreements."""
    rows = state.table.rows(state.disagreements())
    there = rows >= 0
    return int(np.count_nonzero(counted_rows(state)[rows[there]]))


def tallied(state: State) -> Counter[str]:
    """Return the number of cells of each class counted by eye in the active reading."""
    return sum(state.read.tallies, Counter())


def are_counted(state: State, cells: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which of some cells exist and are counted."""
    rows = state.table.rows(cells)
    there: NDArray[np.bool_] = rows >= 0
    if there.any():
        there &= counted_rows(state)[rows]
    return there
