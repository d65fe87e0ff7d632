"""A heatmap drawn over its crop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_STRONGEST = 0.65
"""Opacity of the overlay where the heatmap is 1, so that the cell stays visible."""


def overlay(crop: NDArray[np.uint8], values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a heatmap over its crop, more opaque at higher values.

    Parameters
    ----------
    crop : ndarray of uint8, shape (s, s, 3)
    values : ndarray of float32, shape (s, s)
        0 to 1.

    Returns
    -------
    ndarray of uint8, shape (s, s, 3)
    """
    from matplotlib import colormaps

    colors = colormaps["inferno"](np.clip(values, 0, 1))[..., :3] * 255
    opacity = _STRONGEST * np.clip(values, 0, 1)[..., np.newaxis]
    blended: NDArray[np.uint8] = np.rint(crop * (1 - opacity) + colors * opacity).astype(np.uint8)
    return blended
