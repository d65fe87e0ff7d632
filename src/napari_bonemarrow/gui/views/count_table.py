"""The rows of a differential with bars and intervals."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QStyledItemDelegate, QTableView

from napari_bonemarrow.cytology.differential import UNRELIABLE_TEXT, ClassCount
from napari_bonemarrow.gui import palette
from napari_bonemarrow.gui.theme import ThemeColors
from napari_bonemarrow.gui.views.parts import swatch_icon

NAME, COUNT, PERCENT, BAR = range(4)
_HEADINGS = ("Class", "n", "%", "95 %")
_ROW = 21
_SHORT_UNRELIABLE = UNRELIABLE_TEXT.partition(" by ")[0]
"""What fits into the table; the line below it and the tooltips say by what."""


class CountModel(QAbstractTableModel):
    """Rows of a differential."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[ClassCount, ...] = ()
        self.quiet = QColor("gray")

    def show_rows(self, rows: Sequence[ClassCount]) -> None:
        """Take other rows."""
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of classes."""
        return len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return len(_HEADINGS)

    def headerData(self, section: int, orientation, role=Qt.ItemDataRole.DisplayRole):
        """Return a heading."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _HEADINGS[section]
        return None

    def data(self, index: QModelIndex, role=Qt.ItemDataRole.DisplayRole):
        """Return what a cell shows."""
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.ForegroundRole and not row.reliable and column != NAME:
            return self.quiet
        if role == Qt.ItemDataRole.DecorationRole and column == NAME:
            return swatch_icon(row.code)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (COUNT, PERCENT) and row.reliable:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.name}: {row.percent_text} {row.ci_text}".strip()
        return None

    @staticmethod
    def _text(row: ClassCount, column: int) -> str:
        if column == NAME:
            return f"{row.code}  {row.name}"
        if column == COUNT:  # a zero of a class that the model cannot see would be a false zero
            return str(row.count) if row.reliable or row.count else "–"
        if column == PERCENT:
            return row.percent_text.removesuffix(" %") if row.reliable else _SHORT_UNRELIABLE
        return row.ci_text


class BarDelegate(QStyledItemDelegate):
    """Draws the bar and its whisker; the scale's end is the largest bound in the table."""

    def __init__(self, parent: QTableView, model: CountModel) -> None:
        super().__init__(parent)
        self._model = model
        self.colors: ThemeColors | None = None

    def paint(self, painter: QPainter, option, index: QModelIndex) -> None:
        """Draw one cell."""
        row, colors = self._model.rows[index.row()], self.colors
        if colors is None or row.percent is None or row.ci95 is None:
            return
        largest = max((each.ci95[1] for each in self._model.rows if each.ci95), default=0) or 1.0
        box = QRectF(option.rect).adjusted(6, 0, -6, 0)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        at = [box.left() + box.width() * value / largest for value in (row.percent, *row.ci95)]
        middle = box.center().y()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.color_of(row.code)))
        painter.drawRect(QRectF(box.left(), middle - 5, at[0] - box.left(), 10))
        painter.setPen(QPen(QColor(colors.text), 1.2))
        painter.drawLine(round(at[1]), round(middle), round(at[2]), round(middle))
        for bound in at[1:]:
            painter.drawLine(round(bound), round(middle) - 3, round(bound), round(middle) + 3)
        painter.restore()


class CountTable(QTableView):
    """All rows at once; the tab scrolls, not the table."""

    def __init__(self) -> None:
        super().__init__()
        self._model = CountModel()
        self.setModel(self._model)
        self._delegate = BarDelegate(self, self._model)
        self.setItemDelegateForColumn(BAR, self._delegate)
        self.setShowGrid(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(12)
        self.verticalHeader().setDefaultSectionSize(_ROW)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(20)
        for column, mode in ((NAME, "ResizeToContents"), (COUNT, "ResizeToContents"), (PERCENT, "Fixed")):
            header.setSectionResizeMode(column, getattr(QHeaderView.ResizeMode, mode))
        header.setSectionResizeMode(BAR, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def show_rows(self, rows: Sequence[ClassCount]) -> None:
        """Show every class: no blasts among so many cells is a finding, too."""
        self._model.show_rows(rows)
        self.clearSpans()
        for at, row in enumerate(rows):
            if not row.reliable:
                self.setSpan(at, PERCENT, 1, 2)
        self.setColumnWidth(PERCENT, self.fontMetrics().horizontalAdvance("< 0.1 ") + 14)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + _ROW * len(rows) + 4)

    def set_colors(self, colors: ThemeColors) -> None:
        """Follow the theme."""
        self._delegate.colors = colors
        self._model.quiet = QColor(colors.quiet)
        self.viewport().update()
