"""Raster image of tens of thousands of points (no Qt), drawn in a few milliseconds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.gui.similarity.map_markers import SIGN_OF_CODE, colors_of_codes, stamp


class MapRaster:
    """An image of points in their classes' symbols and colours.

    Attributes
    ----------
    pixels : ndarray of uint32, shape (h, w)
        Qt's 32-bit RGB.
    """

    def __init__(self, width: int, height: int, background: int) -> None:
        self.pixels = np.full((height, width), background, np.uint32)

    def draw(
        self, places: NDArray[np.floating], codes: NDArray[np.integer], radius: int, color: int | None = None
    ) -> None:
        """Draw points.

        Parameters
        ----------
        places : ndarray, shape (n, 2)
            x and y in pixels.
        codes : ndarray of int, shape (n,)
            Indices of `cytology.CODES`.
        radius : int
        color : int, optional
            One colour for all, instead of the classes'.
        """
        height, width = self.pixels.shape
        reach = radius + 1
        at = np.rint(np.clip(places, -1e6, 1e6)).astype(np.intp)
        inside = (at >= reach).all(axis=1) & (at[:, 0] < width - reach) & (at[:, 1] < height - reach)
        flat = at[:, 1] * width + at[:, 0]
        colors, canvas = colors_of_codes(), self.pixels.reshape(-1)
        for code in np.unique(codes[inside]):
            centres = flat[inside & (codes == code)]
            paint = colors[code] if color is None else np.uint32(color)
            for dy, dx in stamp(SIGN_OF_CODE[code], radius):
                canvas[centres + (dy * width + dx)] = paint
