"""Qt model of the cells of a work list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, Qt

from napari_bonemarrow.cytology import CLASSES, CODES
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.widgets.plain_text import tip
from napari_bonemarrow.review.worklist.filters import Group
from napari_bonemarrow.review.worklist.worklist import WorkList

CELL_ROLE = int(Qt.ItemDataRole.UserRole)
"""The cell's number."""

_FEW = 64
"""Most changed cells that are signalled one by one."""


class Look(NamedTuple):
    """The marks of a thumbnail.

    ``code`` is an index of `CODES`; ``percent`` the confidence of a class by the model, else -1.
    """

    code: int
    percent: int
    reviewed: bool
    flagged: bool
    disputed: bool


class GalleryModel(QAbstractListModel):
    """A model with one row per cell, in the order of the list; empty without one."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.work: WorkList | None = None
        self._disputed = np.zeros(0, bool)
        self._rows = np.zeros(0, np.intp)
        self._ids = np.zeros(0, np.int64)

    # following ------------------------------------------------------------------------------------

    def show(self, work: WorkList | None) -> None:
        """Set a list, or the same one arranged again."""
        self.beginResetModel()
        self.work = work
        self._rows = np.zeros(0, np.intp) if work is None else work.rows
        self._ids = np.zeros(0, np.int64) if work is None else work.ids
        self._disputed = np.zeros(0, bool) if work is None else work.disagreement
        self.endResetModel()

    def follow(self, cell_ids: Iterable[int]) -> None:
        """Update some cells, after the list."""
        if self.work is None:
            return
        self._disputed = self.work.disagreement
        places = self.work.places_of(np.fromiter(cell_ids, np.int64))
        places = places[places >= 0]
        if len(places) > _FEW:
            self.dataChanged.emit(self.index(0), self.index(len(self._ids) - 1))
            return
        for place in places.tolist():
            self.dataChanged.emit(self.index(place), self.index(place))

    # what views ask -------------------------------------------------------------------------------

    @property
    def ids(self) -> np.ndarray:
        """Return the cell numbers in order, int64 of shape (n,)."""
        return self._ids

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the groups."""
        return () if self.work is None else self.work.groups

    def look(self, place: int) -> Look:
        """Return the marks of the thumbnail at a place."""
        columns, row = existing(self.work).columns, self._rows[place]
        code = int(columns.code[row])
        confidence = float(columns.confidence[row])
        percent = round(confidence * 100) if confidence and code == columns.top[row] else -1
        return Look(
            code,
            percent,
            bool(columns.reviewed[row]),
            bool(columns.flagged[row]),
            bool(self._disputed[row]),
        )

    def centre(self, place: int) -> tuple[float, float]:
        """Return a cell's centre, level-0 px."""
        columns, row = existing(self.work).columns, self._rows[place]
        return float(columns.x[row]), float(columns.y[row])

    def heading(self, group: Group) -> str:
        """Return the heading of a group: class, numbers of cells, of reviewed cells and of moved ones."""
        columns, rows = existing(self.work).columns, self._rows[group.start : group.stop]
        name = f"{group.code} {CLASSES[group.code].name}" if group.code else "no class yet"
        left = int(np.count_nonzero(columns.code[rows] != CODES.index(group.code or "")))
        reviewed = int(np.count_nonzero(columns.reviewed[rows]))
        text = f"{name} · {len(group)}"
        text += f" · {reviewed} reviewed" if reviewed else ""
        return text + (f" · {left} now of another class" if left else "")

    # Qt -------------------------------------------------------------------------------------------

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of cells."""
        return 0 if parent is not None and parent.isValid() else len(self._ids)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the class code, the cell's number, or a sentence on the cell."""
        if not index.isValid() or not 0 <= index.row() < len(self._ids):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return CODES[self.look(index.row()).code]
        if role == CELL_ROLE:
            return int(self._ids[index.row()])
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(self._sentence(index.row()))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._sentence(index.row())
        return None

    def _sentence(self, place: int) -> str:
        look = self.look(place)
        code = CODES[look.code]
        parts = [f"Cell {self._ids[place]}", CLASSES[code].name if code else "no class yet"]
        if look.percent >= 0:
            parts.append(f"model {look.percent} %")
        parts.append("reviewed" if look.reviewed else "not reviewed")
        parts += ["flagged"] * look.flagged
        if look.disputed:
            first = CODES[int(existing(self.work).said_by_model[self._rows[place]])]
            parts.append(f"the model says {CLASSES[first].name}" if first else "readers differ")
        return " · ".join(parts)
