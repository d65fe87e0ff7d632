"""The gallery: thumbnails in a scrolled layout, with the selection of cells.

Only visible thumbnails are drawn and their crops cut.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from qtpy.QtGui import (
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QRegion,
    QResizeEvent,
    QShowEvent,
)
from qtpy.QtWidgets import QAbstractItemView, QScrollBar, QWidget
from superqt.utils import QSignalDebouncer

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.gallery.gallery_gestures import GalleryGestures
from napari_bonemarrow.gui.gallery.gallery_model import GalleryModel
from napari_bonemarrow.gui.gallery.grid_layout import GAP, GridLayout, Section
from napari_bonemarrow.gui.gallery.grid_painter import HEADING, GridPainter
from napari_bonemarrow.gui.gallery.group_drop import GroupDrop
from napari_bonemarrow.gui.gallery.thumbnail import FRAME
from napari_bonemarrow.gui.widgets.cell_drag import cells_as_mime
from napari_bonemarrow.gui.widgets.crop_cache import CropCache
from napari_bonemarrow.gui.widgets.theme import ThemeColors

SIDES = (56, 200)
"""Smallest and largest side of a crop, px."""
_FEW = 40
"""Up to this many thumbnails are repainted one by one; with more, all visible ones are."""
_WANT_MS = 15
"""Time after a scroll until crops are requested: cells that only pass by are skipped."""


class GalleryView(QAbstractItemView):
    """A view of a `GalleryModel`; selected cells can be dragged onto a class, or into the group of another
    one.

    Parameters
    ----------
    model : GalleryModel
    store : CropCache
    selection : Selection
        The window's selection.
    """

    cells_dropped = Signal(str, object)  # code, tuple of cell numbers
    opened = Signal()  # a double click: the smear gets the keyboard focus

    def __init__(self, model: GalleryModel, store: CropCache, selection: Selection) -> None:
        super().__init__()
        self.cells, self.store, self.selection = model, store, selection
        self.side, self.empty_text = 100, ""
        self.folded: set[str] = set()
        self.grid = GridLayout()
        self.painted: GridPainter | None = None
        self._colors: ThemeColors | None = None
        self._selected: NDArray[np.bool_] = np.zeros(0, bool)
        self._current = -1
        self.gestures = GalleryGestures(self, selection, self)
        self.gestures.opened.connect(self.opened)
        self.gestures.drag_begun.connect(self._drag)
        self.drop = GroupDrop(self, self)
        self.drop.dropped.connect(self.cells_dropped)
        self._want = QSignalDebouncer(parent=self)
        self._want.setTimeout(_WANT_MS)
        self._want.triggered.connect(self._want_crops)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAutoScroll(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAcceptDrops(True)
        self.setAccessibleName("Cells")
        self.setAccessibleDescription(
            "Arrows move, Shift selects several, Ctrl with left or right folds a class or unfolds it"
        )
        self.setModel(model)
        store.arrived.connect(self._on_arrived)

    def viewport(self) -> QWidget:
        """Return the painted viewport."""
        return existing(super().viewport())

    def verticalScrollBar(self) -> QScrollBar:
        """Return the vertical scroll bar."""
        return existing(super().verticalScrollBar())

    # display ------------------------------------------------------------------------------------

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        self._colors = colors
        self._renew()

    def set_side(self, side: int) -> None:
        """Show crops of this side, px, keeping the top ones visible."""
        if side != self.side:
            top = self._first_in_view()
            self.side = side
            self._renew()
            if top >= 0:
                self.verticalScrollBar().setValue(self.grid.corner(top)[1] - GAP)

    def _first_in_view(self) -> int:
        places = self._in_view()
        return places[0] if places else -1

    def set_empty_text(self, text: str) -> None:
        """Set the text that explains an empty gallery."""
        self.empty_text = text
        self.viewport().update()

    def _renew(self) -> None:
        if self._colors is not None:
            self.painted = GridPainter(
                self.side, self.font(), self._colors, self.viewport().devicePixelRatioF()
            )
        self.lay_out()

    def lay_out(self) -> None:
        """Put every thumbnail in its place."""
        item = self.painted.size if self.painted is not None else (self.side, self.side + 18)
        self.grid = GridLayout(self.cells.groups, self.viewport().width(), item, HEADING, self.folded)
        self.updateGeometries()
        self.viewport().update()
        self._want.throttle()

    def set_selected(self, selected: NDArray[np.bool_], current: int) -> None:
        """Mark thumbnails; only visible ones that have changed are repainted.

        Parameters
        ----------
        selected : ndarray of bool, shape (n,)
            By place in the list.
        current : int
            Place of the cell that the inspector shows, -1 where it is not in the list.
        """
        before, was = self._selected, self._current
        self._selected, self._current = selected, current
        if len(before) != len(selected):
            self.viewport().update()
            return
        seen = np.fromiter(self._in_view(), np.intp)
        differ = seen[before[seen] != selected[seen]].tolist()
        self._paint_anew([*differ, *(place for place in {was, current} if place >= 0)])

    def _paint_anew(self, places: list[int]) -> None:
        if len(places) > _FEW:
            self.viewport().update()
            return
        for place in places:
            self.viewport().update(self._box(place).adjusted(-FRAME, -FRAME, FRAME, FRAME))

    def toggle(self, section: Section) -> None:
        """Fold or unfold a section; a selection of several excludes folded cells."""
        code = section.group.code
        if code is None:
            return
        self.folded ^= {code}
        self.lay_out()
        if code in self.folded:
            self.selection.keep_one()

    def is_selected(self, place: int) -> bool:
        """Return whether a cell is selected."""
        return bool(self._selected[place])

    @property
    def current(self) -> int:
        """Place of the cell that the inspector shows, -1 where it is not in the list."""
        return self._current

    def follow_selection(self, _go: bool = False) -> None:
        """Show the selection, made in any view; nothing is done while the gallery is hidden."""
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
            self.setCurrentIndex(index)  # for screen readers
            self.scrollTo(index)
        if len(self.selection) <= 1:
            self.gestures.anchor = place

    # following the model --------------------------------------------------------------------------

    def reset(self) -> None:
        """Show a new list."""
        super().reset()
        self._selected, self._current = np.zeros(self.cells.rowCount(), bool), -1
        self.lay_out()

    def dataChanged(self, first: QModelIndex, last: QModelIndex, roles: Iterable[int] = ()) -> None:
        """Repaint some thumbnails, and the heading above, which counts them."""
        if first.row() != last.row():
            self.viewport().update()
            return
        top = self.grid.section_of(first.row()).top - self.verticalOffset()
        self.viewport().update(QRect(0, top, self.viewport().width(), HEADING))
        self._paint_anew([first.row()])

    def _on_arrived(self, cell_ids: tuple[int, ...]) -> None:
        if self.cells.work is not None and self.isVisible():
            places = self.cells.work.places_of(np.array(cell_ids, np.int64))
            self._paint_anew(places[places >= 0].tolist())

    def _in_view(self, beyond: int = 0) -> list[int]:
        """Return the visible places, with a margin in px below and above."""
        top = self.verticalOffset()
        rows = self.grid.between(top - beyond, top + self.viewport().height() + beyond)
        return [place for _section, places in rows for place in places]

    def _want_crops(self) -> None:
        if not self.isVisible() or self.painted is None or not self.cells.rowCount():
            return
        seen = self._in_view()
        ahead = self._in_view(self.viewport().height())
        ids, centre = self.cells.ids, self.cells.centre
        places = {int(ids[place]): centre(place) for place in dict.fromkeys((*seen, *ahead))}
        self.store.want(places, round(self.side * self.painted.ratio))

    # painting -------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the visible thumbnails that need it."""
        event, painted, grid = existing(event), self.painted, self.grid
        if painted is None:
            return
        painter = QPainter(self.viewport())
        box, offset = event.rect(), self.verticalOffset()
        painted.paint_ground(painter, box)
        if not self.cells.rowCount():
            painted.paint_empty(painter, self.viewport().rect(), self.empty_text)
            painter.end()
            return
        painter.translate(0, -offset)
        top, bottom = box.top() + offset - FRAME, box.bottom() + 1 + offset + FRAME
        across = range(
            max(0, (box.left() - FRAME) // grid.pitch[0]), (box.right() + FRAME) // grid.pitch[0] + 1
        )
        for section, places in grid.between(top, bottom):
            if section.heading and section.top + section.heading > top:
                text = self.cells.heading(section.group)
                painted.paint_heading(painter, section, text, self.viewport().width())
            for place in places:
                if (place - section.group.start) % grid.columns in across:
                    self._paint_cell(painter, painted, place)
        if self.drop.onto is not None:
            painted.paint_target(painter, self.drop.onto, self.viewport().width())
        if self.gestures.band is not None:
            painted.paint_band(painter, self.gestures.band)
        painter.end()

    def _paint_cell(self, painter: QPainter, painted: GridPainter, place: int) -> None:
        cell = int(self.cells.ids[place])
        crop = self.store.get(cell)
        painted.paint_cell(
            painter,
            self.grid.corner(place),
            self.cells.look(place),
            crop,
            unreadable=crop is None and self.store.is_unreadable(cell),
            selected=self.is_selected(place),
            current=place == self._current,
        )

    # keys, mouse and dragging ---------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move by keys."""
        self.gestures.key(existing(event))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Begin a click, a drag or a rubber band."""
        self.gestures.press(existing(event))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Draw the band, or begin to drag."""
        self.gestures.move(existing(event))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """End a click or the band."""
        self.gestures.release(existing(event))

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Go to a cell on the smear."""
        self.gestures.double_click(existing(event))

    def _drag(self) -> None:
        """Drag the selected cells, for example onto a class of the Review tab."""
        drag = QDrag(self)
        drag.setMimeData(cells_as_mime(self.selection.ids))
        text = count_of(len(self.selection), "cell")
        drag.setPixmap(existing(self.painted).badge(text, self.fontMetrics()))
        drag.exec(Qt.DropAction.CopyAction)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Accept cells of this window."""
        self.drop.enter(existing(event))

    def dragMoveEvent(self, event: QDragMoveEvent | None) -> None:
        """Mark the group under the dragged cells."""
        self.drop.move(existing(event))

    def dragLeaveEvent(self, event: QDragLeaveEvent | None) -> None:
        """Remove the mark of the group."""
        self.drop.mark(None)

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Accept the cells dropped into a group."""
        self.drop.drop(existing(event))

    # Qt's queries ---------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Return a size with the height of two rows."""
        return QSize(640, 2 * (self.side + 26) + 8)

    def minimumSizeHint(self) -> QSize:
        """Return the size of one small thumbnail."""
        return QSize(120, 80)

    def _box(self, place: int) -> QRect:
        """Return the rectangle of a thumbnail in the viewport."""
        x, y = self.grid.corner(place)
        return QRect(x, y - self.verticalOffset(), *self.grid.item)

    def visualRect(self, index: QModelIndex) -> QRect:
        """Return the rectangle of a cell's thumbnail in the viewport."""
        return self._box(index.row()) if index.isValid() else QRect()

    def indexAt(self, point: QPoint) -> QModelIndex:
        """Return the cell under a point of the viewport."""
        place = self.grid.place_at(point.x(), point.y() + self.verticalOffset())
        return self.cells.index(place) if place >= 0 else QModelIndex()

    def scrollTo(
        self,
        index: QModelIndex,
        hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible,
    ) -> None:
        """Scroll to a cell that is not visible."""
        if index.isValid():
            top = self.grid.corner(index.row())[1]
            bar, high = self.verticalScrollBar(), self.viewport().height()
            bottom = top + self.grid.item[1]
            if top - GAP < bar.value() or self.grid.item[1] > high:
                bar.setValue(top - GAP)
            elif bottom + GAP > bar.value() + high:
                bar.setValue(bottom + GAP - high)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Move the painted area, so that only newly visible thumbnails are painted."""
        self.viewport().scroll(0, dy)
        self._want.throttle()
        if self.gestures.band is not None:  # this does not move with the thumbnails
            self.viewport().update()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Show the selection made while the gallery was hidden."""
        super().showEvent(event)
        self.follow_selection()
        self._want.throttle()

    def updateGeometries(self) -> None:
        """Set the range of the scroll bar to the gallery's height."""
        bar, high = self.verticalScrollBar(), self.viewport().height()
        bar.setRange(0, max(0, self.grid.height - high))
        bar.setPageStep(high)
        bar.setSingleStep(max(1, self.grid.pitch[1] // 2))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Lay out again if another number of columns fits."""
        super().resizeEvent(event)
        self.lay_out()

    def horizontalOffset(self) -> int:
        """Return 0: it scrolls downwards only."""
        return 0

    def verticalOffset(self) -> int:
        """Return the vertical scroll position, px."""
        return self.verticalScrollBar().value()

    def isIndexHidden(self, index: QModelIndex) -> bool:
        """Return whether a cell is in a folded section."""
        return self.grid.section_of(index.row()).folded

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Return the current index, also on focus: the cursor follows the window's selection."""
        return self.currentIndex()

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        """Do nothing: the window's selection decides which cells are selected."""

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        """Return nothing: selected thumbnails are repainted one by one."""
        return QRegion()
