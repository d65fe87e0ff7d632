"""Shapes as signed distances in micrometres: negative inside, smooth, with soft edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.drawing.stain import Float

_TURN = 720


@dataclass(frozen=True, eq=False)
class Grid:
    """A window of pixels, in µm from a cell's middle.

    Attributes
    ----------
    x, y : ndarray of float32, shape (h, w)
        µm from the middle.
    step : float
        µm per pixel.
    """

    x: Float
    y: Float
    step: float

    @classmethod
    def window(
        cls, left: int, top: int, width: int, height: int, middle: tuple[float, float], step: float
    ) -> Grid:
        """Return the grid of pixels ``left .. left + width`` and ``top .. top + height``.

        Parameters
        ----------
        left, top, width, height : int
            Pixels of the image.
        middle : tuple of float
            x and y, in µm of the image, that become (0, 0).
        step : float
            µm per pixel.
        """
        xs = ((left + np.arange(width)) * step - middle[0]).astype(np.float32)
        ys = ((top + np.arange(height)) * step - middle[1]).astype(np.float32)
        x, y = np.meshgrid(xs, ys)
        return cls(x, y, step)


def coverage(distance: Float, soft_um: float) -> Float:
    """Return the coverage of a signed distance: 1 inside, 0 outside, with an edge ``soft_um`` wide."""
    t = np.clip(0.5 - distance / np.float32(soft_um), 0, 1)
    smooth: Float = t * t * (3 - 2 * t)
    return smooth


def smooth_union(first: Float, second: Float, blend_um: float) -> Float:
    """Return the union of two signed distances with a fillet (polynomial smooth minimum)."""
    h = np.clip(0.5 + 0.5 * (second - first) / np.float32(blend_um), 0, 1)
    united: Float = second + (first - second) * h - np.float32(blend_um) * h * (1 - h)
    return united


@dataclass(frozen=True, eq=False)
class Polar:
    """A star-shaped outline: one radius for each of 720 directions.

    Attributes
    ----------
    radii : ndarray of float64, shape (720,)
        µm.
    """

    radii: NDArray[np.float64]

    @classmethod
    def wavy(
        cls,
        radius_um: float,
        rng: np.random.Generator,
        *,
        roughness: float = 0.04,
        elongation: float = 1.0,
        turn: float = 0.0,
        waves: int = 6,
    ) -> Polar:
        """Return a random rounded outline.

        Parameters
        ----------
        radius_um : float
            Radius of the circle with the same area.
        rng : numpy.random.Generator
        roughness : float
            Relative amplitude of the waves; higher frequencies are weaker.
        elongation : float
            Long axis over short axis.
        turn : float
            Direction of the long axis, radians.
        waves : int
            Highest number of waves around the outline.
        """
        theta = directions()
        a = np.sqrt(elongation)
        radii = 1 / np.hypot(np.cos(theta - turn) / a, np.sin(theta - turn) * a)
        for k in range(2, waves + 1):
            amplitude = roughness * rng.normal() / (k - 1) ** 0.8
            radii += amplitude * np.cos(k * theta + rng.uniform(0, 2 * np.pi))
        return cls(radii).scaled_to_area(np.pi * radius_um**2)

    @property
    def area(self) -> float:
        """Return the area in µm²."""
        return float(0.5 * np.sum(self.radii**2) * 2 * np.pi / _TURN)

    @property
    def reach(self) -> float:
        """Return the largest radius, µm."""
        return float(self.radii.max())

    @cached_property
    def _tables(self) -> tuple[Float, Float, Float]:
        """Return radius, rise to the next direction, factor from radial to shortest distance; two turns."""
        after = np.roll(self.radii, -1)
        change = (after - np.roll(self.radii, 1)) / (4 * np.pi / _TURN)
        slope = 1 / np.sqrt(1 + (change / self.radii) ** 2)
        radii, rise, slant = (
            np.tile(table, 2).astype(np.float32) for table in (self.radii, after - self.radii, slope)
        )
        return radii, rise, slant

    def scaled_to_area(self, area_um2: float) -> Polar:
        """Return the shape scaled to another area."""
        return Polar(self.radii * np.sqrt(area_um2 / self.area))

    def notched(self, direction: float, depth: float, width: float) -> Polar:
        """Return the shape with a notch.

        Parameters
        ----------
        direction : float
            Radians.
        depth : float
            Fraction of the radius removed; negative makes a bulge.
        width : float
            Standard deviation of the notch, radians.
        """
        gap = np.angle(np.exp(1j * (directions() - direction)))
        return Polar(self.radii * (1 - depth * np.exp(-0.5 * (gap / width) ** 2)))

    def at(self, direction: float) -> float:
        """Return the radius in a direction (radians), µm."""
        return float(self.radii[int(direction / (2 * np.pi) * _TURN) % _TURN])

    def distance(self, x: Float, y: Float) -> Float:
        """Return the first-order signed distance, µm, at points given in µm from the middle."""
        table, rise, slope = self._tables
        theta = np.arctan2(y, x)
        theta *= np.float32(_TURN / (2 * np.pi))
        theta += np.float32(_TURN)
        low = theta.astype(np.int32)
        theta -= low
        signed: Float = np.sqrt(x * x + y * y)
        signed -= table.take(low)
        signed -= rise.take(low) * theta
        signed *= slope.take(low)
        return signed


def directions() -> NDArray[np.float64]:
    """Return the 720 directions of a `Polar`, radians."""
    theta: NDArray[np.float64] = np.arange(_TURN, dtype=np.float64) * (2 * np.pi / _TURN)
    return theta


def capsule(x: Float, y: Float, start: tuple[float, float], end: tuple[float, float], radius: float) -> Float:
    """Return the signed distance to a rod with round ends, µm."""
    ax, ay = np.float32(end[0] - start[0]), np.float32(end[1] - start[1])
    px, py = x - np.float32(start[0]), y - np.float32(start[1])
    t = np.clip((px * ax + py * ay) / max(1e-6, ax * ax + ay * ay), 0, 1)
    signed: Float = np.hypot(px - ax * t, py - ay * t) - np.float32(radius)
    return signed


def tube(
    x: Float, y: Float, path: NDArray[np.float64], radii: NDArray[np.float64], blend_um: float = 0.3
) -> Float:
    """Return the signed distance to a bent tube.

    Parameters
    ----------
    x, y : ndarray of float32, shape (h, w)
        µm.
    path : ndarray of float64, shape (n, 2)
        Points along the tube's middle, µm, spaced more closely than the tube's radius.
    radii : ndarray of float64, shape (n,)
        µm.
    blend_um : float
        Rounding where parts of the tube meet.
    """
    nearest = np.full(x.shape, np.float32(1e6))
    for (px, py), radius in zip(path, radii, strict=True):
        dx, dy = x - np.float32(px), y - np.float32(py)
        part = np.sqrt(dx * dx + dy * dy) - np.float32(radius)
        nearest = smooth_union(nearest, part, blend_um) if blend_um else np.minimum(nearest, part)
    return nearest
