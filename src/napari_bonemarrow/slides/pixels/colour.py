"""Colours of a stained smear: its background and optical density."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_THUMBNAIL = 512
_BINS = 96


def resized(rgb: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Return an image resampled: the mean of the covered pixels to shrink, bicubic to enlarge."""
    shrinks = width <= rgb.shape[1]
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(rgb).resize((width, height), method))


def thumbnail(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image shrunk to at most 512 pixels per side."""
    factor = max(rgb.shape[:2]) / _THUMBNAIL
    if factor <= 1:
        return rgb
    return resized(rgb, max(1, round(rgb.shape[1] / factor)), max(1, round(rgb.shape[0] / factor)))


def background_colour(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the colour between the cells of a smear; see `background_of`.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (h, w, 3)

    Returns
    -------
    ndarray of uint8, shape (3,)
    """
    return background_of(thumbnail(rgb).reshape(-1, 3))


def background_of(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the background's colour from pixels of a smear.

    It is the median colour around the most frequent brightness in the brighter half of the pixels, which
    neither cells nor brighter holes (fat vacuoles, bubbles) change.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (n, 3)

    Returns
    -------
    ndarray of uint8, shape (3,)
    """
    brightness = pixels.sum(axis=1, dtype=np.int64)
    counts, edges = np.histogram(brightness, bins=_BINS, range=(0, 766))
    centres = (edges[:-1] + edges[1:]) / 2
    smooth = np.convolve(counts, (1, 2, 1), "same")
    smooth[centres < np.median(brightness) - (edges[1] - edges[0])] = 0
    near = np.abs(brightness - centres[smooth.argmax()]) <= 1.5 * (edges[1] - edges[0])
    return np.asarray(np.median(pixels[near], axis=0), np.uint8)


def optical_density(rgb: NDArray[np.uint8], background: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the natural-log absorbance relative to the background (Beer-Lambert).

    Dividing by the background removes a colour cast and the lamp's brightness.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (h, w, 3)
    background : ndarray of uint8, shape (3,)

    Returns
    -------
    ndarray of float32, shape (h, w, 3)
    """
    levels = np.log(np.maximum(np.arange(256, dtype=np.float32), 4.0))
    white = levels[np.maximum(background, 32)]
    return white - levels[rgb]
