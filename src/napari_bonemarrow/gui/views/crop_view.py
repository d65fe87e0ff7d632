"""The selected cell, large, with a scale bar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QFont, QImage, QPainter, QPen, QPixmap
from qtpy.QtWidgets import QWidget

BAR_UM = 5


class CropView(QWidget):
    """A crop drawn at a fixed size, sharp on any screen."""

    def __init__(self, side: int = 200) -> None:
        super().__init__()
        self.setFixedSize(side, side)
        self._image: QImage | QPixmap | None = None
        self._microns_per_pixel = 0.1

    def show_crop(self, crop: NDArray[np.uint8] | None, microns_per_pixel: float = 0.1) -> None:
        """Show a crop, uint8 of shape (s, s, 3), or nothing."""
        self._image = None
        if crop is not None:
            height, width = crop.shape[:2]
            data = np.ascontiguousarray(crop)
            image = QImage(data.data, width, height, 3 * width, QImage.Format.Format_RGB888)
            self._image = image.copy()  # Qt would else point into numpy's memory
        self._microns_per_pixel = microns_per_pixel
        self.update()

    def show_pixmap(self, pixmap: QPixmap | None, microns_per_pixel: float) -> None:
        """Show a crop that is ready to be drawn; without one nothing, never the crop before."""
        self._image, self._microns_per_pixel = pixmap, microns_per_pixel
        self.update()

    def paintEvent(self, event) -> None:
        """Draw the crop and its bar."""
        if self._image is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if isinstance(self._image, QPixmap):
            painter.drawPixmap(self.rect(), self._image)
        else:
            painter.drawImage(QRectF(self.rect()), self._image)
        long = BAR_UM / (self._image.width() * self._microns_per_pixel) * self.width()
        right, bottom = self.width() - 8, self.height() - 8
        for color, width in (("#ffffff", 5), ("#101014", 3)):
            painter.setPen(QPen(QColor(color), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            edge = (width - 3) // 2
            painter.drawLine(round(right - long) - edge, bottom, right + edge, bottom)
        self._draw_text(painter, f"{BAR_UM} µm", right - long, bottom - 6, long)
        painter.end()

    @staticmethod
    def _draw_text(painter: QPainter, text: str, x: float, y: float, width: float) -> None:
        """Write dark text with a light edge, readable on background and on nuclei."""
        font = QFont(painter.font())
        font.setPointSizeF(8.5)
        font.setBold(True)
        painter.setFont(font)
        wide = painter.fontMetrics().horizontalAdvance(text)
        left = x + (width - wide) / 2
        painter.setPen(QColor("#ffffff"))
        for across, down in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            painter.drawText(round(left) + across, round(y) + down, text)
        painter.setPen(QColor("#101014"))
        painter.drawText(round(left), round(y), text)
