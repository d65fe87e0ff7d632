"""Dialog on the agreement of two readers: a line, a table of the classes, and the confusion table."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QFont
from qtpy.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.counting.count_models import AgreementInfo, ClassAgreement
from napari_bonemarrow.gui.widgets.controls import button, gone_when_closed, label, swatch_icon
from napari_bonemarrow.gui.widgets.plain_text import set_tip
from napari_bonemarrow.gui.widgets.tables import heading_height, low_rows
from napari_bonemarrow.gui.widgets.theme import ThemeColors

_ROW = 21
_SHOWN_ROWS = 9
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class AgreementDialog(QDialog):
    """The non-modal dialog on the agreement of two readers."""

    settle_requested = Signal()

    def __init__(self, parent: QWidget, info: AgreementInfo, colors: ThemeColors | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Agreement of the readers")
        gone_when_closed(self)
        self._colors = colors
        self.headline = label(info.headline, "title")
        self.table = self._class_table(info)
        self.matrix = self._matrix(info)
        self.settle_button, self.close_button = button(_settle_text(info), "primary"), button("Close")
        self.settle_button.setVisible(info.disagreements > 0)
        self.settle_button.clicked.connect(self._settle)
        self.close_button.clicked.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(8)
        layout.addWidget(self.headline)
        layout.addWidget(label(f"First reader {info.first}, second reader {info.second}.", "quiet"))
        layout.addWidget(self.table)
        layout.addWidget(
            label("Cells by class: a row each of the first reader's, a column each of the second's.", "quiet")
        )
        layout.addWidget(self.matrix)
        self.how = label(f"Settling: 1 takes the class of {info.first}, 2 that of {info.second}.", "quiet")
        layout.addWidget(self.how)
        self.how.setVisible(info.disagreements > 0)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.settle_button)
        row.addWidget(self.close_button)
        layout.addLayout(row)
        self.resize(520, layout.sizeHint().height())
        self.close_button.setFocus()

    def _settle(self) -> None:
        self.settle_requested.emit()
        self.accept()

    def _class_table(self, info: AgreementInfo) -> QTableWidget:
        table = _table(len(info.rows), ("Class", "first", "second", "both", "κ"))
        table.setAccessibleName("Agreement by class")
        for at, row in enumerate(info.rows):
            name = QTableWidgetItem(swatch_icon(row.code), f"{row.code}  {row.name}")
            table.setItem(at, 0, name)
            for column, text in enumerate(_figures(row), start=1):
                table.setItem(at, column, _number(text))
        header = existing(table.horizontalHeader())
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        _fix_height(table, len(info.rows))
        return table

    def _matrix(self, info: AgreementInfo) -> QTableWidget:
        """Make the confusion table: bold on the diagonal, differences highlighted."""
        table = _table(len(info.codes), info.codes)
        table.setAccessibleName("Confusion between the readers")
        existing(table.verticalHeader()).show()
        table.setVerticalHeaderLabels(list(info.codes))
        for at, counts in enumerate(info.confusion):
            for column, count in enumerate(counts):
                item = _number(str(count) if count else "·")
                first, second = (CLASSES[info.codes[index]].name for index in (at, column))
                set_tip(
                    item, f"{count_of(count, 'cell')}: {first} to {info.first}, {second} to {info.second}"
                )
                if at == column:
                    font = QFont()
                    font.setBold(True)
                    item.setFont(font)
                elif count and self._colors is not None:
                    item.setForeground(QColor(self._colors.warning))
                table.setItem(at, column, item)
        existing(table.horizontalHeader()).setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        _fix_height(table, len(info.codes))
        return table


def _table(rows: int, headings: tuple[str, ...]) -> QTableWidget:
    table = QTableWidget(rows, len(headings))
    table.setHorizontalHeaderLabels(list(headings))
    table.setShowGrid(False)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setTabKeyNavigation(False)
    low_rows(table, _ROW)
    return table


def _fix_height(table: QTableWidget, rows: int) -> None:
    table.setFixedHeight(heading_height(table) + _ROW * min(rows, _SHOWN_ROWS) + 6)


def _number(text: str) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setTextAlignment(_RIGHT)
    return item


def _figures(row: ClassAgreement) -> tuple[str, ...]:
    kappa = "–" if row.kappa is None else f"{row.kappa:.2f}"
    return str(row.first), str(row.second), str(row.both), kappa


def _settle_text(info: AgreementInfo) -> str:
    return f"Settle {count_of(info.disagreements, 'disagreement')}"
