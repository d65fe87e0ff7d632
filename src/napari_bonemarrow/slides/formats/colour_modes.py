"""Conversion of any colour mode and bit depth to 8-bit RGB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CAMERA_BITS = (8, 10, 12, 14, 16)
_BAND_BYTES = 2**22


def to_uint8(values: NDArray[Any], bits: int | None = None) -> NDArray[np.uint8]:
    """Return samples of any type as 8 bits, without stretching the contrast.

    Cameras put 10, 12 or 14 bits into 16, so the white level is the smallest of those depths that holds
    the brightest sample, unless the file states its bits. Floating point is 0 to 1, or the depth that
    holds it.

    Parameters
    ----------
    values : ndarray of an integer, floating or boolean type
    bits : int, optional
        Significant bits, stated by the file or measured on the whole image; 0 for floating point of 0 to 1.

    Returns
    -------
    ndarray of uint8, of the same shape

    Raises
    ------
    ValueError
        If samples are negative or not finite.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)) or low < 0:
        raise ValueError("it has negative or undefined sample values")
    depth = _depth(values.dtype, high) if bits is None else bits
    white = float(2**depth - 1) if depth else 1.0
    reduced = np.empty(values.shape, np.uint8)
    for band in bands(len(values) if values.ndim else 1, values.nbytes):
        scaled = values[band].astype(np.float32)
        scaled *= 255 / white
        reduced[band] = np.clip(np.rint(scaled, out=scaled), 0, 255, out=scaled)
    return reduced


def bands(rows: int, nbytes: int) -> Iterator[slice]:
    """Yield the rows of an image a few at a time, which keeps memory low."""
    step = max(1, rows * _BAND_BYTES // max(1, nbytes))
    yield from (slice(top, min(top + step, rows)) for top in range(0, rows, step))


def significant_bits(values: NDArray[Any]) -> int:
    """Return the bits that the brightest sample needs, 0 for floating point of 0 to 1.

    Raises
    ------
    ValueError
        If more than 16 are needed.
    """
    return _depth(values.dtype, float(values.max()))


def _depth(dtype: np.dtype[Any], high: float) -> int:
    if dtype.kind == "f" and high <= 1:
        return 0
    if high > 2**16 - 1:
        raise ValueError("it has more than 16 bits a sample")
    return next(depth for depth in _CAMERA_BITS if high <= 2**depth - 1)


def over_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a partly transparent image on white, the colour of an empty slide.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (h, w, 3)
        Not multiplied by alpha.
    alpha : ndarray of uint8, shape (h, w)

    Returns
    -------
    ndarray of uint8, shape (h, w, 3)
    """
    if alpha.min() == 255:
        return rgb
    laid = np.empty(rgb.shape, np.uint8)
    for band in bands(len(rgb), rgb.nbytes):
        weight = alpha[band, ..., None].astype(np.float32) / 255
        laid[band] = np.rint(rgb[band] * weight + 255 * (1 - weight))
    return laid


def to_rgb(samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return grey (1), grey and alpha (2), RGB (3) or RGB and alpha (4 samples) as RGB over white.

    Parameters
    ----------
    samples : ndarray of uint8, shape (h, w) or (h, w, 1 to 4)

    Returns
    -------
    ndarray of uint8, shape (h, w, 3)
    """
    if samples.ndim == 2:
        samples = samples[..., None]
    count = samples.shape[2]
    rgb = np.repeat(samples[..., :1], 3, axis=2) if count < 3 else samples[..., :3]
    return over_white(rgb, samples[..., -1]) if count in (2, 4) else rgb


# EXIF orientations (TIFF 6.0, tag 274) and how they become upright: transpose, then flips.
_UPRIGHT: dict[int, tuple[bool, bool, bool]] = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def upright(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return an image upright by its EXIF orientation (1 to 8; any other value changes nothing)."""
    transpose, flip_y, flip_x = _UPRIGHT.get(orientation, _UPRIGHT[1])
    if transpose:
        rgb = rgb.transpose(1, 0, 2)
    if flip_y:
        rgb = rgb[::-1]
    if flip_x:
        rgb = rgb[:, ::-1]
    return rgb
