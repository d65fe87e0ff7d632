"""Cut single cells out of a slide at the scale a model was trained at."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from napari_bonemarrow.cytology import Region
from napari_bonemarrow.slides.overview import image_background
from napari_bonemarrow.slides.slide import Level, Slide, SlideError
from napari_bonemarrow.slides.working import level_pixels

_THREADS = min(4, os.cpu_count() or 1)

Bounds = tuple[int, int, int, int]
"""First column and row, and the ones after the last, px of a level."""


def cut_crops(
    slide: Slide, x: ArrayLike, y: ArrayLike, *, microns_per_pixel: float = 0.1, size: int = 250
) -> NDArray[np.uint8]:
    """Cut a square around each point, resampled to a physical scale.

    The pixels come from the coarsest level that is at least as fine as the crops.
    The point comes to lie at ``(size - 1) / 2`` on both axes, to a fraction of a pixel. Where the image
    is finer than the crop, the kernel (Hamming) widens with the reduction, so that chromatin does not
    alias; where it is coarser, the kernel is bicubic. What lies outside the image, or outside the field
    that the point lies in, has the colour of its background.

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
    TileError
        Where a crop lies where the file cannot be read.
    """
    crops, problems = _cut_all(slide, x, y, microns_per_pixel, size)
    for problem in problems:
        if problem is not None:
            raise problem
    return crops


def cut_readable(
    slide: Slide, x: ArrayLike, y: ArrayLike, *, microns_per_pixel: float, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Cut crops as `cut_crops` does, leaving out those that lie where the file cannot be read.

    Returns
    -------
    crops : ndarray of uint8, shape (m, size, size, 3)
    readable : ndarray of bool, shape (n,)
        Which of the points they are of.

    Raises
    ------
    ScaleError
        Where the slide's scale is unknown.
    SlideError
        Where none of them can be read.
    """
    crops, problems = _cut_all(slide, x, y, microns_per_pixel, size)
    readable = np.array([problem is None for problem in problems], bool)
    if len(problems) and not readable.any():
        raise next(problem for problem in problems if problem is not None)
    return (crops if readable.all() else crops[readable]), readable


def _cut_all(
    slide: Slide, x: ArrayLike, y: ArrayLike, microns_per_pixel: float, size: int
) -> tuple[NDArray[np.uint8], list[SlideError | None]]:
    """Cut every crop, or say what kept it from being read."""
    index = slide.level_for(microns_per_pixel)
    span = level_pixels(slide, index)
    side = size * microns_per_pixel / slide.known_scale() / span
    lefts = (np.atleast_1d(np.asarray(x, float)) + 0.5) / span - side / 2
    tops = (np.atleast_1d(np.asarray(y, float)) + 0.5) / span - side / 2
    crops = np.empty((len(lefts), size, size, 3), np.uint8)
    images = slide.images_at(x, y)
    bounds = [_bounds(slide, index, image) for image in slide.images]

    def cut(number: int) -> SlideError | None:
        image = int(images[number])
        try:
            fill = image_background(slide, image)
            crops[number] = _cut(
                slide.levels[index], bounds[image], lefts[number], tops[number], side, size, fill
            )
        except SlideError as error:
            return error
        return None

    # Pillow lets go of the interpreter's lock while it resamples, so threads do run side by side.
    with ThreadPoolExecutor(_THREADS) as pool:
        return crops, list(pool.map(cut, range(len(lefts))))


def _bounds(slide: Slide, index: int, image: Region) -> Bounds:
    """Return which pixels of a level lie wholly in an image.

    At the level's own right and bottom edge the last pixel may stand for less than a whole one.
    """
    height, width = slide.levels[index].shape[:2]
    span = level_pixels(slide, index)
    right, bottom = image.x + image.width, image.y + image.height
    return (
        math.ceil(image.x / span),
        math.ceil(image.y / span),
        width if right >= slide.width else math.floor(right / span),
        height if bottom >= slide.height else math.floor(bottom / span),
    )


def _cut(
    level: Level, bounds: Bounds, left: float, top: float, side: float, size: int, fill: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Resample one square, given by its left and top edges and its side in the level's pixels."""
    factor = side / size
    # Whole pixels around the square, with a rim for the kernel; the square itself is given to the
    # resampler as a box with fractional corners.
    rim = 3 + int(np.ceil(2 * factor))
    x0, y0 = int(np.floor(left)) - rim, int(np.floor(top)) - rim
    span = int(np.ceil(side)) + 2 * rim + 1
    patch = Image.fromarray(_window(level, bounds, x0, y0, span, fill))
    box = (left - x0, top - y0, left - x0 + side, top - y0 + side)
    kernel = Image.Resampling.HAMMING if factor > 1 else Image.Resampling.BICUBIC
    return np.asarray(patch.resize((size, size), kernel, box=box))


def _window(
    level: Level, bounds: Bounds, x0: int, y0: int, span: int, fill: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Copy a square of a level that may reach beyond the image that is meant."""
    first_x, first_y, end_x, end_y = bounds
    if x0 >= first_x and y0 >= first_y and x0 + span <= end_x and y0 + span <= end_y:
        return np.asarray(level[y0 : y0 + span, x0 : x0 + span])
    window = np.empty((span, span, 3), np.uint8)
    window[:] = fill
    left, right = np.clip([x0, x0 + span], first_x, end_x)
    top, bottom = np.clip([y0, y0 + span], first_y, end_y)
    window[top - y0 : bottom - y0, left - x0 : right - x0] = level[top:bottom, left:right]
    return window
