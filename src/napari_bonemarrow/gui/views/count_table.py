"""The rows of a differential, the model's own count beside the reviewed one, with bars and intervals."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QAbstractTableModel, QEvent, QModelIndex, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QFontMetrics, QIcon, QPainter, QPen
from qtpy.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QStyledItemDelegate, QTableView

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.cytology.differential import UNRELIABLE_TEXT, ClassCount
from napari_bonemarrow.gui import palette
from napari_bonemarrow.gui.theme import ThemeColors
from napari_bonemarrow.gui.views.parts import swatch_icon

NAME, MODEL, COUNT, PERCENT, BAR = range(5)
_ROW = 21
_BAR_LEAST = 60
_SIGN = 30
"""Width of the class's sign and of the gaps around it, px."""
_FONT_SHARES = (1.0, 0.95, 0.9, 0.85)
_ACROSS = Qt.Orientation.Horizontal
_SHORT_UNRELIABLE = UNRELIABLE_TEXT.partition(" by ")[0]
"""What fits into the table; the line below it and the tooltips say by what."""


class CountModel(QAbstractTableModel):
    """Rows of a differential, and what the model alone counted of the same classes."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[ClassCount, ...] = ()
        self.model_counts: tuple[int | None, ...] = ()
        self.complete = False
        self.largest = 1.0
        self.quiet = QColor("gray")
        self.font: QFont | None = None
        self._signs: dict[str, QIcon] = {}

    def show_rows(
        self, rows: Sequence[ClassCount], model_counts: Sequence[int | None], complete: bool
    ) -> bool:
        """Take other figures; tell whether there are other classes, and not only other figures."""
        before = self.rows, self.model_counts, self.largest
        same = [row.code for row in rows] == [row.code for row in self.rows]
        if not same:
            self.beginResetModel()
        if complete != self.complete:
            self.complete = complete
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, COUNT, COUNT)
        self.rows, self.model_counts = tuple(rows), tuple(model_counts)
        self.largest = max((row.ci95[1] for row in rows if row.ci95), default=0.0) or 1.0
        if same:
            self._tell_changed(*before)
        else:
            self.endResetModel()
        return not same

    def _tell_changed(
        self, rows: tuple[ClassCount, ...], counts: tuple[int | None, ...], largest: float
    ) -> None:
        """Have only those rows drawn anew that read otherwise now: at a key that is two of 19."""
        for at, (row, was) in enumerate(zip(self.rows, rows, strict=True)):
            if row != was or self.model_counts[at] != counts[at]:
                self.dataChanged.emit(self.index(at, NAME), self.index(at, BAR))
        if self.largest != largest and self.rows:  # the bars' common scale
            self.dataChanged.emit(self.index(0, BAR), self.index(len(self.rows) - 1, BAR))

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of classes."""
        return len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return BAR + 1

    def headerData(self, section: int, orientation, role=Qt.ItemDataRole.DisplayRole):
        """Return a heading."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return ("Class", "model", "reviewed" if self.complete else "now", "%", "  95 %")[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._heading_tip(section)
        if role == Qt.ItemDataRole.TextAlignmentRole and section in (MODEL, COUNT, PERCENT):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _heading_tip(self, section: int) -> str | None:
        if section == MODEL:
            return "What the model counted, whatever a reviewer said since"
        if section == COUNT and self.complete:
            return "What reviewers counted: every cell has been reviewed"
        if section == COUNT:
            return "As the cells are classed now: by a reviewer where one has, else by the model"
        return None

    def data(self, index: QModelIndex, role=Qt.ItemDataRole.DisplayRole):
        """Return what a cell shows."""
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(index.row(), column)
        if role == Qt.ItemDataRole.ForegroundRole and (
            column == MODEL or (not row.reliable and column != NAME)
        ):
            return self.quiet
        if role == Qt.ItemDataRole.FontRole:
            return self.font
        if role == Qt.ItemDataRole.DecorationRole and column == NAME:
            return self._sign(row.code)
        if role == Qt.ItemDataRole.TextAlignmentRole and (
            column in (MODEL, COUNT) or (column == PERCENT and row.reliable)
        ):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._in_words(index.row())
        return None

    def _sign(self, code: str) -> QIcon:
        if code not in self._signs:
            self._signs[code] = swatch_icon(code)
        return self._signs[code]

    def text(self, at: int, column: int) -> str:
        """Return what one cell reads."""
        row = self.rows[at]
        if column == NAME:
            return f"{row.code}  {row.name}"
        if column == MODEL:
            return self._model_text(at)
        if column == COUNT:  # a zero of a class that the model cannot see would be a false zero
            return str(row.count) if row.reliable or row.count else "–"
        if column == PERCENT:
            return row.percent_text.removesuffix(" %") if row.reliable else _SHORT_UNRELIABLE
        return row.ci_text

    def _model_text(self, at: int) -> str:
        count = self.model_counts[at]
        return "–" if count is None else str(count)

    def _in_words(self, at: int) -> str:
        row = self.rows[at]
        text = f"{row.name}: {row.count} of the counted cells, {row.percent_text} {row.ci_text}".strip()
        count = self.model_counts[at]
        return text if count is None else f"{text}; the model alone counted {count}"


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
        box = QRectF(option.rect).adjusted(6, 0, -6, 0)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        at = [box.left() + box.width() * value / self._model.largest for value in (row.percent, *row.ci95)]
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
        self._unreliable: tuple[bool, ...] = ()
        self._digits = 0
        self.setModel(self._model)
        self._delegate = BarDelegate(self, self._model)
        self.setItemDelegateForColumn(BAR, self._delegate)
        self.setAccessibleName("Differential count")
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
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(BAR, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def show_rows(
        self,
        rows: Sequence[ClassCount],
        model_rows: Sequence[ClassCount] | None = None,
        *,
        complete: bool = False,
    ) -> None:
        """Show every class: no blasts among so many cells is a finding, too.

        Parameters
        ----------
        rows : sequence of ClassCount
            As the cells are classed now.
        model_rows : sequence of ClassCount, optional
            The same classes as the model alone counts them; without it there is no such column.
        complete : bool
            Whether every cell has been reviewed.
        """
        other = self._model.show_rows(rows, _model_counts(rows, model_rows), complete)
        hidden = model_rows is None
        if self.isColumnHidden(MODEL) != hidden:
            self.setColumnHidden(MODEL, hidden)
        respan = self._span_unreliable(other)
        digits = len(str(max((row.count for row in (*rows, *(model_rows or ()))), default=0)))
        if other or respan or digits != self._digits:
            self._digits = digits
            self._fit()

    def _span_unreliable(self, other: bool) -> bool:
        """Let the words that stand for a figure have the bar's place too; tell whether that changed."""
        unreliable = tuple(not row.reliable for row in self._model.rows)
        if not other and unreliable == self._unreliable:
            return False
        self._unreliable = unreliable
        self.clearSpans()
        for at in range(len(unreliable)):
            if unreliable[at]:
                self.setSpan(at, PERCENT, 1, 2)
        return True

    def _fit(self) -> None:
        """Give the columns their widths once; sizing them to their contents at each key would be felt.

        Where a wide font would cut a name or the words for a missing figure, the table's own is smaller.
        """
        for share in _FONT_SHARES:
            font = QFont(self.font())
            font.setPointSizeF(font.pointSizeF() * share)
            widths = self._widths(QFontMetrics(font))
            if sum(widths.values()) <= self.viewport().width():
                break
        self._model.font = None if share == 1 else font
        for column in (NAME, MODEL, COUNT, PERCENT):
            if self.columnWidth(column) != widths[column]:
                self.setColumnWidth(column, widths[column])
        height = self.horizontalHeader().sizeHint().height() + _ROW * len(self._model.rows) + 4
        if self.height() != height or self.minimumHeight() != height:
            self.setFixedHeight(height)

    def _widths(self, metrics: QFontMetrics) -> dict[int, int]:
        """Return the room that each column needs, the last one beside its neighbour's."""
        model, heading = self._model, self.horizontalHeader().fontMetrics()
        rows = range(len(model.rows))
        number = metrics.horizontalAdvance("0" * max(self._digits, 3)) + 10

        def counts(column: int) -> int:
            return max(number, heading.horizontalAdvance(str(model.headerData(column, _ACROSS))) + 12)

        percent = metrics.horizontalAdvance("< 0.1 ") + 8
        instead = metrics.horizontalAdvance(_SHORT_UNRELIABLE) + 8 if any(self._unreliable) else 0
        return {
            NAME: max((metrics.horizontalAdvance(model.text(at, NAME)) for at in rows), default=60) + _SIGN,
            MODEL: 0 if self.isColumnHidden(MODEL) else counts(MODEL),
            COUNT: counts(COUNT),
            PERCENT: percent,
            BAR: max(_BAR_LEAST, instead - percent),
        }

    def resizeEvent(self, event) -> None:
        """Fit the columns into the new width."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event) -> None:
        """Fit the columns to another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def set_colors(self, colors: ThemeColors) -> None:
        """Follow the theme."""
        self._delegate.colors = colors
        self._model.quiet = QColor(colors.quiet)
        self.viewport().update()


def _model_counts(
    rows: Sequence[ClassCount], model_rows: Sequence[ClassCount] | None
) -> tuple[int | None, ...]:
    """Return the model's count a class, None where it has no say or where a zero would be a false one."""
    if model_rows is None:
        return (None,) * len(rows)
    counted = {row.code: row for row in model_rows}
    return tuple(_model_count(counted.get(row.code)) for row in rows)


def _model_count(row: ClassCount | None) -> int | None:
    if row is None or not CLASSES[row.code].predicted:
        return None
    return row.count if row.count or row.reliable else None
