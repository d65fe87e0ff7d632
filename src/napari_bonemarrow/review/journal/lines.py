"""The lines of a journal in memory, and an index of them by cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.arrays import row_of
from napari_bonemarrow.review.journal.events import Event

_FEW = 8
"""Up to this number of cells of an event are indexed individually; larger events are searched."""


class Lines:
    """Events in their order. Appending and the history of a cell need no loop over all of them.

    Parameters
    ----------
    events : list of Event
        Owned by this object from then on.
    """

    def __init__(self, events: list[Event]) -> None:
        self.events = events
        self._indexed = 0
        self._by_cell: dict[int, list[int]] = {}
        self._wide: list[tuple[int, NDArray[np.int64]]] = []
        self._index()

    @property
    def last(self) -> Event:
        """Return the newest event."""
        return self.events[-1]

    def of_cell(self, cell_id: int) -> list[Event]:
        """Return the events that name a cell, oldest first."""
        self._index()
        places = list(self._by_cell.get(cell_id, ()))
        places += [at for at, cells in self._wide if row_of(cells, cell_id) >= 0]
        return [self.events[at] for at in sorted(places)]

    def _index(self) -> None:
        """Index the events since the last call."""
        for at in range(self._indexed, len(self.events)):
            cells = self.events[at].cells
            if len(cells) > _FEW:
                self._wide.append((at, np.sort(np.array(cells, np.int64))))
                continue
            for cell in cells:
                self._by_cell.setdefault(cell, []).append(at)
        self._indexed = len(self.events)
