"""The pages of a report, one below the other, as they are printed."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from napari_bonemarrow.gui.widgets.plain_text import plain_label

WIDTH = 760
"""Width of a page on the screen, in device-independent pixels."""
_A4_INCHES = 210 / 25.4


class PageView(QScrollArea):
    """A scroll area with the pages; it keeps its place when they change."""

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setWidgetResizable(True)
        self.setAccessibleName("Pages of the report")
        inner = QWidget()
        self._layout = QVBoxLayout(inner)
        self._layout.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._layout.setSpacing(10)
        self.setWidget(inner)
        self.pages: list[QPixmap] = []

    @property
    def dots_per_inch(self) -> float:
        """Return the resolution at which a page fills its width on this screen."""
        return WIDTH * self.devicePixelRatioF() / _A4_INCHES

    def show_pages(self, pages: Sequence[bytes]) -> None:
        """Show pages, given as PNG files."""
        self.pages = []
        for number, data in enumerate(pages, start=1):
            picture = QPixmap()
            picture.loadFromData(data, "PNG")
            picture.setDevicePixelRatio(self.devicePixelRatioF())
            self.pages.append(picture)
            item = self._layout.itemAt(number - 1)
            shown = item.widget() if item is not None else None
            if shown is None:
                shown = plain_label()
                self._layout.addWidget(shown)
            shown.setPixmap(picture)  # type: ignore[attr-defined]
            shown.setAccessibleName(f"Page {number}")
        while self._layout.count() > len(pages):
            gone = self._layout.takeAt(self._layout.count() - 1)
            widget = gone.widget() if gone is not None else None
            if widget is not None:
                widget.deleteLater()
