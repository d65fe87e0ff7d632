"""Nucleated cell: its anatomy, and its ink over a window of pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from napari_bonemarrow.drawing.cytoplasm import (
    EDGES,
    between,
    paint_granules,
    paint_ground,
    paint_rods,
    paint_vacuoles,
)
from napari_bonemarrow.drawing.geometry import Grid, Polar, coverage
from napari_bonemarrow.drawing.morphology import MORPHOLOGY, PRECIPITATE
from napari_bonemarrow.drawing.nucleus import SHAPES, Nucleus, chromatin
from napari_bonemarrow.drawing.stain import Float, Ink
from napari_bonemarrow.drawing.styles import Cytoplasm, Granules, Morphology
from napari_bonemarrow.drawing.texture import Lookup


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The parts of one cell, in µm from its middle.

    Attributes
    ----------
    code : str
        One of the 21.
    look : Morphology
        Morphology of the class, narrowed to this cell's stage.
    outline : Polar
        The cell's border.
    nucleus : Nucleus
    nucleus_at : tuple of float
        The nucleus's centroid.
    seed : tuple of int
        Seed of everything random within the cell.
    defocus_um : float
        Standard deviation of the cell's own blur.
    debris : bool
        Precipitated stain without cell or nucleus.
    """

    code: str
    look: Morphology
    outline: Polar
    nucleus: Nucleus
    nucleus_at: tuple[float, float]
    seed: tuple[int, ...]
    defocus_um: float
    debris: bool = False

    @property
    def reach(self) -> float:
        """Return the radius of the circle that holds the whole cell, µm."""
        return self.outline.reach + 0.6

    def distances(self, grid: Grid) -> tuple[Float, Float]:
        """Return signed distances to the borders of the cell and the nucleus, µm, each of shape (h, w)."""
        look = Lookup(grid.x, grid.y, np.random.default_rng((*self.seed, 1)))
        bend_x, bend_y = look.noise(4.5), look.noise(6.0)
        near, far = np.float32(0.07), np.float32(0.18)
        cell = self.outline.distance(grid.x + far * bend_x, grid.y + far * bend_y)
        at_x, at_y = np.float32(self.nucleus_at[0]), np.float32(self.nucleus_at[1])
        if self.debris:
            return cell, np.full_like(cell, 100.0)
        box = self._nuclear_box(grid)
        x, y = grid.x[box] - at_x + near * bend_x[box], grid.y[box] - at_y + near * bend_y[box]
        nucleus = np.full_like(cell, 50.0)
        nucleus[box] = np.maximum(self.nucleus.distance(x, y), cell[box] + np.float32(0.2))
        return cell, nucleus

    def _nuclear_box(self, grid: Grid) -> tuple[slice, slice]:
        """Return the part of a window that can hold the nucleus."""
        spans = []
        for middles, at in ((grid.y[:, 0], self.nucleus_at[1]), (grid.x[0], self.nucleus_at[0])):
            far = self.nucleus.reach + 0.8
            low, high = np.searchsorted(middles, [at - far, at + far])
            spans.append(slice(int(low), max(int(high), int(low) + 1)))
        return spans[0], spans[1]


@dataclass(frozen=True, eq=False)
class Painted:
    """A drawn cell: ink (6, h, w), and signed distances (h, w) to its borders, the ground truth."""

    ink: Float
    cell: Float
    nucleus: Float


def _staged(code: str, rng: np.random.Generator) -> Morphology:
    """Return the morphology of one stage or variant of a class."""
    look = MORPHOLOGY[code]
    if code == "EBO":
        return _erythroblast(look, float(rng.beta(1.6, 1.4)))
    if code == "NIF":
        return replace(look, nucleus=str(rng.choice(["folded", "bilobed", "smeared", "round"])))
    if code == "OTH" and rng.random() < 0.4:
        return _mast_cell(look)
    if code == "ART" and rng.random() < 0.4:
        return PRECIPITATE
    return look


def _erythroblast(look: Morphology, stage: float) -> Morphology:
    """Return an erythroblast's morphology from basophilic (0) over polychromatic to orthochromatic (1)."""
    diameter = 13.5 - 4.6 * stage
    blue = 1.15 * (1 - stage) ** 1.3 + 0.10
    colour = Cytoplasm(
        azure=(blue * 0.9, blue * 1.1),
        haemoglobin=(0.95 * stage, 1.0 * stage),
        rim=0.1 * (1 - stage),
        hof=0.3 * (1 - stage),
        mottle=0.12,
    )
    dense = replace(
        look.chromatin,
        density=(1.02 + 0.28 * stage, 1.12 + 0.32 * stage),
        contrast=0.20 * (1 - stage) + 0.04,
    )
    fraction = 0.62 - 0.34 * stage
    return replace(
        look,
        diameter=(diameter - 0.6, diameter + 0.6),
        nuclear_fraction=(fraction - 0.05, fraction + 0.05),
        cytoplasm=colour,
        chromatin=dense,
    )


def _mast_cell(look: Morphology) -> Morphology:
    metachromatic = Granules(
        ((Ink.VIOLET, 0.75), (Ink.CHROMATIN, 0.35)), 0.6, 0.5, (0.9, 1.0), over_nucleus=0.45, flat=0.4
    )
    return replace(
        look,
        diameter=(14.0, 18.0),
        nuclear_fraction=(0.16, 0.24),
        cytoplasm=Cytoplasm(azure=(0.1, 0.2), violet=(0.2, 0.3)),
        granules=(metachromatic,),
        eccentricity=(0.0, 0.3),
        edge="frayed",
        oval=(1.2, 1.9),
        vacuoles=(0, 0),
    )


