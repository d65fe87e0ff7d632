"""The columns of cells for tables and galleries, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.review.state.cell_table import CellTable


@dataclass(frozen=True, slots=True, eq=False)
class CaseColumns:
    """The cells of a case at one moment, in the order of `Case.cells`; read-only arrays of shape (n,).

    In a blind reading they hold nothing from the model or the first reader.

    Attributes
    ----------
    cell_id : ndarray of int64
        Ascending.
    x, y : ndarray of float64
        Centre, level-0 px.
    in_frame : ndarray of bool
    top : ndarray of int8
        The first guess of what predicts now, as an index of `cytology.CODES`; 0 without a prediction.
    confidence, margin : ndarray of float32
        Highest calibrated probability; first less second. 0 without a prediction.
    code : ndarray of int8
        Effective class, as an index of `cytology.CODES`.
    reviewed : ndarray of bool
        Whether a reviewer has given the class; imported classes do not count.
    imported : ndarray of bool
        Whether the class is imported and no reviewer has confirmed it.
    flagged : ndarray of bool
    reviewed_at : ndarray of float64
        Time of the reviewer's class, seconds since 1970, UTC; NaN without one.
    """

    cell_id: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    in_frame: NDArray[np.bool_]
    top: NDArray[np.int8]
    confidence: NDArray[np.float32]
    margin: NDArray[np.float32]
    code: NDArray[np.int8]
    reviewed: NDArray[np.bool_]
    imported: NDArray[np.bool_]
    flagged: NDArray[np.bool_]
    reviewed_at: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.cell_id)


class Snapshots:
    """A maker of `CaseColumns` that keeps the columns that a reviewer's acts cannot change.

    Parameters
    ----------
    table : CellTable
    """

    def __init__(self, table: CellTable) -> None:
        self._table = table
        self._present: NDArray[np.bool_] | None = None
        self._fixed: tuple[NDArray[Any], ...] | None = None
        self._latest: CaseColumns | None = None

    def forget(self, *, fixed: bool) -> None:
        """Discard labels and flags; with ``fixed`` also cells, frame, model and reading."""
        self._latest = None
        if fixed:
            self._fixed = None

    def take(self) -> CaseColumns:
        """Return the current columns."""
        if self._latest is None:
            table = self._table
            if self._fixed is None:
                self._present = None if table.present.all() else table.present
                self._fixed = tuple(map(self._copy, self._hardly_changing()))
            changing = (table.code, table.reviewed, table.imported, table.flagged, table.reviewed_at)
            self._latest = CaseColumns(*self._fixed, *map(self._copy, changing))
        return self._latest

    def _hardly_changing(self) -> tuple[NDArray[Any], ...]:
        table = self._table
        said: tuple[NDArray[Any], ...] = (table.guesses.top, table.guesses.confidence, table.guesses.margin)
        if table.blind:
            said = tuple(np.zeros_like(column) for column in said)
        return (*(table.columns[name] for name in ("cell_id", "x", "y", "in_frame")), *said)

    def _copy(self, column: NDArray[Any]) -> NDArray[Any]:
        copied = column.copy() if self._present is None else column[self._present]
        copied.flags.writeable = False
        return copied
