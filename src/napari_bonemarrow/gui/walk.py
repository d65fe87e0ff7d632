"""Which cell comes next (no Qt)."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from napari_bonemarrow.cytology import Cells, Predictions


class Walk:
    """Goes through the cells that no reviewer has seen, least certain first, and back again.

    The order is that of the model's highest probability; a cell without prediction is the least certain of
    all. Before them come cells whose label was imported with the data, by number: a queue of doubted crops
    is numbered by rank. The order is looked up anew at each step, so that cells may come and go in between.
    """

    def __init__(self) -> None:
        self._visited: list[int] = []

    def visit(self, cell_id: int) -> None:
        """Remember that a cell was looked at."""
        if not self._visited or self._visited[-1] != cell_id:
            self._visited.append(cell_id)

    def next(
        self,
        cells: Cells,
        predictions: Predictions | None,
        reviewed: Collection[int],
        current: int | None,
        imported: Collection[int] = (),
    ) -> int | None:
        """Return the next unreviewed cell in the frame after the current one, or None where none is left.

        Skipping is allowed: a cell that was passed over comes again after the last.
        """
        by_certainty = _least_certain_first(cells, predictions)
        queued = sorted(set(imported) & set(by_certainty))
        order = queued + [cell for cell in by_certainty if cell not in imported]
        waiting = [cell for cell in order if cell not in reviewed and cell != current]
        if not waiting:
            return None
        if current in order:
            later = set(order[order.index(current) + 1 :])
            return next((cell for cell in waiting if cell in later), waiting[0])
        return waiting[0]

    def back(self, cells: Cells) -> int | None:
        """Return the cell that was looked at before, or None."""
        present = set(cells.cell_id.tolist())
        while len(self._visited) > 1:
            self._visited.pop()
            if self._visited[-1] in present:
                return self._visited[-1]
        return None


def _least_certain_first(cells: Cells, predictions: Predictions | None) -> list[int]:
    inside = cells.cell_id[cells.in_frame]
    certain = np.zeros(len(inside))
    if predictions is not None and len(predictions):
        known = dict(zip(predictions.cell_id.tolist(), predictions.probabilities.max(axis=1), strict=True))
        certain = np.array([known.get(cell, 0.0) for cell in inside.tolist()])
    return inside[np.argsort(certain, kind="stable")].tolist()
