"""Single-cell crops as arrays, without torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fit_crop(rgb: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return a crop cut to its centre, or padded with the median of its border.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (h, w, 3)
        At the bundle's scale; nothing is resized here.
    size : int
        Wanted side, px.

    Returns
    -------
    ndarray of uint8, shape (size, size, 3)
    """
    height, width = rgb.shape[:2]
    top, left = max((height - size) // 2, 0), max((width - size) // 2, 0)
    rgb = rgb[top : top + size, left : left + size]
    height, width = rgb.shape[:2]
    if (height, width) == (size, size):
        return rgb
    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    padded = np.empty((size, size, 3), np.uint8)
    padded[:] = np.median(border, axis=0).astype(np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    padded[top : top + height, left : left + width] = rgb
    return padded
