"""The selected cells: one selection for smear, gallery, inspector, map and napari's features table."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal


class Selection(QObject):
    """The selected cells and the current one among them, which the inspector shows.

    Views never keep their own selection: they `set` this one and follow `changed`, whose argument is
    whether to bring the current cell into view.
    """

    changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ids: tuple[int, ...] = ()
        self._current: int | None = None
        self._array: NDArray[np.int64] | None = None

    @property
    def current(self) -> int | None:
        """Return the cell that the inspector shows, None if none is selected."""
        return self._current

    @property
    def ids(self) -> tuple[int, ...]:
        """Return every selected cell, including the current one, in the order of selection."""
        return self._ids

    @property
    def others(self) -> tuple[int, ...]:
        """Return the selected cells except the current one, ascending."""
        return tuple(sorted(cell for cell in self._ids if cell != self._current))

    @property
    def array(self) -> NDArray[np.int64]:
        """Return the selected cells as a read-only array, int64 of shape (n,)."""
        if self._array is None:
            self._array = np.array(self._ids, dtype=np.int64)
            self._array.setflags(write=False)
        return self._array

    def __len__(self) -> int:
        return len(self._ids)

    def set(
        self, ids: Iterable[int] | NDArray[np.integer], current: int | None = None, go: bool = False
    ) -> None:
        """Select these cells and no others.

        Parameters
        ----------
        ids : iterable of int
            Repeated numbers count once.
        current : int, optional
            The current one among them. By default the present current cell if it is among them,
            else the first.
        go : bool
            Bring the current cell into view; this is signalled even if the selection is unchanged.
        """
        given = ids.tolist() if isinstance(ids, np.ndarray) else [int(cell) for cell in ids]
        unique = tuple(dict.fromkeys(given))
        if current is None or current not in unique:
            current = self._current if self._current in unique else next(iter(unique), None)
        if (unique, current) == (self._ids, self._current):
            if go:
                self.changed.emit(True)
            return
        self._ids, self._current, self._array = unique, current, None
        self.changed.emit(go)

    def toggle(self, cell_id: int) -> None:
        """Add a cell to the selection or remove it; the current cell stays current while it is selected."""
        if cell_id in self._ids:
            self.set(tuple(cell for cell in self._ids if cell != cell_id))
        else:
            self.set((*self._ids, cell_id))

    def keep_one(self) -> None:
        """Deselect all but the current cell: no key may change cells that are no longer visible."""
        if self._current is not None and len(self._ids) > 1:
            self.set((self._current,), self._current)

    def clear(self) -> None:
        """Select no cell."""
        self.set(())
