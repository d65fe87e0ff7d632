"""The painter of the grid of thumbnails: cells, headings, and marks over them."""

from __future__ import annotations

from qtpy.QtCore import QPoint, QRect, Qt
from qtpy.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPixmap, QPolygon

from napari_bonemarrow.gui.gallery.gallery_model import Look
from napari_bonemarrow.gui.gallery.grid_layout import Section
from napari_bonemarrow.gui.gallery.thumbnail import ThumbnailPainter
from napari_bonemarrow.gui.widgets.controls import draw_swatch
from napari_bonemarrow.gui.widgets.theme import ThemeColors

HEADING = 22
"""Height of a heading, px."""


class GridPainter:
    """A painter of thumbnails of one size, in the colours of a theme.

    Parameters
    ----------
    side : int
        Side of a crop, px.
    font : QFont
    colors : ThemeColors
    ratio : float
        Device pixels per px.
    """

    def __init__(self, side: int, font: QFont, colors: ThemeColors, ratio: float) -> None:
        self.colors, self.ratio = colors, ratio
        self._thumbnails = ThumbnailPainter(side, font, colors, ratio)
        self.size = self._thumbnails.size

    def paint_ground(self, painter: QPainter, box: QRect) -> None:
        """Paint the ground between the thumbnails."""
        painter.fillRect(box, QColor(self.colors.background))

    def paint_cell(
        self,
        painter: QPainter,
        corner: tuple[int, int],
        look: Look,
        crop: QPixmap | None,
        *,
        unreadable: bool,
        selected: bool,
        current: bool,
    ) -> None:
        """Paint one thumbnail."""
        self._thumbnails.paint(
            painter, *corner, look, crop, unreadable=unreadable, selected=selected, current=current
        )

    def paint_heading(self, painter: QPainter, section: Section, text: str, width: int) -> None:
        """Paint the heading of a section with its fold mark."""
        colors, top = self.colors, section.top
        painter.fillRect(0, top, width, HEADING, QColor(colors.foreground))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.text))
        middle = top + HEADING // 2
        corners = [(6, -5), (14, 0), (6, 5)] if section.folded else [(5, -4), (15, -4), (10, 4)]
        painter.drawPolygon(QPolygon([QPoint(x, middle + y) for x, y in corners]))
        draw_swatch(painter, section.group.code or "", 22, top + 4, HEADING - 8)
        painter.setPen(QColor(colors.text))
        line = QRect(44, top, width - 48, HEADING)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()

    def paint_empty(self, painter: QPainter, box: QRect, text: str) -> None:
        """Paint the text of an empty gallery."""
        painter.setPen(QColor(self.colors.quiet))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(box.adjusted(12, 0, -12, 0), flags, text)

    def paint_target(self, painter: QPainter, section: Section, width: int) -> None:
        """Draw a line around the group under the dragged cells."""
        painter.setPen(QPen(QColor(self.colors.primary), 3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(2, section.top + 2, width - 5, section.height - 5)

    def paint_band(self, painter: QPainter, band: QRect) -> None:
        """Draw the rubber band."""
        ground = QColor(self.colors.primary)
        ground.setAlpha(50)
        painter.setPen(QPen(QColor(self.colors.text), 1, Qt.PenStyle.DashLine))
        painter.setBrush(ground)
        painter.drawRect(band)

    def badge(self, text: str, metrics: QFontMetrics) -> QPixmap:
        """Return the picture at the pointer while cells are dragged."""
        pixmap = QPixmap(metrics.horizontalAdvance(text) + 16, 24)
        pixmap.fill(QColor(self.colors.primary))
        painter = QPainter(pixmap)
        painter.setPen(QColor(self.colors.on_primary))
        painter.drawText(pixmap.rect(), Qt.AlignmentFlag.AlignCenter, text)
        painter.end()
        return pixmap
