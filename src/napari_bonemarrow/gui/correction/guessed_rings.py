"""Rings after other guesses: thousands change in small steps between the keys, and are drawn once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_bonemarrow.gui.canvas.rings.features_table import guessed_columns, probability_columns
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart

_AT_ONCE = 1000
"""Rings that change in one step: a few milliseconds, which a key may wait."""
_PROBABILITIES = 5000
"""Cells whose probabilities are written into the features table in one step."""
_REST_MS = 1000
"""Time without other guesses after which probabilities are written into napari's features table."""


class GuessedRings(SmearPart):
    """The rings and the features table follow what is predicted, without holding up a key.

    A lesson may change the first guess of thousands of cells, and the probabilities of all.
    """

    def __init__(self, session: Session, smear_viewer: SmearViewer, parent: QObject) -> None:
        super().__init__(session, parent)
        self._smear_viewer = smear_viewer
        self._waiting: NDArray[np.int64] = np.empty(0, np.int64)
        self._more = self.timer(0, self._show_some)
        self._rest = self.timer(_REST_MS, self._begin_probabilities)
        self._written = 0
        self._next = self.timer(0, self._write_probabilities)

    @property
    def waiting(self) -> int:
        """Return how many rings still show an earlier guess."""
        return len(self._waiting)

    def show(self, cell_ids: NDArray[np.int64]) -> None:
        """Show other first guesses of some cells."""
        self._next.stop()
        self._rest.start()
        if len(cell_ids):
            self._waiting = np.union1d(self._waiting, cell_ids)
            self._show_some()

    def _show_some(self) -> None:
        case, rings, now = self.session.case, self._smear_viewer.rings, self._waiting[:_AT_ONCE]
        self._waiting = self._waiting[_AT_ONCE:]
        now = now[np.isin(now, case.cells.cell_id)]
        columns = guessed_columns(case, now)
        rings.stage(now, columns["class"], columns)
        if len(self._waiting):
            self._more.start()
        else:
            rings.draw_staged()
            self._smear_viewer.tell_features_soon()

    def forget(self) -> None:
        """Forget what waits, since all rings are drawn anew."""
        self._more.stop()
        self._rest.stop()
        self._next.stop()
        self._waiting = np.empty(0, np.int64)

    def _begin_probabilities(self) -> None:
        self._written = 0
        self._write_probabilities()

    def _write_probabilities(self) -> None:
        """Write the next part of the probabilities."""
        predictions, rings = self.session.case.predictions, self._smear_viewer.rings
        if predictions is None or len(self.session.case.cells) != len(rings.cells):
            return  # a search is under way: its end writes them all
        part = slice(self._written, self._written + _PROBABILITIES)
        rings.write_features(predictions.cell_id[part], probability_columns(predictions, part))
        self._written = part.stop
        if self._written < len(predictions):
            self._next.start()
        else:
            self._smear_viewer.tell_features_soon()
