"""The cells of a case as columns, with what the model says of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells, Frame, Predictions

_COLUMNS = ("cell_id", "x", "y", "diameter_um", "score", "in_frame")


class CellTable:
    """Columns of equal length, sorted by cell number; a cell that was removed keeps its row.

    ``present`` tells which cells exist, ``top`` the code the model puts first, ``code`` the effective class
    (the label where there is one, else ``top``, else ``""``), ``labelled`` whether it is a label.
    """

    def __init__(self) -> None:
        self.columns: dict[str, NDArray[Any]] = {name: getattr(Cells.empty(), name) for name in _COLUMNS}
        self.present = np.empty(0, bool)
        self.labelled = np.empty(0, bool)
        self.top = np.empty(0, object)
        self.code = np.empty(0, object)
        self.predicted = np.empty(0, bool)
        self.probabilities = np.empty((0, 0), np.float32)

    def __len__(self) -> int:
        return len(self.present)

    @property
    def cell_id(self) -> NDArray[np.int64]:
        """Every cell's number, ascending."""
        return self.columns["cell_id"]

    def rows(self, cell_ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the rows of some cells, -1 where there is no such cell."""
        wanted = np.asarray(cell_ids, dtype=np.int64)
        if not len(self):
            return np.full(wanted.shape, -1, np.intp)
        at = np.minimum(np.searchsorted(self.cell_id, wanted), len(self) - 1)
        return np.where(self.cell_id[at] == wanted, at, -1)

    def append(self, cells: Cells, present: NDArray[np.bool_] | bool = True) -> None:
        """Add rows below; their numbers are higher than any before."""
        n = len(cells)
        for name in _COLUMNS:
            self.columns[name] = np.concatenate([self.columns[name], getattr(cells, name)])
        self.present = np.concatenate([self.present, np.broadcast_to(present, n)])
        self.labelled = np.concatenate([self.labelled, np.zeros(n, bool)])
        self.predicted = np.concatenate([self.predicted, np.zeros(n, bool)])
        self.top = np.concatenate([self.top, _empty_codes(n)])
        self.code = np.concatenate([self.code, _empty_codes(n)])
        blank = np.zeros((n, self.probabilities.shape[1]), np.float32)
        self.probabilities = np.concatenate([self.probabilities, blank])

    def keep(self, rows: NDArray[np.intp]) -> None:
        """Drop every row but these, ascending."""
        self.columns = {name: column[rows] for name, column in self.columns.items()}
        for name in ("present", "labelled", "top", "code", "predicted", "probabilities"):
            setattr(self, name, getattr(self, name)[rows])

    def forget_predictions(self, classes: int) -> None:
        """Make room for a model with so many classes."""
        self.probabilities = np.zeros((len(self), classes), np.float32)
        self.predicted = np.zeros(len(self), bool)
        self.top = _empty_codes(len(self))
        self.code = np.where(self.labelled, self.code, self.top)

    def predict(self, predictions: Predictions) -> None:
        """Write the model's word on some cells; of cells that are gone it is left out."""
        rows = self.rows(predictions.cell_id)
        known = rows >= 0
        rows = rows[known]
        probabilities = predictions.probabilities[known]
        self.probabilities[rows] = probabilities
        self.predicted[rows] = True
        if len(rows):
            codes = np.array(predictions.classes, dtype=object)
            self.top[rows] = codes[np.argmax(probabilities, axis=1)]
        self.code = np.where(self.labelled, self.code, self.top)

    def label(self, cell_ids: Sequence[int], codes: Sequence[str | None]) -> None:
        """Give cells their labels, or take them where the code is None."""
        if len(cell_ids) == 1:  # nearly every line of a journal; replaying thousands of them must not drag
            row = int(self.cell_id.searchsorted(cell_ids[0]))
            self.labelled[row] = codes[0] is not None
            self.code[row] = self.top[row] if codes[0] is None else codes[0]
            return
        rows = self.rows(cell_ids)
        given = np.array([code is not None for code in codes], dtype=bool)
        self.labelled[rows] = given
        self.code[rows] = np.where(given, np.array(codes, dtype=object), self.top[rows])

    def set_present(self, cell_ids: Sequence[int], present: bool) -> None:
        """Take cells out, or put them back."""
        self.present[self.rows(cell_ids)] = present

    def set_frame(self, frame: Frame, microns_per_pixel: float) -> None:
        """Work out anew which cells are counted."""
        self.columns["in_frame"] = frame.contains(self.columns["x"], self.columns["y"], microns_per_pixel)

    def cells(self) -> Cells:
        """Return the cells that exist."""
        return Cells(*(self.columns[name][self.present] for name in _COLUMNS))

    def counted(self) -> NDArray[np.bool_]:
        """Tell which rows exist and lie in the frame."""
        counted: NDArray[np.bool_] = self.present & self.columns["in_frame"]
        return counted


def _empty_codes(n: int) -> NDArray[Any]:
    return np.full(n, "", dtype=object)