def conceive(code: str, seed: tuple[int, ...]) -> Anatomy:
    """Return a random cell of a class.

    Parameters
    ----------
    code : str
        One of the 21 codes.
    seed : tuple of int
        The same seed gives the same cell at every resolution.

    Returns
    -------
    Anatomy
    """
    rng = np.random.default_rng(seed)
    look = _staged(code, rng)
    radius = between(look.diameter, rng) / 2
    turn, oval = rng.uniform(0, np.pi), between(look.oval, rng)
    outline = Polar.wavy(radius, rng, roughness=look.roughness, elongation=oval, turn=turn)
    outline = EDGES[look.edge](outline, rng).scaled_to_area(np.pi * radius**2)
    nuclear_radius = radius * np.sqrt(between(look.nuclear_fraction, rng))
    # An eccentric nucleus lies towards one end of a long cell.
    away = turn + rng.choice([0, np.pi]) + rng.normal(0, 0.45)
    elongation = between(look.elongation, rng)
    nucleus = SHAPES[look.nucleus](nuclear_radius, elongation, away + np.pi, rng)
    for _ in range(8):  # lobes and bands must fit in the cell
        if nucleus.reach < 0.98 * radius or look.nucleus == "smeared":
            break
        nucleus = SHAPES[look.nucleus](nuclear_radius, elongation, away + np.pi, rng)
    shift = between(look.eccentricity, rng) * max(0.0, outline.at(away) - nuclear_radius - 0.4)
    defocus = abs(rng.normal(0, 0.10))
    if code == "NIF":
        defocus = rng.uniform(0.18, 0.7)
    return Anatomy(
        code,
        look,
        outline,
        nucleus,
        (shift * np.cos(away), shift * np.sin(away)),
        seed,
        float(defocus),
        debris=look is PRECIPITATE,
    )


def paint(anatomy: Anatomy, grid: Grid) -> Painted:
    """Draw a cell's ink.

    Parameters
    ----------
    anatomy : Anatomy
    grid : Grid
        Window around the cell's middle.

    Returns
    -------
    Painted
    """
    rng = np.random.default_rng((*anatomy.seed, 2))
    look, row = Lookup(grid.x, grid.y, rng), anatomy.look
    cell, nucleus = anatomy.distances(grid)
    soft = max(0.22, grid.step)
    body, core = coverage(cell, max(row.fringe, grid.step)), coverage(nucleus, soft)
    hof = _hof(anatomy, grid)
    ink = np.zeros((len(Ink), *grid.x.shape), np.float32)
    paint_ground(ink, row.cytoplasm, look, cell, body, hof, rng)
    if anatomy.code == "FGC":
        paint_rods(ink, int(rng.integers(18, 38)), grid, anatomy.outline, body, core, rng)
    holes = int(rng.integers(row.vacuoles[0], row.vacuoles[1] + 1))
    size = (0.5, 1.6) if anatomy.code == "OTH" else (0.25, 0.75)
    paint_vacuoles(ink, holes, grid, anatomy.outline, core, rng, size)
    ink *= 1 - 0.75 * core
    ink[Ink.CHROMATIN] += core * _nuclear_ink(anatomy, grid, look, nucleus, ink, core, rng)
    for kind in row.granules:
        paint_granules(ink, kind, look, body, core, hof, rng)
    return Painted(ink, cell, nucleus)


def _hof(anatomy: Anatomy, grid: Grid) -> Float:
    """Place the Golgi region next to the nucleus, towards the cell's middle."""
    x, y = anatomy.nucleus_at
    size = np.hypot(x, y)
    radius = np.sqrt(anatomy.outline.area / np.pi)
    away = (-x / size, -y / size) if size > 1e-6 else (1.0, 0.0)
    far = radius * 0.62 - size * 0.55
    dx, dy = grid.x - np.float32(away[0] * far), grid.y - np.float32(away[1] * far)
    hof: Float = np.exp(-(dx * dx + dy * dy) / np.float32(2 * (0.26 * radius) ** 2))
    return hof


def _nuclear_ink(
    anatomy: Anatomy,
    grid: Grid,
    look: Lookup,
    nucleus: Float,
    ink: Float,
    core: Float,
    rng: np.random.Generator,
) -> Float:
    """Return chromatin with its nucleoli; dense chromatin also takes up blue."""
    row = anatomy.look
    level = between(row.chromatin.density, rng)
    if row.chromatin.pattern == "strands":  # stretched by the spreader
        look = Lookup(grid.x, grid.y, rng, stretch=2.0)
    dense = chromatin(row.chromatin, level, look, grid, nucleus)
    reach = np.sqrt(anatomy.outline.area * np.mean(row.nuclear_fraction) / np.pi)
    for _ in range(int(rng.integers(row.nucleoli[0], row.nucleoli[1] + 1))):
        direction, far = rng.uniform(0, 2 * np.pi), reach * np.sqrt(rng.uniform(0, 0.45))
        radius = rng.uniform(0.65, 1.2) + 0.3 * (row.nucleoli == (1, 1))
        x = anatomy.nucleus_at[0] + far * np.cos(direction)
        y = anatomy.nucleus_at[1] + far * np.sin(direction)
        distance = np.hypot(grid.x - np.float32(x), grid.y - np.float32(y)) - np.float32(radius)
        inside = coverage(distance, 0.6) * core
        rim = np.exp(-(((distance - 0.15) / 0.3) ** 2))
        # A nucleolus is smooth and bluer, with a thin collar of chromatin.
        dense = dense * (1 + 0.14 * rim) + 0.85 * inside * (np.float32(0.62 * level) - dense)
        ink[Ink.AZURE] += 0.26 * inside
    ink[Ink.AZURE] += core * np.clip(dense - 0.85, 0, 1) * 1.1
    return dense
