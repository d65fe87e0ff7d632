"""View of the selected cell: a large crop with scale bar, and its heatmap with a legend."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QFont, QImage, QLinearGradient, QPainter, QPaintEvent, QPen, QPixmap
from qtpy.QtWidgets import QWidget

from napari_bonemarrow.cytology.defaults import CROP_MICRONS_PER_PIXEL
from napari_bonemarrow.gui.widgets import class_style
from napari_bonemarrow.gui.widgets.images import image_of
from napari_bonemarrow.gui.widgets.plain_text import set_tip

BAR_UM = 5
_LEGEND_PX = 6
_SCALED = "Each map is scaled to its own highest value: colours compare places in this cell, not cells."


class CropView(QWidget):
    """A crop drawn at a fixed size, sharp on any screen."""

    def __init__(self, side: int = 200) -> None:
        super().__init__()
        self.setFixedSize(side, side)
        self._image: QImage | QPixmap | None = None
        self._microns_per_pixel = CROP_MICRONS_PER_PIXEL
        self._heat: QImage | None = None
        self._heat_microns_per_pixel, self._target = CROP_MICRONS_PER_PIXEL, ""
        self._covered = False

    def show_crop(
        self, crop: NDArray[np.uint8] | None, microns_per_pixel: float = CROP_MICRONS_PER_PIXEL
    ) -> None:
        """Show a crop, uint8 of shape (s, s, 3), or nothing."""
        self._image = None if crop is None else image_of(crop)
        self._microns_per_pixel = microns_per_pixel
        self.update()

    def show_pixmap(self, pixmap: QPixmap | None, microns_per_pixel: float) -> None:
        """Show a prepared crop; without one nothing, never an earlier crop."""
        self._image, self._microns_per_pixel = pixmap, microns_per_pixel
        self.update()

    def show_heat(
        self,
        values: NDArray[np.float32] | None,
        microns_per_pixel: float = CROP_MICRONS_PER_PIXEL,
        target: str = "",
    ) -> None:
        """Show a heatmap on the crop, or remove it.

        Parameters
        ----------
        values : ndarray of float32, shape (s, s), or None
            0 to 1; its middle is the crop's.
        microns_per_pixel : float
            Scale of the heatmap.
        target : str
            The explained class.
        """
        colors = None if values is None else np.rint(class_style.heat_image(values) * 255)
        self._heat = None if colors is None else image_of(colors.astype(np.uint8))
        self._heat_microns_per_pixel, self._target = microns_per_pixel, target
        little, most = class_style.HEAT_ENDS
        said = "" if values is None else f"Dark {little}, light {most} for {target}. {_SCALED}"
        set_tip(self, said)
        self.setAccessibleDescription(said)
        self.update()

    def cover_heat(self, on: bool) -> None:
        """Hide the heatmap, or show it again."""
        self._covered = on
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the crop, its bar, and a heatmap with its legend."""
        if self._image is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if isinstance(self._image, QPixmap):
            painter.drawPixmap(self.rect(), self._image)
        else:
            painter.drawImage(QRectF(self.rect()), self._image)
        px_per_um = self.width() / (self._image.width() * self._microns_per_pixel)
        if self._heat is not None and not self._covered:
            self._draw_heat(painter, self._heat, px_per_um)
        long = BAR_UM * px_per_um
        right, bottom = self.width() - 8, self.height() - 8
        for color, width in (("#ffffff", 5), ("#101014", 3)):
            painter.setPen(QPen(QColor(color), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            edge = (width - 3) // 2
            painter.drawLine(round(right - long) - edge, bottom, right + edge, bottom)
        self._draw_text(painter, f"{BAR_UM} µm", right - long, bottom - 6, long)
        painter.end()

    def _draw_heat(self, painter: QPainter, heat: QImage, px_per_um: float) -> None:
        """Draw the heatmap around the middle, and its legend above."""
        side = heat.width() * self._heat_microns_per_pixel * px_per_um
        middle = QRectF(self.rect()).center()
        painter.drawImage(QRectF(middle.x() - side / 2, middle.y() - side / 2, side, side), heat)
        bar = QRectF(8, 7, self.width() - 16, _LEGEND_PX)
        ramp = QLinearGradient(bar.topLeft(), bar.topRight())
        for at, (red, green, blue, _alpha) in enumerate(class_style.heat_colors(9).tolist()):
            ramp.setColorAt(at / 8, QColor.fromRgbF(red, green, blue))
        painter.setPen(QPen(QColor("#ffffff"), 1))
        painter.setBrush(ramp)
        painter.drawRect(bar)
        little, most = class_style.HEAT_ENDS
        half, under = bar.width() / 2, bar.bottom() + 13
        self._draw_text(painter, little, bar.left(), under, half, left=True)
        self._draw_text(painter, most, bar.left() + half, under, half, right=True)

    @staticmethod
    def _draw_text(
        painter: QPainter,
        text: str,
        x: float,
        y: float,
        width: float,
        *,
        left: bool = False,
        right: bool = False,
    ) -> None:
        """Draw dark text with a light edge, legible on background and nuclei."""
        font = QFont(painter.font())
        font.setPointSizeF(8.5)
        font.setBold(True)
        painter.setFont(font)
        wide = painter.fontMetrics().horizontalAdvance(text)
        start = x if left else x + width - wide if right else x + (width - wide) / 2
        painter.setPen(QColor("#ffffff"))
        for across, down in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            painter.drawText(round(start) + across, round(y) + down, text)
        painter.setPen(QColor("#101014"))
        painter.drawText(round(start), round(y), text)
