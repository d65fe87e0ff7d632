"""Manual tally: a differential counter with the keys of the review."""

from __future__ import annotations

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtGui import QFont, QIcon
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.counting.count_models import TallyInfo
from napari_bonemarrow.gui.widgets.controls import button, label, line, scrolled, swatch_icon
from napari_bonemarrow.gui.widgets.tables import heading_height, low_rows
from napari_bonemarrow.gui.widgets.theme import ThemeColors

KEY, NAME, FIELD, TOTAL, PERCENT = range(5)
_CODES = tuple(CLASSES)
_ROW = 22


class TallyModel(QAbstractTableModel):
    """A model with a row per class: its key, this field, all fields."""

    def __init__(self) -> None:
        super().__init__()
        self.info = TallyInfo()
        self._signs: dict[str, QIcon] = {}

    def show_info(self, info: TallyInfo) -> None:
        """Set the figures; the classes are always the same."""
        self.info = info
        self.dataChanged.emit(self.index(0, KEY), self.index(len(_CODES) - 1, PERCENT))

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of classes."""
        return len(_CODES)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return PERCENT + 1

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Return a heading."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return ("Key", "Class", "field", "total", "%")[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section >= FIELD:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the data of a table cell."""
        code, column = _CODES[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(code, column)
        if role == Qt.ItemDataRole.DecorationRole and column == NAME:
            if code not in self._signs:
                self._signs[code] = swatch_icon(code)
            return self._signs[code]
        if role == Qt.ItemDataRole.TextAlignmentRole and column >= FIELD:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.FontRole and column in (FIELD, TOTAL):
            font = QFont()
            font.setBold(code == self.info.last or bool(self.info.total.get(code)))
            return font
        if role == Qt.ItemDataRole.AccessibleTextRole:
            here, whole = self.info.in_field.get(code, 0), self.info.total.get(code, 0)
            return f"{CLASSES[code].name}: {here} in this field, {whole} in all"
        return None

    def _text(self, code: str, column: int) -> str:
        info = self.info
        if column == KEY:
            return info.keys.get(code, "").replace("Shift+", "⇧")
        if column == NAME:
            return f"{code}  {CLASSES[code].name}"
        if column == PERCENT:
            return info.percents.get(code, "")
        number = (info.in_field if column == FIELD else info.total).get(code, 0)
        return str(number) if number else "·"


class TallyView(QWidget):
    """Large figures, legible from the microscope, and the table below."""

    next_requested = Signal()
    undo_requested = Signal()
    export_requested = Signal()
    counted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._info = TallyInfo()
        self.field_text, self.total_text = label(), label()
        for text in (self.field_text, self.total_text):
            text.setStyleSheet("font-size: 26pt; font-weight: bold;")
        self.field_name, self.total_name = label(role="quiet"), label(role="quiet")
        self.hint = label(role="quiet")
        self.next_button, self.undo_button = button("Next field"), button("Undo")
        self.export_button = button("Export the tally (CSV)")
        self.next_button.clicked.connect(self.next_requested)
        self.undo_button.clicked.connect(self.undo_requested)
        self.export_button.clicked.connect(self.export_requested)
        self.table = self._table()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._figures())
        layout.addWidget(scrolled(self._table_part()), 1)
        layout.addWidget(line())
        layout.addLayout(self._buttons())
        self.show_info(self._info)

    def _figures(self) -> QWidget:
        part = QWidget()
        row = QHBoxLayout(part)
        row.setContentsMargins(8, 0, 8, 0)
        for name, text in ((self.field_name, self.field_text), (self.total_name, self.total_text)):
            column = QVBoxLayout()
            column.setSpacing(0)
            column.addWidget(text)
            column.addWidget(name)
            row.addLayout(column, 1)
        return part

    def _table(self) -> QTableView:
        table = QTableView()
        self._model = TallyModel()
        table.setModel(self._model)
        table.setAccessibleName("Cells counted by eye")
        table.setShowGrid(False)
        table.setFrameShape(QFrame.Shape.NoFrame)
        table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.doubleClicked.connect(self._on_double_clicked)
        header = low_rows(table, _ROW)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, text in ((KEY, "Key"), (FIELD, "field"), (TOTAL, "total"), (PERCENT, "100.0")):
            table.setColumnWidth(column, table.fontMetrics().horizontalAdvance(text) + 8)
        table.setFixedHeight(heading_height(table) + _ROW * len(_CODES) + 4)
        return table

    def _table_part(self) -> QWidget:
        inner = QWidget()
        content = QVBoxLayout(inner)
        content.setContentsMargins(8, 0, 8, 8)
        content.setSpacing(6)
        content.addWidget(self.hint)
        content.addWidget(self.table)
        content.addStretch(1)
        return inner

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(8, 6, 8, 8)
        row.setSpacing(4)
        for made in (self.next_button, self.undo_button, self.export_button):
            row.addWidget(made, 1)
        return row

    def _on_double_clicked(self, index: QModelIndex) -> None:
        if self._info.can_count:
            self.counted.emit(_CODES[index.row()])

    def show_info(self, info: TallyInfo) -> None:
        """Show the manual tally."""
        self._info = info
        here = sum(info.in_field.values())
        self.field_text.setText(str(here))
        self.field_name.setText(f"in field {info.field_number}")
        self.total_text.setText(str(info.counted))
        left = info.target - info.counted
        self.total_name.setText(
            f"of {info.target} · {left} more" if left > 0 else f"of {info.target} · reached ✓"
        )
        last = f" · last: {CLASSES[info.last].name}" if info.last else ""
        self.hint.setText(
            f"A key counts a cell · {info.next_key} next field · {info.undo_key} undo{last}. "
            "Kept apart from the cells that were found."
        )
        self._model.show_info(info)
        self.next_button.setEnabled(info.can_count and here > 0)
        self.undo_button.setEnabled(info.can_undo)
        self.export_button.setEnabled(info.counted > 0)

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        existing(self.table.viewport()).update()
