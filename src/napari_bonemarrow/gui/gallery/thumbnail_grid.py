"""The grid of thumbnails: laid out, scrolled and painted; only what is in view is drawn and cut."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, QRect, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPolygon, QRegion, QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QScrollBar, QWidget
from superqt.utils import QSignalDebouncer

from napari_bonemarrow.gui.core.existing import existing
from napari_bonemarrow.gui.gallery.gallery_model import GalleryModel
from napari_bonemarrow.gui.gallery.grid_layout import GAP, GridLayout, Section
from napari_bonemarrow.gui.gallery.thumbnail import FRAME, ThumbnailPainter
from napari_bonemarrow.gui.widgets.controls import draw_swatch
from napari_bonemarrow.gui.widgets.crop_cache import CropCache
from napari_bonemarrow.gui.widgets.theme import ThemeColors

HEADING = 22
SIDES = (56, 200)
"""Smallest and largest side of a crop, px."""
_FEW = 40
"""So many thumbnails are painted anew one by one; where more change, all that is seen is."""
_WANT_MS = 15
"""How long after a scroll crops are asked for: what flies past is not."""


class ThumbnailGrid(QAbstractItemView):
    """Shows a `GalleryModel`. Which cells are selected is told to it; use it as `GalleryView`.

    Parameters
    ----------
    model : GalleryModel
    store : CropCache
    """

    def __init__(self, model: GalleryModel, store: CropCache) -> None:
        super().__init__()
        self.cells, self.store = model, store
        self.side, self.empty_text = 100, ""
        self.folded: set[str] = set()
        self.grid = GridLayout()
        self.painted: ThumbnailPainter | None = None
        self._colors: ThemeColors | None = None
        self._selected: NDArray[np.bool_] = np.zeros(0, bool)
        self._current = -1
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
        self.setAccessibleName("Cells")
        self.setModel(model)
        store.arrived.connect(self._on_arrived)

    def viewport(self) -> QWidget:
        """Return what is painted on."""
        return existing(super().viewport())

    def verticalScrollBar(self) -> QScrollBar:
        """Return the scroll bar at its side."""
        return existing(super().verticalScrollBar())

    # what is shown --------------------------------------------------------------------------------

    def set_colors(self, colors: ThemeColors) -> None:
        """Follow the theme."""
        self._colors = colors
        self._renew()

    def set_side(self, side: int) -> None:
        """Show crops of this side, px, keeping in view what is at the top."""
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
        """Say why nothing is shown."""
        self.empty_text = text
        self.viewport().update()

    def _renew(self) -> None:
        if self._colors is not None:
            self.painted = ThumbnailPainter(
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
        """Mark thumbnails; only those in view that look different now are painted anew.

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
        """Fold a section, or unfold it."""
        if section.group.code is not None:
            self.folded ^= {section.group.code}
            self.lay_out()

    # following the model --------------------------------------------------------------------------

    def reset(self) -> None:
        """Show another list."""
        super().reset()
        self._selected, self._current = np.zeros(self.cells.rowCount(), bool), -1
        self.lay_out()

    def dataChanged(self, first: QModelIndex, last: QModelIndex, roles: Iterable[int] = ()) -> None:
        """Paint some thumbnails anew, and the heading above, which counts them."""
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
        """Return the places that are seen, with some more px below and above."""
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
        """Draw what is in view and needs it."""
        event = existing(event)
        painted, colors = self.painted, self._colors
        if painted is None or colors is None:
            return
        painter = QPainter(self.viewport())
        box, offset = event.rect(), self.verticalOffset()
        painter.fillRect(box, QColor(colors.background))
        if not self.cells.rowCount():
            self._paint_empty(painter, colors)
            return
        painter.translate(0, -offset)
        top, bottom = box.top() + offset - FRAME, box.bottom() + 1 + offset + FRAME
        across = range(
            max(0, (box.left() - FRAME) // self.grid.pitch[0]),
            (box.right() + FRAME) // self.grid.pitch[0] + 1,
        )
        for section, places in self.grid.between(top, bottom):
            if section.heading and section.top + section.heading > top:
                self._paint_heading(painter, section, colors)
            for place in places:
                if (place - section.group.start) % self.grid.columns in across:
                    self._paint_cell(painter, place, painted)
        self.paint_above(painter, colors)
        painter.end()

    def paint_above(self, painter: QPainter, colors: ThemeColors) -> None:
        """Draw what lies over the thumbnails."""

    def _paint_cell(self, painter: QPainter, place: int, painted: ThumbnailPainter) -> None:
        cell = int(self.cells.ids[place])
        x, y = self.grid.corner(place)
        crop = self.store.get(cell)
        painted.paint(
            painter,
            x,
            y,
            self.cells.look(place),
            crop,
            unreadable=crop is None and self.store.is_unreadable(cell),
            selected=bool(self._selected[place]),
            current=place == self._current,
        )

    def _paint_heading(self, painter: QPainter, section: Section, colors: ThemeColors) -> None:
        top = section.top
        painter.fillRect(0, top, self.viewport().width(), HEADING, QColor(colors.foreground))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.text))
        middle = top + HEADING // 2
        corners = [(6, -5), (14, 0), (6, 5)] if section.folded else [(5, -4), (15, -4), (10, 4)]
        painter.drawPolygon(QPolygon([QPoint(x, middle + y) for x, y in corners]))
        draw_swatch(painter, section.group.code or "", 22, top + 4, HEADING - 8)
        painter.setPen(QColor(colors.text))
        line = QRect(44, top, self.viewport().width() - 48, HEADING)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, self.cells.heading(section.group))
        painter.restore()

    def _paint_empty(self, painter: QPainter, colors: ThemeColors) -> None:
        painter.setPen(QColor(colors.quiet))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(self.viewport().rect().adjusted(12, 0, -12, 0), flags, self.empty_text)
        painter.end()

    # what Qt asks ---------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Ask for the height of two rows."""
        return QSize(640, 2 * (self.side + 26) + 8)

    def minimumSizeHint(self) -> QSize:
        """Ask for one small thumbnail."""
        return QSize(120, 80)

    def _box(self, place: int) -> QRect:
        """Return where a thumbnail lies in the viewport."""
        x, y = self.grid.corner(place)
        return QRect(x, y - self.verticalOffset(), *self.grid.item)

    def visualRect(self, index: QModelIndex) -> QRect:
        """Return where a cell's thumbnail lies in the viewport."""
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
        """Bring a cell into view, if it is not."""
        if index.isValid():
            top = self.grid.corner(index.row())[1]
            bar, high = self.verticalScrollBar(), self.viewport().height()
            bottom = top + self.grid.item[1]
            if top - GAP < bar.value() or self.grid.item[1] > high:
                bar.setValue(top - GAP)
            elif bottom + GAP > bar.value() + high:
                bar.setValue(bottom + GAP - high)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Move what is painted, so that only what comes into view is painted."""
        self.viewport().scroll(0, dy)
        self._want.throttle()

    def updateGeometries(self) -> None:
        """Tell the scroll bar how high the gallery is."""
        bar, high = self.verticalScrollBar(), self.viewport().height()
        bar.setRange(0, max(0, self.grid.height - high))
        bar.setPageStep(high)
        bar.setSingleStep(max(1, self.grid.pitch[1] // 2))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Lay out anew where another number of columns fits."""
        super().resizeEvent(event)
        self.lay_out()

    def horizontalOffset(self) -> int:
        """Return 0: it scrolls downwards only."""
        return 0

    def verticalOffset(self) -> int:
        """Return how far it is scrolled, px."""
        return self.verticalScrollBar().value()

    def isIndexHidden(self, index: QModelIndex) -> bool:
        """Tell whether a cell is in a folded section."""
        return self.grid.section_of(index.row()).folded

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Stay, as when the keyboard's focus comes: the cursor follows the window's selection."""
        return self.currentIndex()

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        """Do nothing: which cells are selected is told from outside."""

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        """Return nothing: selected thumbnails are painted anew one by one."""
        return QRegion()
