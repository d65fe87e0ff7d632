"""Legend of the quality map's colours and hatches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPixmap
from qtpy.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from napari_bonemarrow.gui.setup.slide_models import LegendRow
from napari_bonemarrow.gui.widgets.controls import label
from napari_bonemarrow.gui.widgets.images import image_of
from napari_bonemarrow.gui.widgets.plain_text import plain_label, set_tip
from napari_bonemarrow.gui.widgets.tables import clear

_GLASS = "#e9e4ec"
"""Ground of the swatches in both themes: the background of a smear, as on the map."""
_STRIP_PX = 96


class QualityLegend(QWidget):
    """The legend of the quality map, with a switch to show and hide it."""

    toggled = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.box = QCheckBox("Quality map")
        set_tip(self.box, "Shows or hides the map over the smear; near, where cells show, it fades")
        self.box.toggled.connect(self.toggled)
        self.score = plain_label()
        head = QHBoxLayout()
        head.addWidget(self.box, 1)
        for part in (label("poor", "quiet", wrap=False), self.score, label("good", "quiet", wrap=False)):
            head.addWidget(part)
        self.avoided = label("Hatched places are avoided (part of the smear):", "quiet")
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self.avoided)
        layout.addLayout(self._grid)
        self.rows: tuple[LegendRow, ...] = ()

    def show_rows(self, strip: NDArray[np.uint8], rows: Sequence[LegendRow]) -> None:
        """Show the legend of this slide's map.

        Parameters
        ----------
        strip : ndarray of uint8, shape (h, w, 4)
            Its colours from poor to good.
        rows : sequence of LegendRow
            The reasons for avoided places.
        """
        self.rows = tuple(rows)
        self.score.setPixmap(_on_glass(strip).scaled(_STRIP_PX, 12))
        self.score.setAccessibleName("Pale is poor, dark is good")
        self.avoided.setVisible(bool(rows))
        clear(self._grid)
        for at, row in enumerate(rows):
            swatch = plain_label()
            swatch.setPixmap(_on_glass(row.swatch))
            self._grid.addWidget(swatch, at, 0, Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(label(row.text), at, 1)
            self._grid.addWidget(label(row.share, "quiet", wrap=False), at, 2, Qt.AlignmentFlag.AlignRight)

    def set_on(self, on: bool) -> None:
        """Follow the map, which can also be shown and hidden in the layer list."""
        self.box.blockSignals(True)
        self.box.setChecked(on)
        self.box.blockSignals(False)


def _on_glass(pixels: NDArray[np.uint8]) -> QPixmap:
    """Return RGBA pixels on a smear's background."""
    image = image_of(pixels)
    made = QPixmap(image.size())
    made.fill(QColor(_GLASS))
    painter = QPainter(made)
    painter.drawImage(0, 0, image)
    painter.end()
    return made
