"""A small map of the slide in a corner of the smear: where one is, what is counted, how far each field is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from qtpy.QtWidgets import QWidget

from napari_bonemarrow.cytology import Region
from napari_bonemarrow.gui.core.case_info import FieldInfo
from napari_bonemarrow.gui.core.existing import existing
from napari_bonemarrow.gui.widgets.images import image_of
from napari_bonemarrow.gui.widgets.plain_text import show_tip
from napari_bonemarrow.gui.widgets.theme import ThemeColors

LONG_SIDE = 176
_SHORTEST, _EDGE, _MARGIN = 44, 4, 10
_BAR = 4
"""Height of the bar that tells how far a field is, screen pixels."""


class OverviewView(QWidget):
    """Draws the map; a click, or a drag, says where to go."""

    place_wanted = Signal(float, float)  # x, y in level-0 pixels

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Overview of the slide")
        self.setAccessibleDescription("Shows which part of the slide is seen; a click goes there")
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._colors: ThemeColors | None = None
        self._width = self._height = 1
        self.picture: QImage | None = None
        self._regions: tuple[Region, ...] = ()
        self.fields: tuple[FieldInfo, ...] = ()
        self.seen: tuple[float, float, float, float] | None = None
        self._holder: QWidget | None = None
        self.hide()

    @property
    def is_held(self) -> bool:
        """Whether the map lies over a canvas."""
        return self._holder is not None

    def hold_in(self, holder: QWidget | None) -> None:
        """Lay the map over a widget, the one that holds the canvas, in its lower left corner."""
        if holder is None or holder is self._holder:
            return
        self._let_go()
        self._holder = holder
        holder.installEventFilter(self)
        self.setParent(holder)
        self._settle()

    def leave(self) -> None:
        """Take the map away for good: the panel is closed."""
        self._let_go()
        if isalive(self):
            self.setParent(None)
            self.deleteLater()

    def _let_go(self) -> None:
        if self._holder is not None and isalive(self._holder):
            self._holder.removeEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Keep to the corner when the canvas changes its size."""
        if watched is self._holder and event is not None and event.type() == QEvent.Type.Resize:
            self._settle()
        return False

    def _settle(self) -> None:
        if self._holder is not None:
            self.move(_MARGIN, max(_MARGIN, self._holder.height() - self.height() - _MARGIN))

    def set_colors(self, colors: ThemeColors) -> None:
        """Follow the theme."""
        self._colors = colors
        self.update()

    def show_slide(self, width: int, height: int) -> None:
        """Take up a slide of so many level-0 pixels; nothing else is known of it yet."""
        self._width, self._height = max(width, 1), max(height, 1)
        self.picture, self._regions, self.fields, self.seen = None, (), (), None
        scale = LONG_SIDE / max(self._width, self._height)
        inner = (max(round(side * scale), _SHORTEST) for side in (self._width, self._height))
        self.setFixedSize(*(side + 2 * _EDGE for side in inner))
        self._settle()
        self.update()

    def show_picture(self, pixels: NDArray[np.uint8]) -> None:
        """Show what the slide looks like; shape (h, w, 3)."""
        self.picture = image_of(pixels)
        self.update()

    def show_regions(self, regions: Sequence[Region]) -> None:
        """Show what is counted; none are the whole slide."""
        self._regions = tuple(regions)
        self.update()

    def show_fields(self, fields: Sequence[FieldInfo]) -> None:
        """Show the photographs of a folder and how far each is."""
        self.fields = tuple(fields)
        self.update()

    def show_seen(self, left: float, top: float, right: float, bottom: float) -> None:
        """Show which part is seen, level-0 pixels."""
        seen = (left, top, right, bottom)
        if seen != self.seen:
            self.seen = seen
            self.update()

    # drawing --------------------------------------------------------------------------------------

    def _place(self) -> tuple[QRectF, float]:
        """Return where the slide is drawn, and screen pixels a level-0 pixel."""
        room = self.rect().adjusted(_EDGE, _EDGE, -_EDGE, -_EDGE)
        scale = min(room.width() / self._width, room.height() / self._height)
        width, height = self._width * scale, self._height * scale
        left, top = room.center().x() - width / 2, room.center().y() - height / 2
        return QRectF(left, top, width, height), scale

    def _box(self, left: float, top: float, right: float, bottom: float) -> QRectF:
        place, scale = self._place()
        corner = QPointF(place.left() + left * scale, place.top() + top * scale)
        return QRectF(corner, QPointF(place.left() + right * scale, place.top() + bottom * scale))

    def _region_box(self, region: Region) -> QRectF:
        return self._box(region.x, region.y, region.x + region.width, region.y + region.height)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw slide or fields, what is counted, and above all what is seen."""
        if self._colors is None:
            return
        colors, painter = self._colors, QPainter(self)
        painter.setPen(QPen(QColor(colors.line), 1))
        painter.setBrush(QColor(colors.background))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        if self.picture is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(self._place()[0], self.picture)
        for field in self.fields:
            self._draw_field(painter, field, colors)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor("#1f6fff"), 1))
        for region in self._regions:
            painter.drawRect(self._region_box(region))
        if self.seen is not None:
            box = self._box(*self.seen)
            box = box.united(QRectF(box.center() - QPointF(3, 3), box.center() + QPointF(3, 3)))
            for color, width in (("#000000", 3), (colors.focus if colors.dark else "#ffd54a", 1.5)):
                painter.setPen(QPen(QColor(color), width))
                painter.drawRect(box)
        painter.end()

    def _draw_field(self, painter: QPainter, field: FieldInfo, colors: ThemeColors) -> None:
        """Draw a field with a bar at its foot that grows to the right as its cells are reviewed."""
        box = self._region_box(field.region)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.picture is None:
            painter.setBrush(QColor(colors.raised))
            painter.drawRect(box)
        bar = QRectF(box.left(), box.bottom() - _BAR, box.width(), _BAR)
        painter.setBrush(QColor(colors.background))
        painter.drawRect(bar)
        part = field.reviewed / field.cells if field.cells else 0.0
        painter.setBrush(QColor(colors.good))
        painter.drawRect(QRectF(bar.left(), bar.top(), bar.width() * part, _BAR))

    # the mouse ------------------------------------------------------------------------------------

    def _at(self, event: QMouseEvent) -> tuple[float, float]:
        place, scale = self._place()
        spot = event.position()
        x, y = (spot.x() - place.left()) / scale, (spot.y() - place.top()) / scale
        return min(max(x, 0.0), float(self._width)), min(max(y, 0.0), float(self._height))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Go there."""
        event = existing(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self.place_wanted.emit(*self._at(event))
        event.accept()  # the smear below hears nothing of it

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Follow a drag; else say which field the pointer is on."""
        event = existing(event)
        x, y = self._at(event)
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.place_wanted.emit(x, y)
        else:
            spot = np.array([x]), np.array([y])
            texts = (field.text for field in self.fields if field.region.contains(*spot)[0])
            show_tip(event.globalPosition().toPoint(), next(texts, ""), self)
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Keep it from the smear below."""
        event = existing(event)
        event.accept()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Keep it from the smear below."""
        event = existing(event)
        event.accept()
