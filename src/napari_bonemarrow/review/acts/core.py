"""The shared core of a case: its journal, its state, its reviewer, and the one way to act."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_bonemarrow.cytology import Cells, Predictions
from napari_bonemarrow.review.acts.permission import refusal
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.event_specs import EVENT_SPECS, EventKind, EventSpec
from napari_bonemarrow.review.journal.events import Change, Draft, Event
from napari_bonemarrow.review.journal.journal import Journal
from napari_bonemarrow.review.journal.journal_json import SlideRecord
from napari_bonemarrow.review.state.cell_columns import CaseColumns, Snapshots
from napari_bonemarrow.review.state.state import State

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Scale

CellIds = int | Iterable[int] | NDArray[np.integer]
"""One cell or several."""


class CaseCore:
    """The journal of a case and the state that results from it.

    Parameters
    ----------
    journal : Journal
    state : State
        The state that results from the journal.
    reviewer : str
        Name under which acts are written.
    apply : callable
        Applies an event to the state; see `fold.apply`.
    """

    changed = Signal(Change)
    """Emitted with a `Change` after an act is on the disk."""

    def __init__(
        self, journal: Journal, state: State, reviewer: str, apply: Callable[[State, Event], None]
    ) -> None:
        self.journal = journal
        self.state = state
        self.reviewer = reviewer
        self._apply = apply
        self._snapshots = Snapshots(state.table)
        self._cells: Cells | None = None
        self._predictions: Predictions | None = None

    @property
    def path(self) -> Path:
        """Return the path of the case file."""
        return self.journal.path

    @property
    def slide_record(self) -> SlideRecord:
        """Return the record of the case's slide."""
        if self.state.slide is None:
            raise CaseError(f"{self.path.name} names no slide: restore it from a copy")
        return self.state.slide

    @property
    def cells(self) -> Cells:
        """Return the existing cells, including added ones, by ascending number."""
        if self._cells is None:
            self._cells = self.state.table.cells()
        return self._cells

    @property
    def predictions(self) -> Predictions | None:
        """Return what predicts now for the existing cells, by ascending cell number.

        None before the first prediction, and in a blind reading.
        """
        state = self.state
        if self._predictions is None and state.model is not None and not state.blind:
            table, guesses = state.table, state.table.guesses
            rows = table.present & guesses.predicted
            self._predictions = Predictions(
                table.cell_id[rows],
                guesses.probabilities[rows],
                guesses.classes,
                MappingProxyType(dict(state.support)),
                state.model,
                state.abstain_below,
                None if np.isnan(table.strangeness[rows]).all() else table.strangeness[rows],
                state.confusion,
            )
        return self._predictions

    def columns(self) -> CaseColumns:
        """Return every cell's current columns, in the order of `cells`."""
        return self._snapshots.take()

    def known_scale(self, before: str) -> Scale:
        """Return the scale, which an act requires.

        Parameters
        ----------
        before : str
            The act that needs it, such as ``finding cells``.

        Raises
        ------
        CaseError
            If it is not known.
        """
        if self.state.scale is None:
            raise CaseError(f"the scale is not known: confirm the µm per pixel before {before}")
        return self.state.scale

    def existing_ids(self, cell_ids: CellIds) -> tuple[int, ...]:
        """Return the numbers of existing cells, each once, in one query of the table.

        Raises
        ------
        CaseError
            If there are none, or one does not exist.
        """
        table = self.state.table
        if isinstance(cell_ids, int | np.integer):
            cells: tuple[int, ...] = (int(cell_ids),)
        elif isinstance(cell_ids, np.ndarray):
            cells = tuple(dict.fromkeys(cell_ids.tolist()))
        else:
            cells = tuple(dict.fromkeys(map(int, cell_ids)))
        if not cells:
            raise CaseError("no cell is selected: select one first")
        rows = table.rows(cells)
        there = (rows >= 0) & table.present[rows] if len(table) else np.zeros(len(cells), bool)
        if not there.all():
            raise CaseError(f"{self.path.name} has no cell {cells[int(np.argmin(there))]}")
        return cells

    def act(
        self,
        draft: Draft,
        blobs: Mapping[str, bytes] | None = None,
        cells: tuple[int, ...] | Callable[[], tuple[int, ...]] | None = None,
        of: EventKind | None = None,
    ) -> Change:
        """Write an event durably, apply it to the state, and only then emit `changed`.

        Parameters
        ----------
        draft : Draft
        blobs : mapping of str to bytes, optional
            Its arrays, by their hash.
        cells : tuple of int, or callable, optional
            The cells that it concerns, if they differ from those that its line names; called after the act.
        of : EventKind, optional
            For an undo or redo, the kind of the act it refers to.

        Raises
        ------
        CaseError
            If the act is not allowed now, or could not be written.
        """
        kind = of or draft.kind
        refused = refusal(self.state, kind, self.reviewer)
        if refused:
            raise CaseError(refused)
        if EVENT_SPECS[draft.kind].in_reading and self.state.reading != draft.reading:
            draft = replace(draft, reading=self.state.reading)
        event = self.journal.append(draft, self.reviewer, blobs)
        self._apply(self.state, event)
        self._forget(EVENT_SPECS[kind])
        if EVENT_SPECS[draft.kind].concerns_all:
            cells = tuple(self.cells.cell_id.tolist())
        elif callable(cells):
            cells = cells()
        change = Change(event.kind, event.cells if cells is None else cells, of)
        self.changed.emit(change)
        return change

    def _forget(self, spec: EventSpec) -> None:
        """Clear only the cached values that an act of this kind can have changed."""
        if spec.changes_cells:
            self._cells = None
        if spec.changes_predictions:
            self._predictions = None
        self._snapshots.forget(fixed=spec.changes_cells or spec.changes_predictions)
