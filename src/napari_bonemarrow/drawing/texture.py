"""Procedural textures: repeating tiles, made once and looked up in micrometres.

A tile does not depend on the resolution of the image, so a smear drawn at another scale has the same
chromatin and granules in the same places.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.drawing.stain import Float

TILE = 1024
"""Pixels along a tile's side, a power of two."""
SPACING = 0.04
"""µm between a tile's pixels: five to ten samples across the finest granule."""
_SIDE_UM = TILE * SPACING
_COARSE_UM = 0.12


@lru_cache(maxsize=1)
def _white() -> tuple[NDArray[np.complex64], Float]:
    """Return the spectrum of white noise and the frequency (1/µm) of each element."""
    from scipy import fft

    rng = np.random.default_rng(11)
    spectrum = fft.rfft2(rng.standard_normal((TILE, TILE), dtype=np.float32))
    fy = fft.fftfreq(TILE, SPACING).astype(np.float32)[:, None]
    fx = fft.rfftfreq(TILE, SPACING).astype(np.float32)[None, :]
    return spectrum, np.sqrt(fx * fx + fy * fy)


@lru_cache(maxsize=16)
def noise(wavelength_um: float) -> Float:
    """Return isotropic noise of one spatial frequency.

    Parameters
    ----------
    wavelength_um : float
        Distance between neighbouring crests.

    Returns
    -------
    ndarray of float32, shape (TILE, TILE)
        Mean 0, standard deviation 1, periodic.
    """
    from scipy import fft

    spectrum, frequency = _white()
    band = np.exp(-0.5 * ((frequency * np.float32(wavelength_um) - 1) / 0.4) ** 2)
    band[0, 0] = 0
    made = fft.irfft2(spectrum * band, s=(TILE, TILE))
    # Shifted, so that tiles of neighbouring wavelengths do not rise and fall together.
    shift = int(wavelength_um * 1009)
    result: Float = np.roll(made / made.std(), (shift % TILE, 3 * shift % TILE), (0, 1)).astype(np.float32)
    result.flags.writeable = False
    return result


@dataclass(frozen=True, eq=False)
class GranuleTile:
    """Granules on a tile.

    Attributes
    ----------
    profile : ndarray of float32, shape (TILE, TILE)
        Thickness of the granule at each pixel, 0 outside to 1 at a granule's middle.
    rank : ndarray of float32, shape (TILE, TILE)
        A random number from 0 to 1 for each granule, constant over it: those below the wanted density show.
    """

    profile: Float
    rank: Float


@lru_cache(maxsize=16)
def granules(diameter_um: float, spacing_um: float, spread: float = 0.25, flat: float = 0.5) -> GranuleTile:
    """Return granules on a jittered grid.

    Parameters
    ----------
    diameter_um : float
        Mean diameter of a granule.
    spacing_um : float
        Mean distance between neighbours.
    spread : float
        Relative standard deviation of the diameter.
    flat : float
        0 a cone, 1 a disc with a sharp edge.

    Returns
    -------
    GranuleTile
    """
    rng = np.random.default_rng([int(diameter_um * 1000), int(spacing_um * 1000), 13])
    small = TILE // 2
    side = max(4, round(small * SPACING / spacing_um))
    places = np.indices((side, side)).reshape(2, -1)
    middles = (places + 0.5 + rng.uniform(-0.42, 0.42, places.shape)) * (small / side)
    count = side * side
    radii = diameter_um / 2 / SPACING * np.clip(rng.normal(1, spread, count), 0.4, 1.8)
    ranks = rng.random(count, dtype=np.float32)
    squeeze = rng.uniform(0.75, 1.25, count)
    # All granules at once, each on its own window: arrays of (granule, row, column).
    window = np.arange(-int(1.3 * radii.max()) - 1, int(1.3 * radii.max()) + 2)
    nearest = np.rint(middles).astype(np.intp)
    rows, columns = nearest[0][:, None] + window, nearest[1][:, None] + window
    dy = ((rows - middles[0][:, None]) * (squeeze / radii)[:, None]).astype(np.float32)
    dx = ((columns - middles[1][:, None]) / (squeeze * radii)[:, None]).astype(np.float32)
    away = np.sqrt(dy[:, :, None] ** 2 + dx[:, None, :] ** 2)
    hump = np.clip((1 - away) / np.float32(max(1e-3, 1 - flat)), 0, 1)
    pixel = (rows % small)[:, :, None] * small + (columns % small)[:, None, :]
    profile, rank = np.zeros(small * small, np.float32), np.ones(small * small, np.float32)
    np.maximum.at(profile, pixel.ravel(), hump.ravel())
    on_top = (hump == profile[pixel]) & (hump > 0)
    rank[pixel[on_top]] = np.broadcast_to(ranks[:, None, None], hump.shape)[on_top]
    tile = GranuleTile(
        np.tile(profile.reshape(small, small), (2, 2)), np.tile(rank.reshape(small, small), (2, 2))
    )
    tile.profile.flags.writeable = tile.rank.flags.writeable = False
    return tile


@lru_cache(maxsize=16)
def _flattened(tile: GranuleTile, width_um: float) -> Float:
    """Return granules averaged over a pixel's width."""
    from scipy import ndimage

    made: Float = ndimage.gaussian_filter(tile.profile, 0.4 * width_um / SPACING, mode="wrap")
    return made


class Lookup:
    """Positions of an image's pixels on the tiles, with one random shift and turn for each cell.

    Parameters
    ----------
    x, y : ndarray of float32, shape (h, w)
        µm.
    rng : numpy.random.Generator
        Gives shift and turn; the number of draws does not depend on the image's size.
    stretch : float
        Stretch of the texture along one direction.
    """

    def __init__(self, x: Float, y: Float, rng: np.random.Generator, stretch: float = 1.0) -> None:
        angle, sx, sy = rng.uniform(0, 2 * np.pi), rng.uniform(0, _SIDE_UM), rng.uniform(0, _SIDE_UM)
        cos, sin = np.cos(angle) / SPACING, np.sin(angle) / SPACING
        along = x * np.float32(cos / stretch) - y * np.float32(sin / stretch)
        u = (along + np.float32(sx / SPACING)).astype(np.int32)
        v = (x * np.float32(sin) + y * np.float32(cos) + np.float32(sy / SPACING)).astype(np.int32)
        # A pixel averages over its width, which flattens fine textures in coarse images.
        self._width = float(x[0, 1] - x[0, 0]) if x.shape[1] > 1 else SPACING
        self._index: NDArray[np.int32] = (v & (TILE - 1)) * TILE + (u & (TILE - 1))

    def __call__(self, tile: Float) -> Float:
        """Return the tile's value at each pixel, shape (h, w)."""
        taken: Float = tile.ravel().take(self._index)
        return taken

    def noise(self, wavelength_um: float) -> Float:
        """Return noise of a wavelength at each pixel."""
        found = self(noise(wavelength_um))
        if self._width > _COARSE_UM:
            found *= np.float32(np.exp(-2 * (np.pi * 0.4 * self._width / wavelength_um) ** 2))
        return found

    def granules(self, tile: GranuleTile, density: Float | float) -> tuple[Float, Float]:
        """Return thickness and rank of the granules shown at a density (0 to 1), each of shape (h, w)."""
        profile = tile.profile
        if self._width > _COARSE_UM:
            profile = _flattened(tile, self._width)
        rank = self(tile.rank)
        shown: Float = self(profile) * (rank < density)
        return shown, rank
