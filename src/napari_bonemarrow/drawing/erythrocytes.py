"""Red cells and platelets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_bonemarrow.drawing.geometry import Grid, Polar, coverage
from napari_bonemarrow.drawing.stain import Float, Ink
from napari_bonemarrow.drawing.texture import Lookup, granules


@dataclass(frozen=True, eq=False)
class RedCell:
    """A red cell, µm from the image's corner.

    Attributes
    ----------
    at : tuple of float
        Middle.
    outline : Polar
    haemoglobin : float
        Ink at its thickest part.
    pallor : float
        0 flat to 1 a deep dimple.
    azure : float
        Blue of a young (polychromatic) cell.
    """

    at: tuple[float, float]
    outline: Polar
    haemoglobin: float
    pallor: float
    azure: float


def red_cell(at: tuple[float, float], rng: np.random.Generator, squash: float = 1.0) -> RedCell:
    """Return a red cell: diameter 7.3 µm, standard deviation 0.45 µm, some oval, some without pallor."""
    young = rng.random() < 0.03
    radius = np.clip(rng.normal(3.65, 0.22), 2.9, 4.4) * (1.12 if young else 1)
    outline = Polar.wavy(
        radius,
        rng,
        roughness=0.028,
        elongation=squash * (1 + abs(rng.normal(0, 0.09))),
        turn=rng.uniform(0, np.pi),
        waves=5,
    )
    pallor = float(np.clip(rng.normal(0.62, 0.3), 0, 1))
    return RedCell(
        at, outline, float(rng.normal(1.0, 0.09)), 0.1 * pallor if young else pallor, 0.13 if young else 0.0
    )


def paint_red_cell(cell: RedCell, grid: Grid) -> tuple[Float, Float]:
    """Draw a red cell.

    The thickness is that of Evans and Fung (Microvasc Res 1972;4:335), blended with a flat disc.

    Returns
    -------
    haemoglobin, body : ndarray of float32, shape (h, w)
        Ink and coverage.
    """
    distance = cell.outline.distance(grid.x, grid.y)
    body = coverage(distance, max(0.45, grid.step))
    radius = np.float32(np.sqrt(cell.outline.area / np.pi))
    rho2 = np.clip((distance / radius + 1), 0, 1) ** 2
    dimple = np.sqrt(1.02 - rho2) * (0.81 + 7.83 * rho2 - 4.39 * rho2 * rho2) / np.float32(2.62)
    flat = 0.80 + 0.2 * np.clip(-distance / 1.0, 0, 1)
    thickness = cell.pallor * (0.2 + 0.8 * dimple) + (1 - cell.pallor) * flat
    return np.float32(cell.haemoglobin) * body * thickness.astype(np.float32), body


def scatter_red_cells(width: float, height: float, per_um2: float, rng: np.random.Generator) -> list[RedCell]:
    """Scatter red cells over a field, 40 % of them in rouleaux.

    Parameters
    ----------
    width, height : float
        µm.
    per_um2 : float
        Red cells per square micrometre.
    rng : numpy.random.Generator
    """
    wanted = int(width * height * per_um2)
    cells: list[RedCell] = []
    places: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for _ in range(4 * wanted):
        if len(cells) >= wanted:
            break
        x, y = rng.uniform(-4, width + 4), rng.uniform(-4, height + 4)
        if rng.random() < 0.85 and _crowded(places, x, y):
            continue
        if rng.random() < 0.86:
            cells.append(red_cell((x, y), rng))
            places.setdefault((int(x // 7), int(y // 7)), []).append((x, y))
            continue
        heading, length = rng.uniform(0, 2 * np.pi), int(rng.integers(3, 8))
        for _ in range(length):
            cells.append(red_cell((x, y), rng, squash=1.12))
            places.setdefault((int(x // 7), int(y // 7)), []).append((x, y))
            heading += rng.normal(0, 0.28)
            pace = rng.uniform(3.0, 5.2)
            x, y = x + pace * np.cos(heading), y + pace * np.sin(heading)
    return cells


def _crowded(places: dict[tuple[int, int], list[tuple[float, float]]], x: float, y: float) -> bool:
    """Return whether a red cell lies within 6.3 µm; places are kept in squares of 7 µm."""
    column, row = int(x // 7), int(y // 7)
    near = ((column + dx, row + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1))
    return any((px - x) ** 2 + (py - y) ** 2 < 6.3**2 for square in near for px, py in places.get(square, ()))


def scatter_platelets(
    width: float, height: float, per_um2: float, rng: np.random.Generator
) -> list[tuple[float, float, float]]:
    """Scatter platelets, some in clumps.

    Returns
    -------
    list of (x, y, radius)
        µm.
    """
    wanted = int(width * height * per_um2)
    found: list[tuple[float, float, float]] = []
    while len(found) < wanted:
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        clump = int(rng.integers(4, 10)) if rng.random() < 0.07 else 1
        for _ in range(clump):
            radius = float(np.clip(rng.normal(1.25, 0.28), 0.7, 2.6))
            found.append((x + (clump > 1) * rng.normal(0, 2.2), y + (clump > 1) * rng.normal(0, 2.2), radius))
    return found


def paint_platelet(radius: float, grid: Grid, rng: np.random.Generator) -> Float:
    """Draw a platelet: a pale blue hyalomere around a purple granulomere.

    Returns
    -------
    ndarray of float32, shape (6, h, w)
    """
    outline = Polar.wavy(radius, rng, roughness=0.09, elongation=rng.uniform(1, 1.5), waves=9)
    look = Lookup(grid.x, grid.y, rng)
    distance = outline.distance(grid.x, grid.y)
    body = coverage(distance, max(0.3, grid.step))
    middle = np.clip(-distance / (0.75 * radius), 0, 1)
    dots = granules(0.38, 0.42)
    grain, _ = look.granules(dots, 0.8)
    ink = np.zeros((len(Ink), *grid.x.shape), np.float32)
    ink[Ink.AZURE] = 0.22 * body
    ink[Ink.VIOLET] = body * middle * (0.16 + 0.5 * grain)
    return ink
