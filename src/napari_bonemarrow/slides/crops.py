"""Cut single cells out of a slide at the scale a model was trained at."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from napari_bonemarrow.slides.overview import slide_background
from napari_bonemarrow.slides.slide import Level, Slide

_THREADS = min(4, os.cpu_count() or 1)


def cut_crops(
    slide: Slide, x: ArrayLike, y: ArrayLike, *, microns_per_pixel: float = 0.1, size: int = 250
) -> NDArray[np.uint8]:
    """Cut a square around each point, resampled to a physical scale.

    The point comes to lie at ``(size - 1) / 2`` on both axes, to a fraction of a pixel. Where the image
    is finer than the crop, the kernel (Hamming) widens with the reduction, so that chromatin does not
    alias; where it is coarser, the kernel is bicubic. What lies outside the image has the colour of
    its background.

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
    lefts = np.atleast_1d(np.asarray(x, float)) + 0.5 - side / 2
    tops = np.atleast_1d(np.asarray(y, float)) + 0.5 - side / 2
    crops = np.empty((len(lefts), size, size, 3), np.uint8)
    fill = slide_background(slide) if len(lefts) else np.zeros(3, np.uint8)

    def cut(index: int) -> None:
        crops[index] = _cut(slide.levels[0], lefts[index], tops[index], side, size, fill)

    # Pillow lets go of the interpreter's lock while it resamples, so threads do run side by side.
    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in pool.map(cut, range(len(lefts))):
            pass
    return crops


def _cut(
    level: Level, left: float, top: float, side: float, size: int, fill: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Resample one square, given by its left and top edges and its side in level-0 pixels."""
    factor = side / size
    # Whole pixels around the square, with a rim for the kernel; the square itself is given to the
    # resampler as a box with fractional corners.
    rim = 3 + int(np.ceil(2 * factor))
    x0, y0 = int(np.floor(left)) - rim, int(np.floor(top)) - rim
    span = int(np.ceil(side)) + 2 * rim + 1
    patch = Image.fromarray(_window(level, x0, y0, span, fill))
    box = (left - x0, top - y0, left - x0 + side, top - y0 + side)
    kernel = Image.Resampling.HAMMING if factor > 1 else Image.Resampling.BICUBIC
    return np.asarray(patch.resize((size, size), kernel, box=box))


def _window(level: Level, x0: int, y0: int, span: int, fill: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Copy a square of a level that may reach beyond it."""
    height, width = level.shape[:2]
    if min(x0, y0) >= 0 and x0 + span <= width and y0 + span <= height:
        return np.asarray(level[y0 : y0 + span, x0 : x0 + span])
    window = np.empty((span, span, 3), np.uint8)
    window[:] = fill
    left, right = np.clip([x0, x0 + span], 0, width)
    top, bottom = np.clip([y0, y0 + span], 0, height)
    window[top - y0 : bottom - y0, left - x0 : right - x0] = level[top:bottom, left:right]
    return window
