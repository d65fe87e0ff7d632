"""Painter of thumbnails: the crop in the colour of its class, marks in its corner, symbol and code below."""

from __future__ import annotations

from qtpy.QtCore import QPointF, QRect, QRectF, Qt
from qtpy.QtGui import QBrush, QColor, QFont, QPainter, QPen, QPixmap, QPolygonF

from napari_bonemarrow.cytology import CODES
from napari_bonemarrow.gui.gallery.gallery_model import Look
from napari_bonemarrow.gui.widgets import class_style
from napari_bonemarrow.gui.widgets.controls import draw_swatch
from napari_bonemarrow.gui.widgets.theme import ThemeColors

CAPTION = 17
"""Height of the line below a crop, px."""
FRAME = 3
"""Extent of a selection mark beyond its thumbnail, px; less than the gap to the next."""
_MARK = 13
_PERCENT_FROM = 72
"""Smallest side with room for the confidence next to the code, px."""
_MOST_CAPTIONS = 1200


class ThumbnailPainter:
    """A painter of thumbnails of one size, with cached captions and marks.

    Parameters
    ----------
    side : int
        Side of a crop, px.
    font : QFont
    colors : ThemeColors
    ratio : float
        Device pixels per px.
    """

    def __init__(self, side: int, font: QFont, colors: ThemeColors, ratio: float = 1.0) -> None:
        self.side, self.colors, self.ratio = side, colors, ratio
        self.font = QFont(font)
        self.font.setPixelSize(11)
        self.size = (side, side + CAPTION)
        self._captions: dict[tuple[int, int, bool], QPixmap] = {}
        self._marks: dict[tuple[bool, bool, bool], QPixmap] = {}
        self._edges = [QPen(QColor(class_style.color_of(code)), 2) for code in CODES]
        for pen in self._edges:
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        self._raised, self._text = QColor(colors.raised), QColor(colors.text)
        self._primary = QColor(colors.primary)
        self._hatch = QBrush(QColor(colors.quiet), Qt.BrushStyle.BDiagPattern)

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
        if current or selected:
            self._paint_frame(painter, x, y, selected, current)
        if crop is None:
            self._paint_waiting(painter, QRect(x, y, side, side), unreadable)
        elif crop.width() == side and self.ratio == 1.0:
            painter.drawPixmap(x, y, crop)
        else:
            painter.drawPixmap(QRect(x, y, side, side), crop)
        painter.setPen(self._edges[look.code])
        painter.drawRect(x + 1, y + 1, side - 2, side - 2)
        painter.drawPixmap(x, y + side, self._caption(look, selected))
        marks = (look.reviewed, look.flagged, look.disputed)
        if any(marks):
            drawn = self._marks_of(marks)
            painter.drawPixmap(x + side - _marks_width(marks) - 3, y + 3, drawn)

    def _paint_frame(self, painter: QPainter, x: int, y: int, selected: bool, current: bool) -> None:
        """Draw the ground of a selected thumbnail, and a frame around the inspector's."""
        wide, high = self.size
        box = QRect(x - FRAME, y - FRAME, wide + 2 * FRAME, high + 2 * FRAME)
        painter.fillRect(box, self._text if current else self._primary)
        if current and selected:
            painter.fillRect(box.adjusted(1, 1, -1, -1), self._primary)
            painter.fillRect(box.adjusted(2, 2, -2, -2), self._text)

    def _paint_waiting(self, painter: QPainter, box: QRect, unreadable: bool) -> None:
        painter.fillRect(box, self._raised)
        if unreadable:
            painter.fillRect(box, self._hatch)
            painter.setPen(self._text)
            painter.setFont(self.font)
            line = QRect(box.left() + 2, box.center().y() - 16, box.width() - 4, 32)
            painter.fillRect(line, self._raised)
            painter.drawText(line, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, "cannot\nbe read")

    def _caption(self, look: Look, selected: bool) -> QPixmap:
        key = look.code, look.percent, selected
        found = self._captions.get(key)
        if found is None:
            if len(self._captions) > _MOST_CAPTIONS:
                self._captions.clear()
            found = self._captions[key] = self._draw_caption(look, selected)
        return found

    def _pixmap(self, wide: int, high: int) -> QPixmap:
        pixmap = QPixmap(round(wide * self.ratio), round(high * self.ratio))
        pixmap.setDevicePixelRatio(self.ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        return pixmap

    def _draw_caption(self, look: Look, selected: bool) -> QPixmap:
        wide, colors = self.side, self.colors
        pixmap = self._pixmap(wide, CAPTION)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self.font)
        painter.fillRect(0, 0, wide, CAPTION, QColor(colors.foreground))
        if selected:  # the symbol keeps its ground: its colour would be lost on that of the selection
            painter.fillRect(CAPTION, 0, wide - CAPTION, CAPTION, self._primary)
        code = CODES[look.code]
        draw_swatch(painter, code, 3, 3, CAPTION - 6)
        line = QRect(CAPTION + 2, 0, wide - CAPTION - 5, CAPTION)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(colors.on_primary if selected else colors.text))
        painter.drawText(line, middle | Qt.AlignmentFlag.AlignLeft, code or "–")
        if look.percent >= 0 and self.side >= _PERCENT_FROM:
            painter.setPen(QColor(colors.on_primary if selected else colors.quiet))
            painter.drawText(line, middle | Qt.AlignmentFlag.AlignRight, f"{look.percent} %")
        painter.end()
        return pixmap

    def _marks_of(self, marks: tuple[bool, bool, bool]) -> QPixmap:
        found = self._marks.get(marks)
        if found is None:
            found = self._marks[marks] = self._draw_marks(marks)
        return found

    def _draw_marks(self, marks: tuple[bool, bool, bool]) -> QPixmap:
        """Draw tick, flag and inequality from right to left, each on a dark ground."""
        wide = _marks_width(marks)
        pixmap = self._pixmap(wide, _MARK)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x = wide - _MARK
        for on, draw in zip(marks, (_draw_tick, _draw_flag, _draw_unequal), strict=True):
            if on:
                box = QRectF(x, 0, _MARK, _MARK)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(16, 16, 20, 205))
                painter.drawRoundedRect(box, 3, 3)
                draw(painter, box)
                x -= _MARK + 2
        painter.end()
        return pixmap


def _marks_width(marks: tuple[bool, bool, bool]) -> int:
    return sum(marks) * (_MARK + 2) - 2


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
