"""Nuclei: their shapes, lobes and chromatin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.drawing.geometry import Grid, Polar, capsule, smooth_union, tube
from napari_bonemarrow.drawing.stain import Float
from napari_bonemarrow.drawing.styles import Chromatin
from napari_bonemarrow.drawing.texture import Lookup

Distance = Callable[[Float, Float], Float]


@dataclass(frozen=True, eq=False)
class Nucleus:
    """A nucleus relative to its centroid.

    Attributes
    ----------
    distance : callable
        Signed distance (µm) at points given in µm.
    reach : float
        Radius of the circle that holds it, µm.
    lobes : int
        Segments joined only by filaments; 1 unless segmented or bilobed.
    """

    distance: Distance
    reach: float
    lobes: int = 1


def _measured(distance: Distance, area_um2: float, reach: float, lobes: int = 1) -> Nucleus:
    """Return a shape scaled to an area with its centroid at (0, 0)."""
    pitch = 0.16
    axis = np.arange(-reach, reach, pitch, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    inside = distance(x, y) < 0
    scale = np.float32(np.sqrt(area_um2 / (np.count_nonzero(inside) * pitch**2)))
    cx, cy = np.float32(x[inside].mean()), np.float32(y[inside].mean())

    def placed(px: Float, py: Float) -> Float:
        return distance(px / scale + cx, py / scale + cy) * scale

    far = float(np.hypot(x[inside] - cx, y[inside] - cy).max() * scale)
    return Nucleus(placed, far + 0.3, lobes)


def _from_polar(polar: Polar, area_um2: float) -> Nucleus:
    return _measured(polar.distance, area_um2, polar.reach + 1)


def _round(radius: float, elongation: float, towards: float, rng: np.random.Generator) -> Nucleus:
    turn = rng.uniform(0, np.pi)
    polar = Polar.wavy(radius, rng, roughness=0.022, elongation=elongation, turn=turn)
    if rng.random() < 0.25:
        polar = polar.notched(rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.12), 0.35)
    return _from_polar(polar, np.pi * radius**2)


def _oval(radius: float, elongation: float, towards: float, rng: np.random.Generator) -> Nucleus:
    turn = towards + np.pi / 2 + rng.normal(0, 0.2)
    polar = Polar.wavy(radius, rng, roughness=0.025, elongation=elongation, turn=turn)
    polar = polar.notched(towards, rng.uniform(0.02, 0.14), 0.5)
    return _from_polar(polar, np.pi * radius**2)


def _kidney(radius: float, elongation: float, towards: float, rng: np.random.Generator) -> Nucleus:
    turn = towards + np.pi / 2 + rng.normal(0, 0.1)
    polar = Polar.wavy(radius, rng, roughness=0.02, elongation=elongation, turn=turn)
    polar = polar.notched(towards, rng.uniform(0.38, 0.5), rng.uniform(0.32, 0.45))
    return _from_polar(polar, np.pi * radius**2)


def _folded(radius: float, elongation: float, towards: float, rng: np.random.Generator) -> Nucleus:
    turn = towards + np.pi / 2 + rng.normal(0, 0.3)
    polar = Polar.wavy(radius, rng, roughness=0.06, elongation=elongation, turn=turn, waves=7)
    polar = polar.notched(towards + rng.normal(0, 0.3), rng.uniform(0.3, 0.55), rng.uniform(0.2, 0.4))
    for _ in range(int(rng.integers(0, 3))):
        aside = towards + rng.uniform(1.5, 4.8)
        polar = polar.notched(aside, rng.uniform(0.1, 0.25), rng.uniform(0.15, 0.3))
    return _from_polar(polar, np.pi * radius**2)


def _smeared(radius: float, elongation: float, towards: float, rng: np.random.Generator) -> Nucleus:
    turn = rng.uniform(0, np.pi)
    polar = Polar.wavy(radius, rng, roughness=0.16, elongation=elongation, turn=turn, waves=14)
    return _from_polar(polar, np.pi * radius**2)


def _band(radius: float, elongation: float, towards: float, rng: np.random.Generator) -> Nucleus:
    """Return a ribbon bent into a C, a U or an S; its width stays above a third of its widest part."""
    length, points = radius * rng.uniform(2.7, 3.4), 26
    t = np.linspace(-0.5, 0.5, points)
    if rng.random() < 0.75:
        bend = rng.uniform(3.0, 4.4) * np.ones(points)
    else:
        bend = 5.5 * np.tanh(t * 6) * rng.choice([-1, 1])
    heading = towards + np.pi / 2 + np.cumsum(bend) / points - bend.sum() / points / 2
    path = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1) * (length / points), axis=0)
    path -= path.mean(0)
    pinch = 1 - rng.uniform(0.05, 0.3) * np.exp(-0.5 * ((t - rng.uniform(-0.15, 0.15)) / 0.12) ** 2)
    ends = 1 + rng.uniform(0.0, 0.25) * np.abs(2 * t) ** 2
    radii = 0.42 * radius * pinch * ends
    return _measured(
        lambda x, y: tube(x, y, path, radii, 0.0), np.pi * radius**2, float(np.abs(path).max() + radius)
    )


def _chain(lobes: int, sizes: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return lobes along a bent chain: of several tries, the most compact with separate lobes."""
    best, best_score = np.zeros((lobes, 2)), -np.inf
    for _ in range(12):
        heading, sign = rng.uniform(0, 2 * np.pi), rng.choice([-1, 1])
        points = [np.zeros(2)]
        for k in range(1, lobes):
            gap = (sizes[k - 1] + sizes[k]) * rng.uniform(0.88, 1.18)
            points.append(points[-1] + gap * np.array([np.cos(heading), np.sin(heading)]))
            heading += sign * rng.uniform(0.35, 1.8)
            sign = -sign if rng.random() < 0.2 else sign
        path = np.array(points)
        away = np.linalg.norm(path[:, None] - path[None], axis=2)
        apart = [away[i, j] - sizes[i] - sizes[j] for i in range(lobes) for j in range(i + 2, lobes)]
        score = min([0.0, *apart]) * 3 - np.linalg.norm(path - path.mean(0), axis=1).max()
        if score > best_score:
            best, best_score = path, score
    centred: NDArray[np.float64] = best - best.mean(0)
    return centred


