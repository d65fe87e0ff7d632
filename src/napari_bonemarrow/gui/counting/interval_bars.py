"""Bars of a differential with their intervals."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QTableView

from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.counting.differential_model import DifferentialModel
from napari_bonemarrow.gui.widgets import class_style
from napari_bonemarrow.gui.widgets.theme import ThemeColors


class IntervalBarDelegate(QStyledItemDelegate):
    """A delegate that draws bar and whisker; the scale ends at the largest bound in the table."""

    def __init__(self, parent: QTableView, model: DifferentialModel) -> None:
        super().__init__(parent)
        self._model = model
        self.colors: ThemeColors | None = None

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw one cell."""
        painter = existing(painter)
        row, colors = self._model.rows[index.row()], self.colors
        if colors is None or row.ci95 is None or (row.percent is None and row.seen is None):
            return
        box = QRectF(option.rect).adjusted(6, 0, -6, 0)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        at = [
            box.left() + box.width() * value / self._model.largest
            for value in (row.percent or 0.0, *row.ci95)
        ]
        middle = box.center().y()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(class_style.color_of(row.code)))
        painter.drawRect(QRectF(box.left(), middle - 5, at[0] - box.left(), 10))
        painter.setPen(QPen(QColor(colors.text), 1.2))
        painter.drawLine(round(at[1]), round(middle), round(at[2]), round(middle))
        for bound in at[1:]:
            painter.drawLine(round(bound), round(middle) - 3, round(bound), round(middle) + 3)
        painter.restore()
