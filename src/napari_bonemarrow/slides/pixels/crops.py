"""Crops of single cells at the scale of a model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from napari_bonemarrow.cytology.defaults import CROP_MICRONS_PER_PIXEL, CROP_SIZE
from napari_bonemarrow.slides.pixels.overview import slide_background
from napari_bonemarrow.slides.pixels.photographs import photograph
from napari_bonemarrow.slides.pixels.working_grid import level_pixels
from napari_bonemarrow.slides.slide import Level, Slide, SlideError
from napari_bonemarrow.system.cores import usable_cores

_THREADS = min(4, usable_cores())


def cut_crops(
    slide: Slide,
    x: ArrayLike,
    y: ArrayLike,
    *,
    microns_per_pixel: float = CROP_MICRONS_PER_PIXEL,
    size: int = CROP_SIZE,
) -> NDArray[np.uint8]:
    """Return a square around each point, resampled to a physical scale.

    The pixels come from the coarsest level that is at least as fine as the crops.
    The point is at ``(size - 1) / 2`` on both axes, to a fraction of a pixel. Where the image is finer than
    the crop, the kernel (Hamming) widens with the reduction, so that chromatin does not alias; where it is
    coarser, the kernel is bicubic. Outside the image pixels have the colour of its background; in a folder
    of fields, of the point's field or the nearest one.

    Parameters
    ----------
    slide : Slide
        With a known scale.
    x, y : array-like of float, shape (n,)
        Level-0 pixels; the centre of the top-left pixel is (0, 0).
    microns_per_pixel : float
        Scale of the crops.
    size : int
        Side of a crop, px.

    Returns
    -------
    ndarray of uint8, shape (n, size, size, 3)

    Raises
    ------
    ScaleError
        If the slide's scale is unknown.
    TileError
        If a crop lies in an unreadable part of the file.
    """
    crops, problems = _cut_all(slide, x, y, microns_per_pixel, size)
    for problem in problems:
        if problem is not None:
            raise problem
    return crops


def cut_readable(
    slide: Slide, x: ArrayLike, y: ArrayLike, *, microns_per_pixel: float, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return crops as `cut_crops` does, without those in unreadable parts of the file.

    Returns
    -------
    crops : ndarray of uint8, shape (m, size, size, 3)
    readable : ndarray of bool, shape (n,)
        The points that have a crop.

    Raises
    ------
    ScaleError
        If the slide's scale is unknown.
    SlideError
        If none of them can be read.
    """
    crops, problems = _cut_all(slide, x, y, microns_per_pixel, size)
    readable = np.array([problem is None for problem in problems], bool)
    if len(problems) and not readable.any():
        raise next(problem for problem in problems if problem is not None)
    return (crops if readable.all() else crops[readable]), readable


def _cut_all(
    slide: Slide, x: ArrayLike, y: ArrayLike, microns_per_pixel: float, size: int
) -> tuple[NDArray[np.uint8], list[SlideError | None]]:
    """Return every crop, from its point's own image, or the error that prevented reading it."""
    xs, ys = (np.atleast_1d(np.asarray(values, np.float64)) for values in (x, y))
    which = slide.images_at(xs, ys)
    crops = np.empty((len(xs), size, size, 3), np.uint8)
    problems: list[SlideError | None] = [None] * len(xs)
    slide.known_scale()  # also without points
    for number in np.unique(which).tolist():
        rows, image = np.flatnonzero(which == number), slide.images[number]
        alone = photograph(slide, number)
        made, failed = _cut_of_one(alone, xs[rows] - image.x, ys[rows] - image.y, microns_per_pixel, size)
        crops[rows] = made
        for row, problem in zip(rows.tolist(), failed, strict=True):
            problems[row] = problem
    return crops, problems


def _cut_of_one(
    slide: Slide, x: NDArray[np.float64], y: NDArray[np.float64], microns_per_pixel: float, size: int
) -> tuple[NDArray[np.uint8], list[SlideError | None]]:
    index = slide.level_for(microns_per_pixel)
    span = level_pixels(slide, index)
    side = size * microns_per_pixel / slide.known_scale() / span
    lefts, tops = (x + 0.5) / span - side / 2, (y + 0.5) / span - side / 2
    crops = np.empty((len(lefts), size, size, 3), np.uint8)
    fill = slide_background(slide)

    def cut(number: int) -> SlideError | None:
        try:
            crops[number] = _cut(slide.levels[index], lefts[number], tops[number], side, size, fill)
        except SlideError as error:
            return error
        return None

    # Pillow releases the interpreter's lock while it resamples, so threads run in parallel.
    with ThreadPoolExecutor(_THREADS) as pool:
        return crops, list(pool.map(cut, range(len(lefts))))


def _cut(
    level: Level, left: float, top: float, side: float, size: int, fill: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return one resampled square, given by its left and top edges and its side in the level's pixels."""
    factor = side / size
    # Whole pixels around the square, with a margin for the kernel; the resampler gets the square as a box
    # with fractional corners.
    rim = 3 + int(np.ceil(2 * factor))
    x0, y0 = int(np.floor(left)) - rim, int(np.floor(top)) - rim
    span = int(np.ceil(side)) + 2 * rim + 1
    patch = Image.fromarray(_window(level, x0, y0, span, fill))
    box = (left - x0, top - y0, left - x0 + side, top - y0 + side)
    kernel = Image.Resampling.HAMMING if factor > 1 else Image.Resampling.BICUBIC
    return np.asarray(patch.resize((size, size), kernel, box=box))


def _window(level: Level, x0: int, y0: int, span: int, fill: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a square of a level, which may reach beyond it."""
    height, width = level.shape[:2]
    if min(x0, y0) >= 0 and x0 + span <= width and y0 + span <= height:
        return np.asarray(level[y0 : y0 + span, x0 : x0 + span])
    window = np.empty((span, span, 3), np.uint8)
    window[:] = fill
    left, right = np.clip([x0, x0 + span], 0, width)
    top, bottom = np.clip([y0, y0 + span], 0, height)
    window[top - y0 : bottom - y0, left - x0 : right - x0] = level[top:bottom, left:right]
    return window
