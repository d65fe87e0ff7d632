"""Table of a differential: every class in one view, columns as wide as their contents."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QColor, QFont, QFontMetrics, QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView

from napari_bonemarrow.cytology import ClassCount
from napari_bonemarrow.cytology.rows import AdjustedCount
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.counting.differential_model import (
    ADJUSTED,
    BAR,
    MODEL,
    NAME,
    NUMBERS,
    PERCENT,
    DifferentialModel,
    counts_by_model,
)
from napari_bonemarrow.gui.counting.interval_bars import IntervalBarDelegate
from napari_bonemarrow.gui.widgets.tables import heading_height, low_rows
from napari_bonemarrow.gui.widgets.theme import ThemeColors

_ROW = 21
_BAR_LEAST = 60
_SIGN = 30
"""Width of the class's symbol and of the gaps around it, px."""
_FONT_SHARES = (1.0, 0.95, 0.9, 0.85)
_SMALL = 0.85
"""Font size of texts in place of a percentage, as a share of the figures'."""
_ACROSS = Qt.Orientation.Horizontal


class DifferentialTable(QTableView):
    """A table that shows all rows; the tab scrolls, not the table."""

    def __init__(self) -> None:
        super().__init__()
        self._model = DifferentialModel()
        self._unreliable: tuple[bool, ...] = ()
        self._digits, self._sampled = 0, False
        self.setModel(self._model)
        self._delegate = IntervalBarDelegate(self, self._model)
        self.setItemDelegateForColumn(BAR, self._delegate)
        self.setColumnHidden(ADJUSTED, True)
        self.setAccessibleName("Differential count")
        self.setShowGrid(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = low_rows(self, _ROW)
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
        """Show every class, since 0 blasts is also a finding.

        Parameters
        ----------
        rows : sequence of ClassCount
            The present differential.
        model_rows : sequence of ClassCount, optional
            The model's own count of the same classes, for an additional column.
        complete : bool
            Whether every cell has been reviewed.
        """
        other = self._model.show_rows(rows, counts_by_model(rows, model_rows), complete)
        hidden = model_rows is None and not self._model.sampled
        if self.isColumnHidden(MODEL) != hidden:
            self.setColumnHidden(MODEL, hidden)
        respan = self._span_unreliable(other)
        digits = len(str(max((row.count for row in (*rows, *(model_rows or ()))), default=0)))
        sampled = self._model.sampled
        if other or respan or (digits, sampled) != (self._digits, self._sampled):
            self._digits, self._sampled = digits, sampled
            self._fit()

    def show_adjusted(self, adjusted: AdjustedCount | None) -> None:
        """Show the count adjusted by the model's errors in a column of its own, or none."""
        self._model.show_adjusted(adjusted)
        if self.isColumnHidden(ADJUSTED) != (adjusted is None):
            self.setColumnHidden(ADJUSTED, adjusted is None)
            self._fit()

    def _span_unreliable(self, other: bool) -> bool:
        """Let texts in place of a figure extend over the bar; return whether that changed."""
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
        """Set the widths of the columns once; sizing to contents at each key would be slow.

        If a wide font would cut a name or a text, the table's font is smaller.
        """
        for share in _FONT_SHARES:
            font, small = self._scaled(share), self._scaled(share * _SMALL)
            widths = self._widths(QFontMetrics(font), QFontMetrics(small))
            if sum(widths.values()) <= existing(self.viewport()).width():
                break
        self._model.font = None if share == 1 else font
        self._model.small = small
        for column in (NAME, *NUMBERS, PERCENT, ADJUSTED):
            if self.columnWidth(column) != widths[column]:
                self.setColumnWidth(column, widths[column])
        height = heading_height(self) + _ROW * len(self._model.rows) + 4
        if self.height() != height or self.minimumHeight() != height:
            self.setFixedHeight(height)

    def _scaled(self, share: float) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * share)
        return font

    def _widths(self, metrics: QFontMetrics, small: QFontMetrics) -> dict[int, int]:
        """Return the needed width of each column, of the last one beyond its neighbour's."""
        model, heading = self._model, existing(self.horizontalHeader()).fontMetrics()
        rows = range(len(model.rows))
        number = metrics.horizontalAdvance("0" * max(self._digits, 3)) + 10

        def counts(column: int) -> int:
            return max(number, heading.horizontalAdvance(str(model.headerData(column, _ACROSS))) + 12)

        percent = metrics.horizontalAdvance("≤ 00.0 " if model.sampled else "< 0.1 ") + 8
        words = {model.text(at, PERCENT) for at in rows if self._unreliable[at]}
        instead = max((small.horizontalAdvance(text) + 8 for text in words), default=0)
        adjusted = 0 if self.isColumnHidden(ADJUSTED) else small.horizontalAdvance("00.0 (00.0–00.0)") + 8
        return {
            NAME: max((metrics.horizontalAdvance(model.text(at, NAME)) for at in rows), default=60) + _SIGN,
            **{column: 0 if self.isColumnHidden(column) else counts(column) for column in NUMBERS},
            PERCENT: percent,
            BAR: max(_BAR_LEAST, instead - percent),
            ADJUSTED: adjusted,
        }

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fit the columns to the new width."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent | None) -> None:
        """Fit the columns to another font."""
        event = existing(event)
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        self._delegate.colors = colors
        self._model.quiet = QColor(colors.quiet)
        existing(self.viewport()).update()
