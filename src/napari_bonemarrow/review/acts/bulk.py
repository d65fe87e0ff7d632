"""Accepting a class in bulk by a rule that the journal states."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CLASSES, CODES, Support
from napari_bonemarrow.review.acts.core import CaseCore
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.events import Change, Draft, Event, Label
from napari_bonemarrow.review.journal.payloads import BulkRule
from napari_bonemarrow.review.state.effect import Effect, Effects
from napari_bonemarrow.review.state.state import State
from napari_bonemarrow.review.state.statistics import counted_rows

_LOWEST = 0.5
"""Below this confidence another class can be as probable."""


class BulkAcceptance:
    """Acceptance of the model's guess on many cells by one rule."""

    def __init__(self, core: CaseCore) -> None:
        self._core, self._state = core, core.state

    def refusal(self, code: str) -> str:
        """Return in one line why a class cannot be accepted in bulk; empty if it can."""
        if code not in CLASSES:
            return f"{code!r} is not a class: choose one of {', '.join(CLASSES)}"
        if self._state.blind:
            return "the second reading is blind: there are no guesses to accept"
        if not CLASSES[code].in_bulk:
            return f"{code} is never accepted in bulk: look at each {CLASSES[code].name}"
        model = self._state.model
        if model is None:
            return "no model has classed the cells yet: classify them first"
        if self._state.support.get(code) is not Support.TRAINED:
            return f"{model.name} does not reliably recognise {code}: look at each {CLASSES[code].name}"
        return ""

    def acceptable(self, code: str, threshold: float) -> NDArray[np.int64]:
        """Return the cells that `accept_above` would accept, ascending.

        They are the unreviewed cells in the frame whose first guess is that class, with a calibrated
        confidence of at least the threshold.

        Parameters
        ----------
        code : str
        threshold : float
            0.5 to 1.

        Raises
        ------
        CaseError
            If the class cannot be accepted in bulk, or the threshold is invalid.
        """
        refused = self.refusal(code)
        if refused:
            raise CaseError(refused)
        if not _LOWEST <= threshold <= 1:
            raise CaseError(f"a threshold of {threshold:g} is none: choose {_LOWEST:g} to 1")
        table = self._state.table
        waiting = counted_rows(self._state) & table.guesses.predicted & (table.given == 0)
        # Compared in the model's own precision, so that a printed 0.98 equals 0.98.
        sure = table.guesses.confidence >= np.float32(threshold)
        found: NDArray[np.int64] = table.cell_id[waiting & sure & (table.guesses.top == CODES.index(code))]
        return found

    def accept_above(self, code: str, threshold: float) -> Change:
        """Accept the model's guess on all `acceptable` cells: one act, with its rule in the journal.

        Raises
        ------
        CaseError
            If the class cannot be accepted in bulk, the threshold is invalid, or no cell qualifies.
        """
        cells = self.acceptable(code, threshold)
        if not len(cells):
            raise CaseError(f"no unreviewed cell in the frame is {code} with {threshold:g} or more")
        model = self._state.model
        assert model is not None
        rule: BulkRule = {
            "code": code,
            "threshold": float(threshold),
            "model": model.sha256,
            "count": len(cells),
        }
        return self._core.act(Draft(EventKind.BULK_RULE, tuple(cells.tolist()), new=rule, source="rule"))


def _accept(state: State, event: Event) -> None:
    rule: BulkRule = event.new
    state.label_all(event.cells, Label(rule["code"], event.reviewer, event.at, "rule"))


def _unaccept(state: State, event: Event) -> None:
    """Undo a bulk rule, which changed only cells without a label."""
    state.label(event.cells, [None] * len(event.cells))


EFFECTS: Effects = {EventKind.BULK_RULE: Effect(_accept, _unaccept)}
