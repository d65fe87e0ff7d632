"""Optics: light, lens and sensor turn ink into a photograph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.drawing.stain import Float, Ink, Stain
from napari_bonemarrow.drawing.texture import Lookup, granules

POINT_SPREAD_UM = 0.115
"""Standard deviation of the point spread function: an oil objective of numerical aperture 1.3, green
light."""


def film_tint(stain: Stain) -> Float:
    """Return the optical density of a dried plasma film of unit thickness, shape (3,)."""
    densities = stain.densities()
    mixed = 0.028 * densities[Ink.AZURE] + 0.018 * densities[Ink.VIOLET] + 0.02 * densities[Ink.EOSIN]
    tint: Float = (np.float32(stain.plasma) * mixed).astype(np.float32)
    return tint


def plasma_film(x: Float, y: Float, rng: np.random.Generator) -> Float:
    """Return the uneven thickness of the dried plasma between cells, mean 1, shape (h, w).

    Parameters
    ----------
    x, y : ndarray of float32, shape (h, w)
        µm.
    rng : numpy.random.Generator
    """
    look = Lookup(x, y, rng)
    sheet = 1 + 0.22 * look.noise(6.0) + 0.12 * look.noise(1.5) + 0.12 * look.noise(0.55)
    dust = granules(0.5, 1.7, spread=0.4, flat=0.3)
    specks, _ = look.granules(dust, np.clip(0.03 + 0.02 * look.noise(6.0), 0, 1))
    film: Float = np.clip(sheet, 0, 3) + 9 * specks
    return film


def photograph(
    density: Float,
    stain: Stain,
    microns_per_pixel: float,
    rng: np.random.Generator,
    *,
    vignette: float = 0.06,
    noise: float = 2.4,
    sharpening: float = 0.4,
) -> NDArray[np.uint8]:
    """Return the photograph of a smear.

    Parameters
    ----------
    density : ndarray of float32, shape (h, w, 3)
        Optical density; overwritten.
    stain : Stain
    microns_per_pixel : float
    rng : numpy.random.Generator
    vignette : float
        Fraction of the light lost in the corners.
    noise : float
        Standard deviation of the sensor's noise at full light, in levels of 255.
    sharpening : float
        Strength of the camera's sharpening, the cause of the pale line around cells.

    Returns
    -------
    ndarray of uint8, shape (h, w, 3)
    """
    from scipy import ndimage

    height, width = density.shape[:2]
    light = np.float32(-np.log(10)) * density
    np.exp(light, out=light)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] - np.float32(rng.uniform(-0.25, 0.25))
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :] - np.float32(rng.uniform(-0.25, 0.25))
    lamp = 1 - np.float32(vignette / 2) * (x * x + y * y)
    planes = []
    for channel in range(3):
        plane = light[..., channel] * lamp
        plane *= np.float32(stain.illumination[channel])
        planes.append(ndimage.gaussian_filter(plane, POINT_SPREAD_UM / microns_per_pixel, truncate=2.6))
    # A camera sharpens brightness, not colour; green stands for brightness.
    detail = ndimage.uniform_filter(planes[1], 2 * round(0.24 / microns_per_pixel) + 1)
    np.subtract(planes[1], detail, out=detail)
    detail *= np.float32(sharpening)
    picture = np.empty((height, width, 3), np.uint8)
    for channel, plane in enumerate(planes):
        plane += detail
        # Shot noise grows with the root of the light.
        spread = np.sqrt(np.maximum(plane, 4, out=light[..., 0]), out=light[..., 0])
        spread *= np.float32(noise / 16)
        spread *= rng.standard_normal(plane.shape, dtype=np.float32)
        plane += spread
        plane += np.float32(0.5)
        picture[..., channel] = np.clip(plane, 0, 255, out=plane)
    return picture
