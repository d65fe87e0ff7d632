"""The gallery as one uses it: arrows, clicks, rubber band and dragging, on the one selection of cells."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QModelIndex, QPoint, QRect, Qt, QTimer, Signal
from qtpy.QtGui import (
    QColor,
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QPixmap,
    QShowEvent,
)
from qtpy.QtWidgets import QApplication

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.core.existing import existing
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.gallery.gallery_model import GalleryModel
from napari_bonemarrow.gui.gallery.grid_layout import Section
from napari_bonemarrow.gui.gallery.thumbnail_grid import ThumbnailGrid
from napari_bonemarrow.gui.widgets.cell_drag import cells_as_mime, cells_dropped
from napari_bonemarrow.gui.widgets.crop_cache import CropCache
from napari_bonemarrow.gui.widgets.theme import ThemeColors

_EDGE_PX = 24
_SCROLL_MS, _SCROLL_PX = 25, 40
"""While the rubber band is held beyond the edge."""
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_CTRL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class GalleryView(ThumbnailGrid):
    """A click selects a cell and goes to it, Shift selects up to it, Ctrl one more or less.

    Selected cells are dragged onto a class, or into the group of another one. The rubber band begins between
    thumbnails, or anywhere while Shift or Ctrl is held.

    Parameters
    ----------
    model : GalleryModel
    store : CropCache
    selection : Selection
        That of the window.
    """

    cells_dropped = Signal(str, object)  # code, tuple of cell numbers
    opened = Signal()  # a double click: the reviewer wants to be on the smear

    def __init__(self, model: GalleryModel, store: CropCache, selection: Selection) -> None:
        super().__init__(model, store)
        self.selection = selection
        self._anchor = -1
        self._pressed: QPoint | None = None
        self._pressed_place = -1
        self._band: tuple[QPoint, QPoint] | None = None  # px of the whole gallery
        self._kept: tuple[int, ...] = ()
        self._pull = QTimer(self)
        self._pull.setInterval(_SCROLL_MS)
        self._pull.timeout.connect(self._pull_on)
        self._onto: Section | None = None
        self.setAcceptDrops(True)
        self.setAccessibleDescription(
            "Arrows move, Shift selects several, Ctrl with left or right folds a class or unfolds it"
        )

    # the selection --------------------------------------------------------------------------------

    def follow_selection(self, _go: bool = False) -> None:
        """Show what is selected, wherever it was selected; nothing is done while nobody sees it."""
        if self.cells.work is None or not self.isVisible():
            return
        places = self.cells.work.places_of(self.selection.array)
        selected = np.zeros(len(self.cells.ids), bool)
        selected[places[places >= 0]] = True
        current = self.selection.current
        place = -1 if current is None else self.cells.work.place_of(current)
        moved = place != self._current
        self.set_selected(selected, place)
        if moved:
            index = self.cells.index(place) if place >= 0 else QModelIndex()
            self.setCurrentIndex(index)  # what a screen reader tells
            self.scrollTo(index)
        if len(self.selection) <= 1:
            self._anchor = place

    def _go_to(self, place: int) -> None:
        cell = int(self.cells.ids[place])
        self._anchor = place
        self.selection.set((cell,), cell, True)

    def _select_to(self, place: int) -> None:
        """Select all from where Shift was pressed; what is folded away is left out."""
        anchor = self._anchor if self._anchor >= 0 else place
        first, last = sorted((anchor, place))
        there = [
            np.arange(max(first, each.group.start), min(last + 1, each.group.stop))
            for each in self.grid.sections
            if not each.folded
        ]
        places = np.concatenate([each for each in there if len(each)])
        self.selection.set(self.cells.ids[places], int(self.cells.ids[place]))
        self._anchor = anchor

    def toggle(self, section: Section) -> None:
        """Fold a section or unfold it; a selection of several does not reach into what is folded away."""
        super().toggle(section)
        if section.group.code in self.folded:
            self.selection.keep_one()

    # keys -----------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move by arrows, pages and to the ends; every other key is the window's."""
        event = existing(event)
        key, modifiers = Qt.Key(event.key()), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        keys = {*_ARROWS, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}
        if key not in keys or not len(self.cells.ids):
            event.ignore()
        elif modifiers == _CTRL and key in {Qt.Key.Key_Left, Qt.Key.Key_Right}:
            self._fold_current(key == Qt.Key.Key_Left)
        elif not modifiers & ~_SHIFT:
            place = self._place_by(key)
            if place >= 0:
                (self._select_to if modifiers else self._go_to)(place)

    def _fold_current(self, fold: bool) -> None:
        section = self.grid.section_of(max(self._current, 0))
        if section.folded != fold:
            self.toggle(section)

    def _place_by(self, key: Qt.Key) -> int:
        grid, last = self.grid, len(self.cells.ids) - 1
        start = self._current
        if start < 0 or key == Qt.Key.Key_Home:
            return grid.first(1)
        if key == Qt.Key.Key_End:
            return grid.first(-1)
        if key in _ARROWS:
            return min(grid.step(start, *_ARROWS[key]), last)
        rows = max(1, self.viewport().height() // grid.pitch[1])
        way = 1 if key == Qt.Key.Key_PageDown else -1
        for _row in range(rows):
            start = grid.step(start, 0, way)
        return start

    # the mouse ------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Begin a click, a drag or a rubber band; a heading folds its section."""
        event = existing(event)
        if event.button() != Qt.MouseButton.LeftButton:
            return
        at = event.position().toPoint()
        y = at.y() + self.verticalOffset()
        heading = self.grid.heading_at(y)
        if heading is not None:
            self.toggle(heading)
            return
        self._pressed, self._pressed_place = at, self.grid.place_at(at.x(), y)
        place, modifiers = self._pressed_place, event.modifiers()
        if place >= 0 and not modifiers & (_CTRL | _SHIFT) and not self._selected[place]:
            self._go_to(place)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Draw the band, or begin to drag the selected cells."""
        event = existing(event)
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        at = event.position().toPoint()
        if self._band is not None:
            self._stretch(at)
        elif (at - self._pressed).manhattanLength() >= QApplication.startDragDistance():
            modified = event.modifiers() & (_CTRL | _SHIFT)
            if self._pressed_place >= 0 and not modified:
                self._pressed = None
                self._drag()
            else:
                self._kept = self.selection.ids if modified else ()
                start = self._pressed + QPoint(0, self.verticalOffset())
                self._band = (start, start)
                self._stretch(at)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Select what was clicked on, or be done with the band."""
        event = existing(event)
        band, pressed, place = self._band, self._pressed, self._pressed_place
        self._band, self._pressed = None, None
        self._pull.stop()
        if band is not None:
            self.viewport().update()
        elif pressed is None or event.button() != Qt.MouseButton.LeftButton:
            return
        elif place < 0:
            self.selection.clear()
        elif event.modifiers() & _SHIFT:
            self._select_to(place)
        elif event.modifiers() & _CTRL:
            self.selection.toggle(int(self.cells.ids[place]))
            self._anchor = place
        elif len(self.selection) > 1:
            self._go_to(place)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Go to a cell, and let the smear have the keyboard."""
        event = existing(event)
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and not event.modifiers() & (_CTRL | _SHIFT):
            self._go_to(index.row())
            self.opened.emit()
        else:
            self.mousePressEvent(event)

    def _stretch(self, at: QPoint) -> None:
        """Stretch the rubber band to a point of the viewport, and select what it touches."""
        self._band = (existing(self._band)[0], at + QPoint(0, self.verticalOffset()))
        box = QRect(*self._band).normalized()
        places = self.grid.inside(box.left(), box.top(), box.right(), box.bottom())
        self.selection.set((*self._kept, *self.cells.ids[places].tolist()))
        beyond = at.y() < 0 or at.y() > self.viewport().height()
        if beyond and not self._pull.isActive():
            self._pull.start()
        elif not beyond:
            self._pull.stop()
        self.viewport().update()

    def _pull_on(self) -> None:
        at = self.viewport().mapFromGlobal(self.cursor().pos())
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + (_SCROLL_PX if at.y() > 0 else -_SCROLL_PX))
        if self._band is not None:
            self._stretch(at)

    def _drag(self) -> None:
        """Drag the selected cells; a class of the Review tab takes them."""
        drag = QDrag(self)
        drag.setMimeData(cells_as_mime(self.selection.ids))
        drag.setPixmap(self._badge(len(self.selection)))
        drag.exec(Qt.DropAction.CopyAction)

    # dropping -------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Take cells of this window; where they may fall is told while they move."""
        event = existing(event)
        if cells_dropped(event, self):
            event.accept()
        else:
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent | None) -> None:
        """Mark the group that the cells would fall into, and scroll on at the edge."""
        event = existing(event)
        at = event.position().toPoint()
        section = self._section_for(at)
        self._mark(section)
        if section is None or not cells_dropped(event, self):
            event.ignore()
        else:
            event.acceptProposedAction()
        high, bar = self.viewport().height(), self.verticalScrollBar()
        if at.y() < _EDGE_PX:
            bar.setValue(bar.value() - _SCROLL_PX // 2)
        elif at.y() > high - _EDGE_PX:
            bar.setValue(bar.value() + _SCROLL_PX // 2)

    def dragLeaveEvent(self, event: QDragLeaveEvent | None) -> None:
        """Mark no group."""
        self._mark(None)

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Ask for the group's class for the cells that fell into it."""
        event = existing(event)
        section, cells = self._section_for(event.position().toPoint()), cells_dropped(event, self)
        self._mark(None)
        if section is None or not cells:
            event.ignore()
            return
        event.acceptProposedAction()
        # After the drag has ended: a question that it asks would else stand in the midst of it.
        QTimer.singleShot(0, lambda: self.cells_dropped.emit(section.group.code, cells))

    def _section_for(self, at: QPoint) -> Section | None:
        """Return the group of a class under a point of the viewport; cells cannot fall into no class."""
        section = self.grid.section_at(at.y() + self.verticalOffset())
        return section if section is not None and section.group.code else None

    def _mark(self, section: Section | None) -> None:
        if section != self._onto:
            self._onto = section
            self.viewport().update()

    def _badge(self, count: int) -> QPixmap:
        text = count_of(count, "cell")
        pixmap = QPixmap(self.fontMetrics().horizontalAdvance(text) + 16, 24)
        colors = existing(self._colors)
        pixmap.fill(QColor(colors.primary))
        painter = QPainter(pixmap)
        painter.setPen(QColor(colors.on_primary))
        painter.drawText(pixmap.rect(), Qt.AlignmentFlag.AlignCenter, text)
        painter.end()
        return pixmap

    # painting and scrolling -----------------------------------------------------------------------

    def paint_above(self, painter: QPainter, colors: ThemeColors) -> None:
        """Draw the rubber band, or a line around the group that cells are dragged over."""
        if self._onto is not None:
            painter.setPen(QPen(QColor(colors.primary), 3))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(2, self._onto.top + 2, self.viewport().width() - 5, self._onto.height - 5)
        if self._band is not None:
            ground = QColor(colors.primary)
            ground.setAlpha(50)
            painter.setPen(QPen(QColor(colors.text), 1, Qt.PenStyle.DashLine))
            painter.setBrush(ground)
            painter.drawRect(QRect(*self._band).normalized())

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Draw the band anew, which does not move with the thumbnails."""
        super().scrollContentsBy(dx, dy)
        if self._band is not None:
            self.viewport().update()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Catch up with what was selected while it was hidden."""
        super().showEvent(event)
        self.follow_selection()
        self._want.throttle()
