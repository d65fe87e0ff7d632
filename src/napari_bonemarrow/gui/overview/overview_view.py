"""A small map of the slide in a corner of the smear: the visible part, the frame, each field's progress."""

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
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.widgets.images import image_of
from napari_bonemarrow.gui.widgets.plain_text import show_tip
from napari_bonemarrow.gui.widgets.theme import ThemeColors

LONG_SIDE = 176
_SHORTEST, _EDGE, _MARGIN = 44, 4, 10
_BAR = 4
"""Height of a field's progress bar, screen pixels."""


class OverviewView(QWidget):
    """The map; a click or a drag moves the view."""

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
        """Return whether the map lies over a canvas."""
        return self._holder is not None

    def hold_in(self, holder: QWidget | None) -> None:
        """Place the map in the lower left corner of the widget that holds the canvas."""
        if holder is None or holder is self._holder:
            return
        self._let_go()
        self._holder = holder
        holder.installEventFilter(self)
        self.setParent(holder)
        self._settle()

    def leave(self) -> None:
        """Delete the map when the panel is closed."""
        self._let_go()
        if isalive(self):
            self.setParent(None)
            self.deleteLater()

    def _let_go(self) -> None:
        if self._holder is not None and isalive(self._holder):
            self._holder.removeEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Keep the map in the corner when the canvas changes its size."""
        if watched is self._holder and event is not None and event.type() == QEvent.Type.Resize:
            self._settle()
        return False

    def _settle(self) -> None:
        if self._holder is not None:
            self.move(_MARGIN, max(_MARGIN, self._holder.height() - self.height() - _MARGIN))

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        self._colors = colors
        self.update()

    def show_slide(self, width: int, height: int) -> None:
        """Show a new slide of a given size in level-0 pixels, without a picture yet."""
        self._width, self._height = max(width, 1), max(height, 1)
        self.picture, self._regions, self.fields, self.seen = None, (), (), None
        scale = LONG_SIDE / max(self._width, self._height)
        inner = (max(round(side * scale), _SHORTEST) for side in (self._width, self._height))
        self.setFixedSize(*(side + 2 * _EDGE for side in inner))
        self._settle()
        self.update()

    def show_picture(self, pixels: NDArray[np.uint8]) -> None:
        """Show the picture of the slide, shape (h, w, 3)."""
        self.picture = image_of(pixels)
        self.update()

    def show_regions(self, regions: Sequence[Region]) -> None:
        """Show the counted regions; none means the whole slide."""
        self._regions = tuple(regions)
        self.update()

    def show_fields(self, fields: Sequence[FieldInfo]) -> None:
        """Show the photographs of a folder and the progress of each."""
        self.fields = tuple(fields)
        self.update()

    def show_seen(self, left: float, top: float, right: float, bottom: float) -> None:
        """Show the visible part, level-0 pixels."""
        seen = (left, top, right, bottom)
        if seen != self.seen:
            self.seen = seen
            self.update()

    # drawing --------------------------------------------------------------------------------------

    def _place(self) -> tuple[QRectF, float]:
        """Return the place of the drawn slide, and screen pixels per level-0 pixel."""
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
        """Draw slide or fields, the frame, and over them the visible part."""
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
        """Draw a field with its progress bar at the bottom."""
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
        """Move the view to the clicked place."""
        event = existing(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self.place_wanted.emit(*self._at(event))
        event.accept()  # keep it from the smear below

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Follow a drag, or show the field under the pointer."""
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
        """Keep the event from the smear below."""
        event = existing(event)
        event.accept()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Keep the event from the smear below."""
        event = existing(event)
        event.accept()
