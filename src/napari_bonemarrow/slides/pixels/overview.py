"""Overview: a small image of a whole slide, for survey and background."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.pixels.colour import background_colour, resized
from napari_bonemarrow.slides.pixels.tiled import TiledLevel
from napari_bonemarrow.slides.slide import Slide

_BACKGROUND_SIDE = 512

_backgrounds: WeakKeyDictionary[Slide, NDArray[np.uint8]] = WeakKeyDictionary()


def overview(slide: Slide, long_side: int = 1024) -> NDArray[np.uint8]:
    """Return the whole slide with a longest side, from the coarsest level that is at least as long.

    Parameters
    ----------
    slide : Slide
    long_side : int
        Pixels. A smaller slide is returned as it is.

    Returns
    -------
    ndarray of uint8, shape (h, w, 3)
        White where a tile cannot be read.
    """
    chosen = max((i for i, level in enumerate(slide.levels) if max(level.shape) >= long_side), default=0)
    level = slide.levels[chosen]
    shown = level.forgiving() if isinstance(level, TiledLevel) else level
    pixels: NDArray[np.uint8] = np.asarray(shown[:, :])
    height, width = pixels.shape[:2]
    factor = max(height, width) / long_side
    if factor <= 1:
        return pixels
    return resized(pixels, max(1, round(width / factor)), max(1, round(height / factor)))


def slide_background(slide: Slide) -> NDArray[np.uint8]:
    """Return the background colour of a slide, measured once; shape (3,)."""
    if slide not in _backgrounds:
        _backgrounds[slide] = background_colour(overview(slide, _BACKGROUND_SIDE))
    return _backgrounds[slide]
