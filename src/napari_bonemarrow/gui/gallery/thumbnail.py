"""How one thumbnail looks: the crop, marks in its corner, sign and code of its class below it."""

from __future__ import annotations

from qtpy.QtCore import QPointF, QRect, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPen, QPixmap, QPolygonF

from napari_bonemarrow.cytology import CODES
from napari_bonemarrow.gui.gallery.model import Look
from napari_bonemarrow.gui.theme import ThemeColors
from napari_bonemarrow.gui.views.parts import draw_swatch

CAPTION = 17
"""Height of the line below a crop, px."""
_MARK = 13
_PERCENT_FROM = 72
"""Side from which on there is room for the confidence beside the code."""
_MOST_LABELS = 4000


class ThumbnailPainter:
    """Draws thumbnails of one size; captions that look alike are drawn once.

    Parameters
    ----------
    side : int
        Of a crop, px.
    font : QFont
    colors : ThemeColors
    ratio : float
        Device pixels a px.
    """

    def __init__(self, side: int, font: QFont, colors: ThemeColors, ratio: float = 1.0) -> None:
        self.side, self.colors, self.ratio = side, colors, ratio
        self.font = QFont(font)
        self.font.setPixelSize(11)
        self.size = (side, side + CAPTION)
        self._labels: dict[Look, QPixmap] = {}
        self._raised, self._text = QColor(colors.raised), QColor(colors.text)
        self._selected = QPen(QColor(colors.primary), 3)
        self._current = QPen(QColor(colors.text), 2)

    def paint(
        self,
        painter: QPainter,
        x: int,
        y: int,
        look: Look,
        crop: QPixmap | None,
        *,
        unreadable: bool = False,
        selected: bool = False,
        current: bool = False,
    ) -> None:
        """Draw one thumbnail with its corner at (x, y)."""
        side = self.side
        if crop is None:
            self._paint_waiting(painter, QRect(x, y, side, side), unreadable)
        elif crop.width() == round(side * self.ratio) and self.ratio == 1.0:
            painter.drawPixmap(x, y, crop)
        else:
            painter.drawPixmap(QRect(x, y, side, side), crop)
        painter.drawPixmap(x, y, self._label(look))
        if selected or current:
            painter.setBrush(Qt.BrushStyle.NoBrush)
        if selected:
            painter.setPen(self._selected)
            painter.drawRect(x + 1, y + 1, side - 3, side + CAPTION - 3)
        if current:
            painter.setPen(self._current)
            painter.drawRect(x + 4, y + 4, side - 9, side + CAPTION - 9)

    def _paint_waiting(self, painter: QPainter, box: QRect, unreadable: bool) -> None:
        painter.fillRect(box, self._raised)
        if unreadable:
            painter.setPen(self._text)
            painter.setFont(self.font)
            text = "cannot\nbe read" if box.width() < 72 else "⚠ cannot be read"
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)

    def _label(self, look: Look) -> QPixmap:
        found = self._labels.get(look)
        if found is None:
            if len(self._labels) > _MOST_LABELS:
                self._labels.clear()
            found = self._labels[look] = self._draw_label(look)
        return found

    def _draw_label(self, look: Look) -> QPixmap:
        wide, high = self.size
        pixmap = QPixmap(round(wide * self.ratio), round(high * self.ratio))
        pixmap.setDevicePixelRatio(self.ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self.font)
        painter.fillRect(0, self.side, wide, CAPTION, QColor(self.colors.foreground))
        code = CODES[look.code]
        draw_swatch(painter, code, 3, self.side + 3, CAPTION - 6)
        line = QRect(CAPTION, self.side, wide - CAPTION - 3, CAPTION)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(self._text)
        painter.drawText(line, middle | Qt.AlignmentFlag.AlignLeft, code or "–")
        if look.percent >= 0 and self.side >= _PERCENT_FROM:
            painter.setPen(QColor(self.colors.quiet))
            painter.drawText(line, middle | Qt.AlignmentFlag.AlignRight, f"{look.percent} %")
        self._draw_marks(painter, look)
        painter.end()
        return pixmap

    def _draw_marks(self, painter: QPainter, look: Look) -> None:
        """Draw tick, flag and inequality from the upper right corner on, each on a dark ground."""
        marks = ((look.reviewed, _draw_tick), (look.flagged, _draw_flag), (look.disputed, _draw_unequal))
        x = self.side - _MARK - 2
        for on, draw in marks:
            if on:
                box = QRectF(x, 2, _MARK, _MARK)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(16, 16, 20, 205))
                painter.drawRoundedRect(box, 3, 3)
                draw(painter, box)
                x -= _MARK + 2


def _points(box: QRectF, *places: tuple[float, float]) -> QPolygonF:
    return QPolygonF(
        [QPointF(box.x() + across * box.width(), box.y() + down * box.height()) for across, down in places]
    )


def _draw_tick(painter: QPainter, box: QRectF) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor("#7ee2a8"), 2))
    painter.drawPolyline(_points(box, (0.2, 0.55), (0.42, 0.78), (0.82, 0.25)))


def _draw_flag(painter: QPainter, box: QRectF) -> None:
    painter.setPen(QPen(QColor("#ffc95c"), 1.4))
    painter.drawPolyline(_points(box, (0.28, 0.12), (0.28, 0.9)))
    painter.setBrush(QColor("#ffc95c"))
    painter.drawPolygon(_points(box, (0.28, 0.14), (0.85, 0.33), (0.28, 0.54)))


def _draw_unequal(painter: QPainter, box: QRectF) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor("#ffffff"), 1.4))
    painter.drawPolyline(_points(box, (0.18, 0.38), (0.82, 0.38)))
    painter.drawPolyline(_points(box, (0.18, 0.64), (0.82, 0.64)))
    painter.drawPolyline(_points(box, (0.66, 0.14), (0.34, 0.88)))
