"""Cut single cells out of a slide at the scale a model was trained at."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from napari_bonemarrow.slides.colour import background_colour
from napari_bonemarrow.slides.slide import Slide


def cut_crops(
    slide: Slide, x: ArrayLike, y: ArrayLike, *, microns_per_pixel: float = 0.1, size: int = 250
) -> NDArray[np.uint8]:
    """Cut a square around each point, resampled to a physical scale.

    The point comes to lie at ``(size - 1) / 2`` on both axes, to a fraction of a pixel. Resampling is
    bicubic with a support that widens with the reduction, so that fine chromatin does not alias; what
    lies outside the image has the colour of its background.

    Parameters
    ----------
    slide : Slide
        With a known scale.
    x, y : array-like of float, shape (n,)
        Level-0 pixels; the centre of the top-left pixel is (0, 0).
    microns_per_pixel : float
        Of the crops.
    size : int
        Side of a crop, px.

    Returns
    -------
    ndarray of uint8, shape (n, size, size, 3)

    Raises
    ------
    ScaleError
        Where the slide's scale is unknown.
    """
    side = size * microns_per_pixel / slide.known_scale()
    xs, ys = np.atleast_1d(np.asarray(x, float)), np.atleast_1d(np.asarray(y, float))
    crops = np.empty((len(xs), size, size, 3), np.uint8)
    fill: NDArray[np.uint8] | None = None
    for index, (left, top) in enumerate(zip(xs + 0.5 - side / 2, ys + 0.5 - side / 2, strict=True)):
        # Whole pixels around the square, with a rim for the kernel; the square itself is given to
        # the resampler as a box with fractional corners.
        rim = 3 + int(np.ceil(2 * side / size))
        x0, y0 = int(np.floor(left)) - rim, int(np.floor(top)) - rim
        span = int(np.ceil(side)) + 2 * rim + 1
        if min(x0, y0) < 0 or x0 + span > slide.width or y0 + span > slide.height:
            fill = background_colour(slide.levels[0]) if fill is None else fill
        patch = Image.fromarray(_window(slide.levels[0], x0, y0, span, fill))
        box = (left - x0, top - y0, left - x0 + side, top - y0 + side)
        crops[index] = np.asarray(patch.resize((size, size), Image.Resampling.BICUBIC, box=box))
    return crops


def _window(
    level: NDArray[np.uint8], x0: int, y0: int, span: int, fill: NDArray[np.uint8] | None
) -> NDArray[np.uint8]:
    """Copy a square of a level that may reach beyond it."""
    height, width = level.shape[:2]
    if fill is None:
        return level[y0 : y0 + span, x0 : x0 + span]
    window = np.empty((span, span, 3), np.uint8)
    window[:] = fill
    left, right = np.clip([x0, x0 + span], 0, width)
    top, bottom = np.clip([y0, y0 + span], 0, height)
    window[top - y0 : bottom - y0, left - x0 : right - x0] = level[top:bottom, left:right]
    return window