def _lobed(lobes: int, radius: float, filament: float, rng: np.random.Generator) -> Nucleus:
    sizes = np.sqrt(rng.uniform(0.5, 1.5, lobes) / lobes) * radius
    path = _chain(lobes, sizes, rng)
    shapes = []
    for k in range(lobes):
        along = path[min(k + 1, lobes - 1)] - path[max(k - 1, 0)]
        turn = float(np.arctan2(along[1], along[0])) + rng.normal(0, 0.4)
        shapes.append(
            Polar.wavy(sizes[k], rng, roughness=0.06, elongation=rng.uniform(1.05, 1.75), turn=turn)
        )

    def distance(x: Float, y: Float) -> Float:
        united: Float = np.full(x.shape, 1e3, np.float32)
        for k in range(lobes):
            part = shapes[k].distance(x - np.float32(path[k, 0]), y - np.float32(path[k, 1]))
            united = np.minimum(united, part)
        for k in range(1, lobes):
            start = (float(path[k - 1, 0]), float(path[k - 1, 1]))
            end = (float(path[k, 0]), float(path[k, 1]))
            united = smooth_union(united, capsule(x, y, start, end, filament), 0.25)
        return united

    reach = float(np.linalg.norm(path, axis=1).max() + 2 * radius)
    return _measured(distance, np.pi * radius**2, reach, lobes)


def _segmented(radius: float, elongation: float, towards: float, rng: np.random.Generator) -> Nucleus:
    lobes = int(rng.choice([3, 4, 5], p=[0.56, 0.32, 0.12]))
    return _lobed(lobes, radius, rng.uniform(0.18, 0.3), rng)


def _bilobed(radius: float, elongation: float, towards: float, rng: np.random.Generator) -> Nucleus:
    return _lobed(2, radius, rng.uniform(0.25, 0.6), rng)


SHAPES: Mapping[str, Callable[[float, float, float, np.random.Generator], Nucleus]] = MappingProxyType(
    {
        "round": _round,
        "oval": _oval,
        "kidney": _kidney,
        "folded": _folded,
        "band": _band,
        "segmented": _segmented,
        "bilobed": _bilobed,
        "smeared": _smeared,
    }
)
"""Shape functions by name, called with the radius of the circle of equal area (µm), the elongation and the
direction of the cell's middle (radians)."""


def _ridges(noise: Float) -> Float:
    """Return a network of threads made from noise, mean about 0, standard deviation about 1."""
    threads: Float = np.float32(1.33) - np.float32(1.66) * np.abs(noise)
    return threads


