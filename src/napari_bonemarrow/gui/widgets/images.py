"""Pixels as Qt's images."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray
from qtpy.QtGui import QImage


def image_of(pixels: NDArray[np.uint8]) -> QImage:
    """Return a Qt image with a copy of pixels, since it would otherwise point into numpy's memory.

    Parameters
    ----------
    pixels : NDArray[np.uint8]
        RGB or RGBA, shape (h, w, 3) or (h, w, 4).
    """
    data = np.ascontiguousarray(pixels)
    height, width, channels = data.shape
    form = QImage.Format.Format_RGB888 if channels == 3 else QImage.Format.Format_RGBA8888
    buffer = cast(bytes, data.data)  # as the stubs of PyQt6 have it: any buffer will do
    return QImage(buffer, width, height, channels * width, form).copy()
