"""Plates of the codes, drawn once: an image for each class and review state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QImage, QPainter, QPen, QPolygonF

from napari_bonemarrow.cytology import CODES
from napari_bonemarrow.gui.widgets import class_style

SIZE = (46, 18)
"""Width and height of all plates, screen pixels, so that a mark moves no neighbour."""
_STATES = 4
_COLUMNS = 8
_STRIPE = 4
FLAG = len(CODES) * _STATES
"""Number of the image with only a flag, for codes too small to read."""


def picture(
    classes: NDArray[np.intp], reviewed: NDArray[np.bool_], flagged: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Return the number of each cell's plate, int of shape (n,)."""
    return np.asarray(classes) * _STATES + reviewed.astype(np.intp) + 2 * flagged.astype(np.intp)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of images: RGBA of shape (h, w, 4), number per row, and device pixels per pixel."""

    pixels: NDArray[np.uint8]
    columns: int
    ratio: float


def draw_sheet(ratio: float = 1.0) -> Sheet:
    """Return the sheet of all plates, for a number of device pixels per pixel."""
    rows = -(-(FLAG + 1) // _COLUMNS)
    wide, high = SIZE
    image = QImage(
        round(wide * _COLUMNS * ratio), round(high * rows * ratio), QImage.Format.Format_ARGB32_Premultiplied
    )
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.scale(ratio, ratio)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for number in range(FLAG + 1):
        row, column = divmod(number, _COLUMNS)
        box = QRectF(column * wide, row * high, wide, high)
        code, state = divmod(number, _STATES)
        if number == FLAG:
            _draw_lone_flag(painter, box)
        elif CODES[code] or state >= 2:
            _draw_plate(painter, box, CODES[code], reviewed=bool(state & 1), flagged=state >= 2)
    painter.end()
    return Sheet(pixels_of(image), _COLUMNS, ratio)


def pixels_of(image: QImage) -> NDArray[np.uint8]:
    """Return an image's RGBA, not premultiplied, shape (height, width, 4)."""
    plain = image.convertToFormat(QImage.Format.Format_RGBA8888)
    data: Any = plain.constBits()
    if hasattr(data, "setsize"):  # PyQt returns a pointer, PySide a buffer
        data.setsize(plain.sizeInBytes())
    flat: NDArray[np.uint8] = np.frombuffer(data, np.uint8).reshape(
        plain.height(), plain.bytesPerLine() // 4, 4
    )
    return flat[:, : plain.width()].copy()


def _draw_plate(painter: QPainter, box: QRectF, code: str, *, reviewed: bool, flagged: bool) -> None:
    """Draw a code on its plate: pale with a tick if reviewed, amber with a flag if flagged."""
    ground, ink = class_style.plate_colors(reviewed=reviewed, flagged=flagged)
    plate = box.adjusted(0.5, 0.5, -0.5, -0.5)
    painter.setPen(QPen(QColor(class_style.PLATE_EDGE), 1))
    painter.setBrush(QColor(ground))
    painter.drawRoundedRect(plate, 3, 3)
    painter.setPen(Qt.PenStyle.NoPen)
    if not flagged and not reviewed:
        painter.setBrush(QColor(class_style.color_of(code)))
        painter.drawRect(QRectF(box.left() + 2, box.top() + 3, _STRIPE, box.height() - 6))
    font = QFont(painter.font())
    font.setPixelSize(12)
    font.setBold(not reviewed or flagged)
    painter.setFont(font)
    painter.setPen(QColor(ink))
    if reviewed or flagged:
        mark = QRectF(box.left() + 3, box.top() + 4, 10, 10)
        (draw_flag if flagged else _draw_tick)(painter, mark, QColor(ink))
        text = box.adjusted(13, 0, -2, 0)
    else:
        text = box.adjusted(_STRIPE + 2, 0, -2, 0)
    painter.setPen(QColor(ink))
    painter.drawText(text, Qt.AlignmentFlag.AlignCenter, code or "?")


def _draw_lone_flag(painter: QPainter, box: QRectF) -> None:
    """Draw a flag at the lower left of its image, which places it at a ring's upper right."""
    ground, ink = class_style.plate_colors(reviewed=False, flagged=True)
    plate = QRectF(box.left() + 0.5, box.top() + 1.5, 15, 15)
    painter.setPen(QPen(QColor(class_style.PLATE_EDGE), 1))
    painter.setBrush(QColor(ground))
    painter.drawRoundedRect(plate, 3, 3)
    draw_flag(painter, plate.adjusted(3, 2, -2, -2), QColor(ink))


def draw_flag(painter: QPainter, box: QRectF, color: QColor) -> None:
    """Draw a flag on its pole."""
    painter.setPen(QPen(color, 1.6))
    painter.drawLine(_at(box, 0.2, 0.0), _at(box, 0.2, 1.0))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawPolygon(QPolygonF([_at(box, 0.2, 0.0), _at(box, 0.95, 0.28), _at(box, 0.2, 0.58)]))


def _draw_tick(painter: QPainter, box: QRectF, color: QColor) -> None:
    painter.setPen(QPen(color, 1.6))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF([_at(box, 0.05, 0.55), _at(box, 0.35, 0.85), _at(box, 0.9, 0.15)]))


def _at(box: QRectF, across: float, down: float) -> QPointF:
    return QPointF(box.x() + across * box.width(), box.y() + down * box.height())
