"""Placement of cells: none overlap, some touch, some are cut by the border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.drawing.cell import Anatomy

Doubles = NDArray[np.float64]
Indices = NDArray[np.intp]

_SECTORS = 72
_GAP_UM = 0.2
_TOLERANCE_UM = 0.15


class DrawingError(BoneMarrowError):
    """The request cannot be drawn or written."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Middles of cells in µm, in the order given, and the touching pairs."""

    x: list[float]
    y: list[float]
    touching: list[tuple[int, int]]


def place(
    cells: Sequence[Anatomy],
    width: float,
    height: float,
    rng: np.random.Generator,
    *,
    touching: float = 0.12,
    at_border: float = 0.06,
) -> Placed:
    """Scatter cells over a field and push them apart until none overlap.

    Parameters
    ----------
    cells : sequence of Anatomy
    width, height : float
        µm.
    rng : numpy.random.Generator
    touching : float
        Fraction of the cells that touch a neighbour.
    at_border : float
        Fraction of the cells cut by the image's border; their nuclear centroid stays inside.

    Returns
    -------
    Placed

    Raises
    ------
    DrawingError
        If the field has no room.
    """
    if not cells:
        return Placed([], [], [])
    crowd = _Crowd(cells, width, height, rng, at_border)
    crowd.relax([])
    pairs = crowd.neighbours(round(len(cells) * touching / 2))
    crowd.relax(pairs)
    crowd.join(pairs)
    if crowd.worst_overlap(pairs) > 4 * _TOLERANCE_UM:
        raise DrawingError(
            f"drawn smear: no room for {count_of(len(cells), 'cell')} on {width:.0f} × {height:.0f} µm; "
            "ask for fewer cells or a larger field"
        )
    return Placed(crowd.x.tolist(), crowd.y.tolist(), sorted(pairs))


