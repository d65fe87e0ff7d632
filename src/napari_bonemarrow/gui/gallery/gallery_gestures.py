"""Gestures in the gallery with keys and mouse: arrows, clicks and rubber band, on the selection of cells."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from qtpy.QtCore import QObject, QPoint, QRect, Qt, QTimer, Signal
from qtpy.QtGui import QCursor, QKeyEvent, QMouseEvent
from qtpy.QtWidgets import QApplication, QScrollBar, QWidget

from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.gallery.gallery_model import GalleryModel
from napari_bonemarrow.gui.gallery.grid_layout import GridLayout, Section

SCROLL_PX = 40
_SCROLL_MS = 25
"""Interval of scrolling while the rubber band is held beyond the edge."""
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_KEYS = {*_ARROWS, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}
_CTRL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class Thumbnails(Protocol):
    """The widget that receives the gestures."""

    cells: GalleryModel
    grid: GridLayout

    @property
    def current(self) -> int:
        """Return the place of the cell in the inspector, -1 if it is not in the list."""
        ...

    def is_selected(self, place: int) -> bool:
        """Return whether a cell is selected."""
        ...

    def toggle(self, section: Section) -> None:
        """Fold or unfold a section."""
        ...

    def viewport(self) -> QWidget:
        """Return the painted viewport."""
        ...

    def verticalScrollBar(self) -> QScrollBar:
        """Return the vertical scroll bar."""
        ...

    def verticalOffset(self) -> int:
        """Return the vertical scroll position, px."""
        ...


class GalleryGestures(QObject):
    """Gestures: a click selects a cell and goes to it, Shift selects up to it, Ctrl adds or removes one.

    The rubber band begins between thumbnails, or anywhere while Shift or Ctrl is held; otherwise the selected
    cells are dragged.

    Parameters
    ----------
    thumbnails : Thumbnails
    selection : Selection
        The window's selection.
    parent : QObject
    """

    opened = Signal()  # a double click: the smear gets the keyboard focus
    drag_begun = Signal()

    def __init__(self, thumbnails: Thumbnails, selection: Selection, parent: QObject) -> None:
        super().__init__(parent)
        self._thumbnails, self._selection = thumbnails, selection
        self.anchor = -1
        """Place at which a selection with Shift starts."""
        self.band: QRect | None = None
        """The rubber band, px of the whole gallery."""
        self._band_start = QPoint()
        self._pressed: QPoint | None = None
        self._pressed_place = -1
        self._kept: tuple[int, ...] = ()
        self._pull = QTimer(self)
        self._pull.setInterval(_SCROLL_MS)
        self._pull.timeout.connect(self._pull_on)

    def _go_to(self, place: int) -> None:
        cell = int(self._thumbnails.cells.ids[place])
        self.anchor = place
        self._selection.set((cell,), cell, True)

    def _select_to(self, place: int) -> None:
        """Select all from the start of a Shift selection, except cells in folded sections."""
        anchor, ids = self.anchor if self.anchor >= 0 else place, self._thumbnails.cells.ids
        first, last = sorted((anchor, place))
        there = [
            np.arange(max(first, each.group.start), min(last + 1, each.group.stop))
            for each in self._thumbnails.grid.sections
            if not each.folded
        ]
        places = np.concatenate([each for each in there if len(each)])
        self._selection.set(ids[places], int(ids[place]))
        self.anchor = anchor

    # keys -----------------------------------------------------------------------------------------

    def key(self, event: QKeyEvent) -> None:
        """Move by arrows, pages and to the ends; all other keys belong to the window."""
        key, modifiers = Qt.Key(event.key()), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if key not in _KEYS or not len(self._thumbnails.cells.ids):
            event.ignore()
        elif modifiers == _CTRL and key in {Qt.Key.Key_Left, Qt.Key.Key_Right}:
            self._fold_current(key == Qt.Key.Key_Left)
        elif not modifiers & ~_SHIFT:
            place = self._place_by(key)
            if place >= 0:
                (self._select_to if modifiers else self._go_to)(place)

    def _fold_current(self, fold: bool) -> None:
        section = self._thumbnails.grid.section_of(max(self._thumbnails.current, 0))
        if section.folded != fold:
            self._thumbnails.toggle(section)

    def _place_by(self, key: Qt.Key) -> int:
        grid, start = self._thumbnails.grid, self._thumbnails.current
        if start < 0 or key == Qt.Key.Key_Home:
            return grid.first(1)
        if key == Qt.Key.Key_End:
            return grid.first(-1)
        if key in _ARROWS:
            return min(grid.step(start, *_ARROWS[key]), len(self._thumbnails.cells.ids) - 1)
        rows = max(1, self._thumbnails.viewport().height() // grid.pitch[1])
        way = 1 if key == Qt.Key.Key_PageDown else -1
        for _row in range(rows):
            start = grid.step(start, 0, way)
        return start

    # the mouse ------------------------------------------------------------------------------------

    def press(self, event: QMouseEvent) -> None:
        """Begin a click, a drag or a rubber band; a heading folds its section."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        at, grid = event.position().toPoint(), self._thumbnails.grid
        y = at.y() + self._thumbnails.verticalOffset()
        heading = grid.heading_at(y)
        if heading is not None:
            self._thumbnails.toggle(heading)
            return
        self._pressed, self._pressed_place = at, grid.place_at(at.x(), y)
        place, modified = self._pressed_place, event.modifiers() & (_CTRL | _SHIFT)
        if place >= 0 and not modified and not self._thumbnails.is_selected(place):
            self._go_to(place)

    def move(self, event: QMouseEvent) -> None:
        """Draw the band, or begin to drag the selected cells."""
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        at = event.position().toPoint()
        if self.band is not None:
            self._stretch(at)
        elif (at - self._pressed).manhattanLength() >= QApplication.startDragDistance():
            modified = event.modifiers() & (_CTRL | _SHIFT)
            if self._pressed_place >= 0 and not modified:
                self._pressed = None
                self.drag_begun.emit()
            else:
                self._kept = self._selection.ids if modified else ()
                self._band_start = self._pressed + QPoint(0, self._thumbnails.verticalOffset())
                self._stretch(at)

    def release(self, event: QMouseEvent) -> None:
        """Select the clicked cell, or end the band."""
        band, pressed, place = self.band, self._pressed, self._pressed_place
        self.band, self._pressed = None, None
        self._pull.stop()
        if band is not None:
            self._thumbnails.viewport().update()
        elif pressed is None or event.button() != Qt.MouseButton.LeftButton:
            return
        elif place < 0:
            self._selection.clear()
        elif event.modifiers() & _SHIFT:
            self._select_to(place)
        elif event.modifiers() & _CTRL:
            self._selection.toggle(int(self._thumbnails.cells.ids[place]))
            self.anchor = place
        elif len(self._selection) > 1:
            self._go_to(place)

    def double_click(self, event: QMouseEvent) -> None:
        """Go to a cell, and give the smear the keyboard focus."""
        at = event.position().toPoint()
        place = self._thumbnails.grid.place_at(at.x(), at.y() + self._thumbnails.verticalOffset())
        if place >= 0 and not event.modifiers() & (_CTRL | _SHIFT):
            self._go_to(place)
            self.opened.emit()
        else:
            self.press(event)

    def _stretch(self, at: QPoint) -> None:
        """Extend the rubber band to a point of the viewport, and select the cells it touches."""
        box = QRect(self._band_start, at + QPoint(0, self._thumbnails.verticalOffset())).normalized()
        self.band = box
        places = self._thumbnails.grid.inside(box.left(), box.top(), box.right(), box.bottom())
        self._selection.set((*self._kept, *self._thumbnails.cells.ids[places].tolist()))
        port = self._thumbnails.viewport()
        beyond = at.y() < 0 or at.y() > port.height()
        if beyond and not self._pull.isActive():
            self._pull.start()
        elif not beyond:
            self._pull.stop()
        port.update()

    def _pull_on(self) -> None:
        at = self._thumbnails.viewport().mapFromGlobal(QCursor.pos())
        bar = self._thumbnails.verticalScrollBar()
        bar.setValue(bar.value() + (SCROLL_PX if at.y() > 0 else -SCROLL_PX))
        if self.band is not None:
            self._stretch(at)
