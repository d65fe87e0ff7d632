"""Cytoplasm: its outline, blue, granules, vacuoles and rods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from napari_bonemarrow.drawing.geometry import Grid, Polar, capsule, coverage
from napari_bonemarrow.drawing.stain import Float, Ink
from napari_bonemarrow.drawing.styles import Cytoplasm, Granules, Range
from napari_bonemarrow.drawing.texture import Lookup, granules


def _smooth(polar: Polar, rng: np.random.Generator) -> Polar:
    return polar


def _bumps(polar: Polar, rng: np.random.Generator, count: int, height: Range, width: Range) -> Polar:
    for _ in range(count):
        polar = polar.notched(rng.uniform(0, 2 * np.pi), -rng.uniform(*height), rng.uniform(*width))
    return polar


def _blebs(polar: Polar, rng: np.random.Generator) -> Polar:
    return _bumps(polar, rng, int(rng.integers(0, 4)), (0.02, 0.12), (0.2, 0.4))


def _frayed(polar: Polar, rng: np.random.Generator) -> Polar:
    polar = _bumps(polar, rng, int(rng.integers(2, 7)), (-0.06, 0.14), (0.08, 0.25))
    return _bumps(polar, rng, 14, (-0.03, 0.05), (0.03, 0.08))


def _hairy(polar: Polar, rng: np.random.Generator) -> Polar:
    polar = _bumps(polar, rng, 6, (-0.05, 0.10), (0.1, 0.2))
    return _bumps(polar, rng, int(rng.integers(28, 46)), (0.03, 0.15), (0.03, 0.07))


def _ragged(polar: Polar, rng: np.random.Generator) -> Polar:
    polar = _bumps(polar, rng, 8, (-0.12, 0.2), (0.1, 0.25))
    return _bumps(polar, rng, 22, (-0.10, 0.10), (0.03, 0.09))


EDGES: Mapping[str, Callable[[Polar, np.random.Generator], Polar]] = MappingProxyType(
    {"smooth": _smooth, "blebs": _blebs, "frayed": _frayed, "hairy": _hairy, "ragged": _ragged}
)
"""Edges by name: changes to a rounded outline."""


def between(limits: Range, rng: np.random.Generator) -> float:
    """Return a uniform random number from a range."""
    return float(rng.uniform(*limits))


def paint_ground(
    ink: Float,
    style: Cytoplasm,
    look: Lookup,
    cell: Float,
    body: Float,
    hof: Float,
    rng: np.random.Generator,
) -> None:
    """Add the cytoplasm's own colour to ``ink``.

    Parameters
    ----------
    ink : ndarray of float32, shape (6, h, w)
        Changed in place.
    style : Cytoplasm
    look : Lookup
    cell, body : ndarray of float32, shape (h, w)
        Signed distance to the cell's border (µm) and coverage.
    hof : ndarray of float32, shape (h, w)
        0 to 1 where the Golgi region pales the cytoplasm.
    rng : numpy.random.Generator
    """
    mottle = 1 + np.float32(style.mottle) * (
        0.45 * look.noise(0.95) + 0.15 * look.noise(0.55) + 0.6 * look.noise(2.2)
    )
    thickness = 0.72 + 0.28 * np.clip(-cell / 1.6, 0, 1)
    border = np.exp(-((np.minimum(cell, 0) / 1.4) ** 2))
    sheet = body * np.clip(mottle, 0.2, 2) * thickness
    blue = sheet * (1 + np.float32(style.rim) * border) * (1 - np.float32(style.hof) * hof)
    ink[Ink.AZURE] += np.float32(between(style.azure, rng)) * blue
    ink[Ink.EOSIN] += np.float32(between(style.eosin, rng)) * sheet
    ink[Ink.HAEMOGLOBIN] += np.float32(between(style.haemoglobin, rng)) * body * thickness
    ink[Ink.VIOLET] += np.float32(between(style.violet, rng)) * sheet


def paint_granules(
    ink: Float,
    kind: Granules,
    look: Lookup,
    body: Float,
    nucleus: Float,
    hof: Float,
    rng: np.random.Generator,
) -> None:
    """Add one kind of granule to the cytoplasm.

    Parameters
    ----------
    ink : ndarray of float32, shape (6, h, w)
        Changed in place.
    kind : Granules
    look : Lookup
    body, nucleus : ndarray of float32, shape (h, w)
        Coverages of the cell and of its nucleus.
    hof : ndarray of float32, shape (h, w)
        Granules are a little denser around the Golgi region.
    rng : numpy.random.Generator
    """
    tile = granules(kind.diameter, kind.spacing, kind.spread, kind.flat)
    density = np.float32(between(kind.density, rng)) * (1 + 0.25 * look.noise(4.5) + 0.2 * hof)
    shown, rank = look.granules(tile, density)
    shown *= body
    shown *= 1 - nucleus * np.float32(1 - kind.over_nucleus)
    shown *= 0.75 + 0.5 * rank
    for which, amount in kind.inks:
        ink[which] += np.float32(amount) * shown


def paint_vacuoles(
    ink: Float, count: int, grid: Grid, outline: Polar, nucleus: Float, rng: np.random.Generator, size: Range
) -> None:
    """Add vacuoles: clear holes with a slightly darker rim."""
    for _ in range(count):
        direction, radius = rng.uniform(0, 2 * np.pi), rng.uniform(*size)
        far = outline.at(direction) * np.sqrt(rng.uniform(0.1, 0.8))
        x, y = far * np.cos(direction), far * np.sin(direction)
        distance = np.hypot(grid.x - np.float32(x), grid.y - np.float32(y)) - np.float32(radius)
        hole = coverage(distance, 0.35) * (1 - 0.75 * nucleus)
        rim = np.exp(-((distance / 0.2) ** 2)) * (1 - nucleus)
        ink *= 1 - 0.85 * hole + 0.12 * rim


def paint_rods(
    ink: Float, count: int, grid: Grid, outline: Polar, body: Float, nucleus: Float, rng: np.random.Generator
) -> None:
    """Add bundles of Auer rods: red-purple needles that cross in a few directions."""
    bundle = rng.uniform(0, np.pi, 3)
    rods = np.zeros(grid.x.shape, np.float32)
    for k in range(count):
        direction = rng.uniform(0, 2 * np.pi)
        far = outline.at(direction) * rng.uniform(0.35, 0.85)
        x, y = far * np.cos(direction), far * np.sin(direction)
        tilt, half = bundle[k % 3] + rng.normal(0, 0.22), rng.uniform(1.4, 3.2)
        dx, dy = half * np.cos(tilt), half * np.sin(tilt)
        distance = capsule(grid.x, grid.y, (x - dx, y - dy), (x + dx, y + dy), rng.uniform(0.11, 0.20))
        rods = np.maximum(rods, coverage(distance, 0.22) * np.float32(rng.uniform(0.7, 1.0)))
    ink[Ink.VIOLET] += 1.0 * rods * body * (1 - 0.45 * nucleus)