def _blocks(noise: Float, gain: float) -> Float:
    blocks: Float = np.tanh(noise * np.float32(gain))
    return blocks


def _fine(look: Lookup, grid: Grid, distance: Float) -> Float:
    texture: Float = 0.3 * look.noise(0.55) + 0.7 * _ridges(look.noise(0.95)) + 0.4 * look.noise(2.2)
    return texture


def _coarse(look: Lookup, grid: Grid, distance: Float) -> Float:
    texture: Float = 0.2 * look.noise(0.55) + 0.7 * _blocks(look.noise(1.15), 1.2) + 0.6 * look.noise(2.2)
    return texture


def _clumped(look: Lookup, grid: Grid, distance: Float) -> Float:
    texture: Float = 0.15 * look.noise(0.55) + 0.85 * _blocks(look.noise(1.5), 1.6) + 0.45 * look.noise(2.2)
    return texture


def _checkered(look: Lookup, grid: Grid, distance: Float) -> Float:
    texture: Float = 0.15 * look.noise(0.55) + 0.9 * _blocks(look.noise(1.5), 1.5)
    return texture


def _reticular(look: Lookup, grid: Grid, distance: Float) -> Float:
    texture: Float = 0.2 * look.noise(0.55) + 0.85 * _ridges(look.noise(0.95)) + 0.45 * look.noise(2.2)
    return texture


def _lacy(look: Lookup, grid: Grid, distance: Float) -> Float:
    texture: Float = (
        0.2 * look.noise(0.55)
        + 0.5 * _ridges(look.noise(1.5))
        + 0.55 * look.noise(0.95)
        + 0.55 * look.noise(2.2)
    )
    return texture


def _smudged(look: Lookup, grid: Grid, distance: Float) -> Float:
    texture: Float = 0.2 * look.noise(0.55) + 0.8 * _blocks(look.noise(2.2), 1.2) + 0.3 * look.noise(1.15)
    return texture


def _spongy(look: Lookup, grid: Grid, distance: Float) -> Float:
    texture: Float = 0.5 * look.noise(0.55) + 0.55 * look.noise(0.95) + 0.5 * look.noise(2.2)
    return texture


def _clock(look: Lookup, grid: Grid, distance: Float) -> Float:
    """Return clock-face chromatin: blocks along the membrane, fewer in the middle."""
    edge = np.exp(-(((distance + 0.9) / 0.9) ** 2))
    blocks = _blocks(look.noise(1.5), 2.2)
    texture: Float = blocks * (0.5 + 0.7 * edge) + 0.25 * look.noise(0.55) + 0.35 * edge
    return texture


def _strands(look: Lookup, grid: Grid, distance: Float) -> Float:
    texture: Float = 0.4 * look.noise(0.95) + 0.5 * _ridges(look.noise(2.2)) + 0.8 * look.noise(4.5)
    return texture


PATTERNS: Mapping[str, Callable[[Lookup, Grid, Float], Float]] = MappingProxyType(
    {
        "fine": _fine,
        "coarse": _coarse,
        "clumped": _clumped,
        "checkered": _checkered,
        "reticular": _reticular,
        "lacy": _lacy,
        "smudged": _smudged,
        "spongy": _spongy,
        "clock": _clock,
        "strands": _strands,
    }
)
"""Chromatin textures by name, of about unit standard deviation."""


def chromatin(style: Chromatin, level: float, look: Lookup, grid: Grid, distance: Float) -> Float:
    """Return the ink of chromatin over a window, before the nucleus's outline is cut.

    Parameters
    ----------
    style : Chromatin
    level : float
        Mean ink, from ``style.density``.
    look : Lookup
    grid : Grid
    distance : ndarray of float32, shape (h, w)
        Signed distance to the nucleus's border, µm.

    Returns
    -------
    ndarray of float32, shape (h, w)
    """
    texture = PATTERNS[style.pattern](look, grid, distance)
    # A nucleus dries to a flat disc with a rounded shoulder about 1.5 µm wide.
    shoulder = 0.84 + 0.16 * np.clip(-distance / 1.5, 0, 1)
    rim = style.rim * np.exp(-(((distance + 0.35) / 0.3) ** 2))
    ink: Float = np.float32(level) * np.clip(
        shoulder * (1 + style.contrast * np.clip(texture, -1.7, 2.5) + 0.09 * look.noise(6.0)) + rim,
        0.25,
        1.7,
    )
    return ink.astype(np.float32, copy=False)
