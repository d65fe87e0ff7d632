"""The drop of dragged cells into the group of a class in the gallery."""

from __future__ import annotations

from qtpy.QtCore import QObject, QPoint, QTimer, Signal
from qtpy.QtGui import QDragMoveEvent, QDropEvent
from qtpy.QtWidgets import QWidget

from napari_bonemarrow.gui.gallery.gallery_gestures import SCROLL_PX, Thumbnails
from napari_bonemarrow.gui.gallery.grid_layout import Section
from napari_bonemarrow.gui.widgets.cell_drag import cells_dropped

_EDGE_PX = 24


class GroupDrop(QObject):
    """The mark of the group under dragged cells, and the signal of their drop.

    Parameters
    ----------
    thumbnails : Thumbnails
    widget : QWidget
        The same object; only cells of its window are accepted.
    """

    dropped = Signal(str, object)  # code, tuple of cell numbers

    def __init__(self, thumbnails: Thumbnails, widget: QWidget) -> None:
        super().__init__(widget)
        self._thumbnails, self._widget = thumbnails, widget
        self.onto: Section | None = None
        """The group under the dragged cells."""

    def enter(self, event: QDropEvent) -> None:
        """Accept cells of this window; valid groups are checked while they move."""
        if cells_dropped(event, self._widget):
            event.accept()
        else:
            event.ignore()

    def move(self, event: QDragMoveEvent) -> None:
        """Mark the group under the cells, and scroll at the edge."""
        at = event.position().toPoint()
        section = self._section_for(at)
        self.mark(section)
        if section is None or not cells_dropped(event, self._widget):
            event.ignore()
        else:
            event.acceptProposedAction()
        high, bar = self._thumbnails.viewport().height(), self._thumbnails.verticalScrollBar()
        if at.y() < _EDGE_PX:
            bar.setValue(bar.value() - SCROLL_PX // 2)
        elif at.y() > high - _EDGE_PX:
            bar.setValue(bar.value() + SCROLL_PX // 2)

    def drop(self, event: QDropEvent) -> None:
        """Request the group's class for the cells dropped into it."""
        section, cells = self._section_for(event.position().toPoint()), cells_dropped(event, self._widget)
        self.mark(None)
        if section is None or not cells:
            event.ignore()
            return
        event.acceptProposedAction()
        # After the drag has ended: otherwise a question would open during the drag.
        QTimer.singleShot(0, lambda: self.dropped.emit(section.group.code, cells))

    def _section_for(self, at: QPoint) -> Section | None:
        """Return the group of a class under a point; cells cannot be dropped into that without a class."""
        section = self._thumbnails.grid.section_at(at.y() + self._thumbnails.verticalOffset())
        return section if section is not None and section.group.code else None

    def mark(self, section: Section | None) -> None:
        """Mark a group, or remove the mark."""
        if section != self.onto:
            self.onto = section
            self._thumbnails.viewport().update()
