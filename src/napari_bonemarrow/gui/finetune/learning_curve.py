"""The curve of a fit: loss and balanced accuracy by epoch."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.widgets.plain_text import set_tip
from napari_bonemarrow.gui.widgets.theme import ThemeColors

_HEIGHT = 132
_DOT = 2.5


class LearningCurve(QWidget):
    """Two curves over the epochs, each with its own scale and its last value next to it."""

    def __init__(self) -> None:
        super().__init__()
        self._colors: ThemeColors | None = None
        self.loss: tuple[float, ...] = ()
        self.balanced: tuple[float, ...] = ()
        self.epochs = 1
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_curve((), (), 1)

    def sizeHint(self) -> QSize:
        """Return a size that fits the panel."""
        return QSize(300, _HEIGHT)

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        self._colors = colors
        self.update()

    def show_curve(self, loss: Sequence[float], balanced: Sequence[float], epochs: int) -> None:
        """Show the epochs so far, out of the planned number."""
        self.loss, self.balanced, self.epochs = tuple(loss), tuple(balanced), max(epochs, 1)
        self.setAccessibleName("Curve of the fit")
        self.setAccessibleDescription(self._in_words())
        set_tip(self, self._in_words())
        self.update()

    def _in_words(self) -> str:
        if not self.loss:
            return "No epoch is done yet"
        text = f"After {count_of(len(self.loss), 'epoch', of=self.epochs)}: loss {self.loss[-1]:.2f}"
        if self.balanced:
            text += f", balanced accuracy {self.balanced[-1]:.0%} on cells kept for choosing the epoch"
        return text

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw frame, lines and names."""
        colors = self._colors
        if colors is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        high = self.fontMetrics().height()
        box = QRectF(self.rect()).adjusted(6, high + 8, -6, -high - 6)
        painter.setPen(QPen(QColor(colors.line), 1))
        for part in (0.0, 0.5, 1.0):
            y = box.bottom() - part * box.height()
            painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
        self._draw_names(painter, box, colors)
        top = max([v for v in self.loss if v == v], default=0.0) or 1.0
        self._draw_line(painter, box, [v / top for v in self.loss], colors.warning, Qt.PenStyle.DashLine)
        self._draw_line(painter, box, self.balanced, colors.good, Qt.PenStyle.SolidLine)
        painter.end()

    def _draw_names(self, painter: QPainter, box: QRectF, colors: ThemeColors) -> None:
        metrics, baseline = self.fontMetrics(), self.fontMetrics().ascent() + 2
        x = box.left()
        for name, values, color, style in (
            (
                "Balanced accuracy",
                [f"{v:.0%}" for v in self.balanced[-1:]],
                colors.good,
                Qt.PenStyle.SolidLine,
            ),
            ("Loss", [f"{v:.2f}" for v in self.loss[-1:]], colors.warning, Qt.PenStyle.DashLine),
        ):
            painter.setPen(QPen(QColor(color), 2, style))
            painter.drawLine(QPointF(x, baseline - 4), QPointF(x + 18, baseline - 4))
            text = " ".join([name, *values])
            painter.setPen(QColor(colors.text))
            painter.drawText(QPointF(x + 23, baseline), text)
            x += 23 + metrics.horizontalAdvance(text) + 18
        painter.setPen(QColor(colors.quiet))
        below = box.bottom() + metrics.ascent() + 4
        painter.drawText(QPointF(box.left(), below), "epoch 1")
        whole = "100 %"
        painter.drawText(QPointF(box.right() - metrics.horizontalAdvance(whole), baseline), whole)
        last = str(self.epochs)
        painter.drawText(QPointF(box.right() - metrics.horizontalAdvance(last), below), last)

    def _draw_line(
        self, painter: QPainter, box: QRectF, values: Sequence[float], color: str, style: Qt.PenStyle
    ) -> None:
        step = box.width() / max(self.epochs - 1, 1)
        points = [
            QPointF(box.left() + at * step, box.bottom() - min(max(value, 0.0), 1.0) * box.height())
            for at, value in enumerate(values)
            if value == value  # not a NaN
        ]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(color), 1.8, style))
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(color))
        for point in points:
            painter.drawEllipse(point, _DOT, _DOT)
