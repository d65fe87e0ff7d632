"""Legend of the map's symbols."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.gui.similarity.map_markers import SIGNS, stamp
from napari_bonemarrow.gui.widgets.theme import ThemeColors

_SIDE, _DOTS = 12, 4


class MapLegend(QWidget):
    """The symbol of each lineage, one per line, in the colour of its first class."""

    def __init__(self) -> None:
        super().__init__()
        self._colors: ThemeColors | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("signs: " + ", ".join(f"{lineage} {sign}" for lineage, sign in SIGNS.items()))

    def sizeHint(self) -> QSize:
        """Return the size for the longest name."""
        metrics = self.fontMetrics()
        wide = max(metrics.horizontalAdvance(str(lineage)) for lineage in SIGNS)
        return QSize(wide + _SIDE + 16, (metrics.height() + 3) * len(SIGNS) + 8)

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        self._colors = colors
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the symbols and their lineages."""
        if self._colors is None:
            return
        painter = QPainter(self)
        high = self.fontMetrics().height() + 3
        for number, (lineage, sign) in enumerate(SIGNS.items()):
            top = 4 + number * high
            color = next(cell.color for cell in CLASSES.values() if cell.lineage == lineage)
            for dy, dx in np.asarray(stamp(sign, _DOTS)).tolist():
                painter.fillRect(QRectF(10 + dx, top + high / 2 + dy, 1, 1), QColor(color))
            painter.setPen(QColor(self._colors.quiet))
            line = QRectF(_SIDE + 10, top, self.width() - _SIDE - 10, high)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, str(lineage))
        painter.end()
