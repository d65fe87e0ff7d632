"""Procedural textures, made once as tiles that repeat and looked up in micrometres.

A tile is the same whatever the resolution of the picture, so that a smear drawn at another scale has the
same chromatin and the same granules in the same places.
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


@lru_cache(maxsize=16)
def noise(wavelength_um: float) -> Float:
    """Make isotropic noise of one spatial frequency.

    Parameters
    ----------
    wavelength_um : float
        Distance between neighbouring crests.

    Returns
    -------
    ndarray of float32, shape (TILE, TILE)
        Mean 0, standard deviation 1, wraps round at the edges.
    """
    from scipy import fft

    rng = np.random.default_rng([int(wavelength_um * 1000), 11])
    white = rng.standard_normal((TILE, TILE), dtype=np.float32)
    fy = fft.fftfreq(TILE, SPACING).astype(np.float32)[:, None]
    fx = fft.rfftfreq(TILE, SPACING).astype(np.float32)[None, :]
    radius = np.hypot(fx, fy) * np.float32(wavelength_um)
    band = np.exp(-0.5 * ((radius - 1) / 0.4) ** 2)
    band[0, 0] = 0
    made = fft.irfft2(fft.rfft2(white) * band, s=(TILE, TILE))
    result: Float = (made / made.std()).astype(np.float32)
    result.flags.writeable = False
    return result


@dataclass(frozen=True, slots=True)
class GranuleTile:
    """Granules laid out on a tile.

    Attributes
    ----------
    profile : ndarray of float32, shape (TILE, TILE)
        Thickness of the granule at each pixel, 0 outside to 1 at a granule's middle.
    rank : ndarray of float32, shape (TILE, TILE)
        One random number of 0 to 1 a granule, constant over it: show those below the density wanted.
    """

    profile: Float
    rank: Float


@lru_cache(maxsize=16)
def granules(diameter_um: float, spacing_um: float, spread: float = 0.25, flat: float = 0.5) -> GranuleTile:
    """Lay out granules on a jittered grid.

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
    pitch = small / side
    shape = (side, side)
    jitter = rng.uniform(-0.42, 0.42, (2, *shape)).astype(np.float32)
    radii = diameter_um / 2 / SPACING * np.clip(rng.normal(1, spread, shape), 0.4, 1.8)
    ranks = rng.random(shape, dtype=np.float32)
    squeeze = rng.uniform(0.75, 1.25, shape).astype(np.float32)
    at = np.arange(small, dtype=np.float32) / np.float32(pitch)
    place = at.astype(np.intp)
    profile, rank = np.zeros((small, small), np.float32), np.ones((small, small), np.float32)
    # A granule reaches at most into the eight places round its own.
    for oy, ox in np.ndindex(3, 3):
        rows, columns = np.ix_((place + oy - 1) % side, (place + ox - 1) % side)
        dy = at[:, None] - (place + oy - 0.5)[:, None] - jitter[0][rows, columns]
        dx = at[None, :] - (place + ox - 0.5)[None, :] - jitter[1][rows, columns]
        stretch = squeeze[rows, columns]
        away = np.hypot(dy * stretch, dx / stretch) * pitch / radii[rows, columns]
        hump = np.clip((1 - away) / max(1e-3, 1 - flat), 0, 1).astype(np.float32)
        wins = hump > profile
        rank = np.where(wins, ranks[rows, columns], rank)
        profile = np.maximum(profile, hump)
    profile, rank = np.tile(profile, (2, 2)), np.tile(rank, (2, 2))
    profile.flags.writeable = rank.flags.writeable = False
    return GranuleTile(profile, rank)


class Lookup:
    """Where a picture's pixels fall on the tiles: one random shift and turn for one cell.

    Parameters
    ----------
    x, y : ndarray of float32, shape (h, w)
        µm.
    rng : numpy.random.Generator
        Gives shift and turn; the number of draws does not depend on the picture's size.
    """

    def __init__(self, x: Float, y: Float, rng: np.random.Generator) -> None:
        angle, sx, sy = rng.uniform(0, 2 * np.pi), rng.uniform(0, _SIDE_UM), rng.uniform(0, _SIDE_UM)
        cos, sin = np.cos(angle) / SPACING, np.sin(angle) / SPACING
        u = (x * np.float32(cos) - y * np.float32(sin) + np.float32(sx / SPACING)).astype(np.int32)
        v = (x * np.float32(sin) + y * np.float32(cos) + np.float32(sy / SPACING)).astype(np.int32)
        self._index: NDArray[np.int32] = (v & (TILE - 1)) * TILE + (u & (TILE - 1))

    def __call__(self, tile: Float) -> Float:
        """Return the tile's value at each pixel, shape (h, w)."""
        taken: Float = tile.ravel().take(self._index)
        return taken

    def noise(self, wavelength_um: float) -> Float:
        """Return noise of a wavelength at each pixel."""
        return self(noise(wavelength_um))
