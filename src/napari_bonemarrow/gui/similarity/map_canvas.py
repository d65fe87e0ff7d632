"""Canvas of the map, with selection, lasso, pan and zoom."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from qtpy.QtWidgets import QWidget
from superqt.utils import QSignalDebouncer

from napari_bonemarrow.cytology import CLASSES, CODES
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.similarity.map_geometry import MapView, inside, medians, nearest
from napari_bonemarrow.gui.similarity.map_raster import MapRaster
from napari_bonemarrow.gui.widgets.plain_text import show_tip
from napari_bonemarrow.gui.widgets.theme import ThemeColors

_NEAR_PX = 7.0
_CLICK_PX = 4.0
_MANY = 4000
"""More points than this are drawn small."""
_RINGS = 400
"""Most selected points with a ring each; more are painted in one colour."""
_TIDY_MS = 400
"""Delay after a correction until class names move to their new middles, ms."""
_NAMED_FROM = 5


class MapCanvas(QWidget):
    """Points by class. The left button draws a lasso, the right one pans; the wheel zooms."""

    picked = Signal(int, bool)  # row of a point or -1, one more
    lassoed = Signal(object)  # rows

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(160, 120)
        self.setAccessibleName("map of cells")
        self.view = MapView()
        self._xy = np.empty((0, 2), np.float32)
        self._codes = np.empty(0, np.int8)
        self._selected = np.empty(0, np.intp)
        self._current = -1
        self._colors: ThemeColors | None = None
        self._raster: MapRaster | None = None
        self._places = np.empty((0, 2), np.float32)
        self._names: list[tuple[int, NDArray[np.float32]]] = []
        self._pressed: QPointF | None = None
        self._button = Qt.MouseButton.NoButton
        self._lasso: list[QPointF] = []
        self._tidy = QSignalDebouncer(parent=self)
        self._tidy.setTimeout(_TIDY_MS)
        self._tidy.triggered.connect(self._tidy_up)

    def sizeHint(self) -> QSize:
        """Return the height of two rows of thumbnails."""
        return QSize(640, 260)

    # display --------------------------------------------------------------------------------------

    def set_points(self, xy: NDArray[np.float32], codes: NDArray[np.int8]) -> None:
        """Show points at places in map units, with their classes as indices of `cytology.CODES`."""
        self._xy, self._codes = np.asarray(xy, np.float32).reshape(-1, 2), np.array(codes)
        self._selected, self._current = np.empty(0, np.intp), -1
        self._names = medians(self._xy, self._codes, _NAMED_FROM)
        self.fit()

    def set_codes(self, rows: NDArray[np.integer], codes: NDArray[np.integer]) -> None:
        """Set the classes of some points; only these are repainted until the map is at rest."""
        self._codes[rows] = codes
        if self._raster is not None:
            self._raster.draw(self._places[rows], self._codes[rows], self._radius())
        self._tidy.throttle()
        self.update()

    def set_selected(self, rows: NDArray[np.integer], current: int = -1) -> None:
        """Mark points; ``current`` is the row of the one in the inspector."""
        self._selected, self._current = np.asarray(rows, np.intp), current
        self.update()

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        self._colors = colors
        self._draw_anew()

    def fit(self) -> None:
        """Show all points."""
        self.view.fit(self._xy, self.width(), self.height())
        self._draw_anew()

    def place(self, row: int) -> QPointF:
        """Return the place of a point on the widget."""
        x, y = self.view.to_screen(self._xy[row : row + 1])[0]
        return QPointF(float(x), float(y))

    def _draw_anew(self) -> None:
        self._raster = None
        self.update()

    def _tidy_up(self) -> None:
        self._names = medians(self._xy, self._codes, _NAMED_FROM)
        self._draw_anew()

    def _radius(self) -> int:
        return round((2 if len(self._xy) > _MANY else 4) * self.devicePixelRatioF())

    # drawing --------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the points, the selection, the names of the classes and the lasso."""
        colors = self._colors
        if colors is None:
            return
        ratio = self.devicePixelRatioF()
        if self._raster is None:
            background = 0xFF000000 | int(colors.background[1:], 16)
            size = round(self.width() * ratio), round(self.height() * ratio)
            self._raster = MapRaster(*size, background)
            self._places = self.view.to_screen(self._xy) * np.float32(ratio)
            self._raster.draw(self._places, self._codes, self._radius())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pixels = self._raster.pixels
        if len(self._selected) > _RINGS:
            pixels = self._with_selection(pixels, colors)
        height, width = pixels.shape
        buffer = cast(bytes, pixels.data)  # as the stubs of PyQt6 have it: any buffer will do
        image = QImage(buffer, width, height, 4 * width, QImage.Format.Format_RGB32)
        painter.drawImage(QRectF(self.rect()), image)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if len(self._selected) <= _RINGS:
            painter.setPen(QPen(QColor(colors.text), 1.6))
            self._draw_rings(painter, self._selected, self._radius() / ratio + 2.5)
        if self._current >= 0:
            painter.setPen(QPen(QColor(colors.text), 2.4))
            self._draw_rings(painter, np.array([self._current]), self._radius() / ratio + 5)
        self._draw_names(painter, colors)
        if self._lasso:
            painter.setPen(QPen(QColor(colors.text), 1.4, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolygon(QPolygonF(self._lasso))
        painter.end()

    def _with_selection(self, pixels: NDArray[np.uint32], colors: ThemeColors) -> NDArray[np.uint32]:
        """Paint many selected points large, with the text's colour below their own."""
        marked = MapRaster(1, 1, 0)
        marked.pixels = pixels.copy()
        places, codes = self._places[self._selected], self._codes[self._selected]
        marked.draw(places, codes, self._radius() + 2, 0xFF000000 | int(colors.text[1:], 16))
        marked.draw(places, codes, self._radius())
        return marked.pixels

    def _draw_rings(self, painter: QPainter, rows: NDArray[np.intp], radius: float) -> None:
        for x, y in self.view.to_screen(self._xy[rows]).tolist():
            painter.drawEllipse(QPointF(x, y), radius, radius)

    def _draw_names(self, painter: QPainter, colors: ThemeColors) -> None:
        """Draw each class's code at its middle, with an edge for contrast."""
        font = painter.font()
        font.setBold(True)
        metrics = self.fontMetrics()
        for code, middle in self._names:
            x, y = self.view.to_screen(middle[None])[0].tolist()
            path = QPainterPath()
            path.addText(
                x - metrics.horizontalAdvance(CODES[code]) / 2, y + metrics.ascent() / 2, font, CODES[code]
            )
            painter.strokePath(path, QPen(QColor(colors.background), 3.5))
            painter.fillPath(path, QColor(colors.text))

    # mouse and keys -------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Begin a click, a lasso, or a pan."""
        event = existing(event)
        self._pressed, self._button = event.position(), event.button()
        self._lasso = []

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Extend the lasso, pan the map, or show the point under the mouse."""
        event = existing(event)
        at = event.position()
        if self._pressed is None:
            self._tell(event)
        elif self._button == Qt.MouseButton.LeftButton:
            if self._lasso or (at - self._pressed).manhattanLength() > _CLICK_PX:
                self._lasso = [*(self._lasso or [self._pressed]), at]
                self.update()
        else:
            self.view.pan(at.x() - self._pressed.x(), at.y() - self._pressed.y())
            self._pressed = at
            self._draw_anew()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Select the clicked point, or the points in the lasso."""
        event = existing(event)
        lasso, self._lasso = self._lasso, []
        pressed, self._pressed = self._pressed, None
        if self._button != Qt.MouseButton.LeftButton or pressed is None:
            return
        if lasso:
            corners = np.array([(point.x(), point.y()) for point in lasso])
            self.lassoed.emit(inside(self.view.to_screen(self._xy), corners))
        else:
            row = self._row_at(pressed)
            more = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.picked.emit(-1 if row is None else row, more)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Show all points after a double click outside points."""
        event = existing(event)
        if self._row_at(event.position()) is None:
            self.fit()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom around the mouse."""
        event = existing(event)
        at = event.position()
        self.view.zoom(1.0015 ** event.angleDelta().y(), at.x(), at.y())
        self._draw_anew()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fit the points into the new size."""
        self.fit()

    def _row_at(self, at: QPointF) -> int | None:
        return nearest(self.view.to_screen(self._xy), at.x(), at.y(), _NEAR_PX)

    def _tell(self, event: QMouseEvent) -> None:
        row = self._row_at(event.position())
        code = "" if row is None else CODES[self._codes[row]]
        text = "" if row is None else f"{code} {CLASSES[code].name}" if code else "no class yet"
        show_tip(event.globalPosition().toPoint(), text, self)

    def event(self, event: QEvent | None) -> bool:
        """Cancel a lasso that lost the mouse."""
        if existing(event).type() == QEvent.Type.UngrabMouse and self._lasso:
            self._lasso, self._pressed = [], None
            self.update()
        return super().event(event)
