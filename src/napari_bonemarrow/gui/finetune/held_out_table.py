"""The table before and after: held-out cells, classified by the old and by the new model."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableWidget, QTableWidgetItem

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.finetune.run_status import HeldOut
from napari_bonemarrow.gui.widgets.controls import swatch_icon
from napari_bonemarrow.gui.widgets.plain_text import set_tip
from napari_bonemarrow.gui.widgets.tables import heading_height, low_rows
from napari_bonemarrow.gui.widgets.theme import ThemeColors

_HEADINGS = ("Held out", "n", "before, %", "after, %")
_ROW = 22
_WHOLE = {"reviewed cells": "Reviewed cells", "unreviewed cells": "Class kept, unreviewed"}


class HeldOutTable(QTableWidget):
    """A table that shows all rows; the tab scrolls, not the table."""

    def __init__(self) -> None:
        super().__init__(0, len(_HEADINGS))
        self.colors: ThemeColors | None = None
        self.setAccessibleName("Held-out cells classified rightly, before and after")
        self.setHorizontalHeaderLabels(list(_HEADINGS))
        self.setShowGrid(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        header = low_rows(self, _ROW)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2, 3):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def show_rows(self, rows: Sequence[HeldOut]) -> None:
        """Show rows: increases in green, decreases in amber, both with an arrow."""
        self.setRowCount(len(rows))
        for at, row in enumerate(rows):
            for column, text in enumerate((_name(row), str(row.n), _share(row.before), _after(row))):
                self.setItem(at, column, self._item(row, column, text))
        self.setFixedHeight(heading_height(self) + _ROW * len(rows) + 4)

    def _item(self, row: HeldOut, column: int, text: str) -> QTableWidgetItem:
        item = QTableWidgetItem(text)
        set_tip(item, _in_words(row))
        if column == 0 and row.name in CLASSES:
            item.setIcon(swatch_icon(row.name))
        if row.whole:
            font = item.font()
            font.setBold(True)
            item.setFont(font)
        if column:
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        change = _change(row)
        if column == 3 and change and self.colors is not None:
            item.setForeground(QColor(self.colors.good if change > 0 else self.colors.warning))
        return item


def _change(row: HeldOut) -> int:
    before, after = (round(100 * share[0]) for share in (row.before, row.after))
    return (after > before) - (after < before)


def _name(row: HeldOut) -> str:
    if not row.whole:
        return f"{row.name}  {CLASSES[row.name].name}" if row.name in CLASSES else row.name
    return _WHOLE.get(row.name, f"{row.name} (base data)")


def _share(share: tuple[float, float, float]) -> str:
    middle, low, high = (100 * value for value in share)
    return f"{middle:.0f}" if math.isnan(low) else f"{middle:.0f} ({low:.0f}–{high:.0f})"


def _after(row: HeldOut) -> str:
    arrow = {1: "▲ ", -1: "▼ ", 0: ""}[_change(row)]
    return arrow + _share(row.after)


def _in_words(row: HeldOut) -> str:
    what = "mean share of each class" if row.whole else "share of the class's cells"
    return (
        f"{_name(row)}: {what} classified rightly, {_share(row.before)} % before and "
        f"{_share(row.after)} % after, on {count_of(row.n, 'held-out cell')} (95 % interval)"
    )