class _Crowd:
    """Cells that push each other apart; a cell is one radius in each of 72 directions."""

    def __init__(
        self,
        cells: Sequence[Anatomy],
        width: float,
        height: float,
        rng: np.random.Generator,
        at_border: float,
    ) -> None:
        self.cells = cells
        self.hulls = np.array([_hull(c) for c in cells])
        reach = np.array([c.reach for c in cells])
        self.low = np.stack([reach, reach])
        self.high = np.maximum(np.stack([width - reach, height - reach]), self.low + 1e-3)
        self._pin_some(width, height, rng, at_border)
        self.x, self.y = rng.uniform(self.low, self.high)

    def _pin_some(self, width: float, height: float, rng: np.random.Generator, part: float) -> None:
        """Bind some cells to a side, with the nucleus's centroid 0.5 to 3 µm inside the image."""
        self.pinned = rng.random(len(self.cells)) < part
        sides, depths = rng.integers(0, 4, len(self.cells)), rng.uniform(0.5, 3.0, len(self.cells))
        for k in np.flatnonzero(self.pinned).tolist():
            axis, far = divmod(int(sides[k]), 2)
            edge = ((width, height)[axis] - depths[k]) if far else depths[k]
            value = edge - self.cells[k].nucleus_at[axis]
            self.low[axis, k], self.high[axis, k] = value, value + 1e-6

    def _meetings(self) -> tuple[Indices, Indices, Doubles, Doubles, Doubles]:
        """Return all pairs that may meet: both indices, the depth of the overlap (µm) and the unit vector."""
        from scipy.spatial import cKDTree

        tree = cKDTree(np.stack([self.x, self.y], 1))
        pairs = tree.query_pairs(2 * float(self.hulls.max()), output_type="ndarray")
        pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        i, j = pairs[:, 0], pairs[:, 1]
        dx, dy = self.x[j] - self.x[i], self.y[j] - self.y[i]
        away = np.maximum(np.hypot(dx, dy), 1e-9)
        sector = (np.arctan2(dy, dx) / (2 * np.pi) * _SECTORS).astype(int) % _SECTORS
        needed = self.hulls[i, sector] + self.hulls[j, (sector + _SECTORS // 2) % _SECTORS]
        return i, j, needed - away, dx / away, dy / away

    def relax(self, bound: list[tuple[int, int]]) -> None:
        """Push overlapping cells apart and draw bound pairs together until no cell moves."""
        count = len(self.cells)
        tied = np.array([a * count + b for a, b in bound], np.int64)
        for _ in range(1500):
            i, j, depth, ux, uy = self._meetings()
            push = np.maximum(depth, 0)
            for k in np.flatnonzero(np.isin(i * count + j, tied)).tolist():
                direction = float(np.arctan2(uy[k], ux[k]))
                gap = np.hypot(self.x[j[k]] - self.x[i[k]], self.y[j[k]] - self.y[i[k]])
                push[k] = _contact(self.cells[int(i[k])], self.cells[int(j[k])], direction) - gap
            if not len(push) or np.abs(push).max() < _TOLERANCE_UM:
                return
            for values, unit, axis in ((self.x, ux, 0), (self.y, uy, 1)):
                shift = np.bincount(j, push * unit, count) - np.bincount(i, push * unit, count)
                np.clip(values + 0.45 * shift, self.low[axis], self.high[axis], out=values)

    def neighbours(self, wanted: int) -> list[tuple[int, int]]:
        """Return the closest pairs of cells; each cell occurs once and none is cut by the border."""
        i, j, depth, _, _ = self._meetings()
        chosen: list[tuple[int, int]] = []
        taken = set(np.flatnonzero(self.pinned).tolist())
        for k in np.argsort(-depth, kind="stable").tolist():
            pair = (int(i[k]), int(j[k]))
            if len(chosen) < wanted and not taken & set(pair):
                chosen.append(pair)
                taken |= set(pair)
        return chosen

    def join(self, pairs: list[tuple[int, int]]) -> None:
        """Close the remaining gap of each pair."""
        for i, j in pairs:
            direction = float(np.arctan2(self.y[j] - self.y[i], self.x[j] - self.x[i]))
            wanted = _contact(self.cells[i], self.cells[j], direction)
            self.x[j] = self.x[i] + wanted * np.cos(direction)
            self.y[j] = self.y[i] + wanted * np.sin(direction)

    def worst_overlap(self, bound: list[tuple[int, int]]) -> float:
        """Return the deepest overlap of unbound cells, µm."""
        i, j, depth, _, _ = self._meetings()
        tied = set(bound)
        triples = zip(i.tolist(), j.tolist(), depth.tolist(), strict=True)
        free = [deep for a, b, deep in triples if (a, b) not in tied]
        return max(free, default=0.0)


def _hull(cell: Anatomy) -> Doubles:
    """Return a cell's radius in each of 72 directions: the largest within 15°, plus a gap."""
    sectors = cell.outline.radii.reshape(_SECTORS, -1).max(1)
    turned = [np.roll(sectors, k) for k in range(-3, 4)]
    hull: Doubles = np.max(turned, axis=0) + _GAP_UM
    return hull


def _contact(fixed: Anatomy, moved: Anatomy, direction: float) -> float:
    """Return the distance between middles at which two outlines touch along a direction, µm."""
    theta = np.arange(0, 2 * np.pi, 2 * np.pi / 720)
    still, other = theta - direction, theta - direction
    bins = np.arange(-40, 40.01, 0.25)
    front, back = np.full(len(bins), -np.inf), np.full(len(bins), np.inf)
    places = np.searchsorted(bins, fixed.outline.radii * np.sin(still))
    np.maximum.at(front, places, fixed.outline.radii * np.cos(still))
    places = np.searchsorted(bins, moved.outline.radii * np.sin(other))
    np.minimum.at(back, places, moved.outline.radii * np.cos(other))
    gap = front - back
    return float(np.max(gap[np.isfinite(gap)]))
