"""Where cells lie: no two overlap, some touch, some are cut by the border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.drawing.cell import Anatomy

Doubles = NDArray[np.float64]

_SECTORS = 72
_GAP_UM = 0.2
_TOLERANCE_UM = 0.15


class DrawingError(BoneMarrowError):
    """What was asked for cannot be drawn or written."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Middles of cells in µm, in the order given, and the pairs that were made to touch."""

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
    """Strew cells over a field and push them apart until none overlap.

    Parameters
    ----------
    cells : sequence of Anatomy
    width, height : float
        µm.
    rng : numpy.random.Generator
    touching : float
        Part of the cells that are set against a neighbour.
    at_border : float
        Part of the cells that the picture's border cuts; their nuclear centroid stays inside.

    Returns
    -------
    Placed

    Raises
    ------
    DrawingError
        When the field has no room.
    """
    if not cells:
        return Placed([], [], [])
    crowd = _Crowd(cells, width, height, rng, at_border)
    crowd.relax({})
    pairs = crowd.neighbours(round(len(cells) * touching / 2))
    crowd.relax(pairs)
    crowd.join(pairs)
    if crowd.worst_overlap(pairs) > 4 * _TOLERANCE_UM:
        raise DrawingError(
            f"drawn smear: {len(cells)} cells find no room on {width:.0f} × {height:.0f} µm; "
            "ask for fewer cells or a larger field"
        )
    return Placed(crowd.x.tolist(), crowd.y.tolist(), sorted(pairs))


class _Crowd:
    """Cells that push each other apart; every cell is a radius in each of 72 directions."""

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
        """Bind some cells to a side: the nucleus's centroid 0.5 to 3 µm inside the picture."""
        self.pinned = rng.random(len(self.cells)) < part
        sides, depths = rng.integers(0, 4, len(self.cells)), rng.uniform(0.5, 3.0, len(self.cells))
        for k in np.flatnonzero(self.pinned).tolist():
            axis, far = divmod(int(sides[k]), 2)
            edge = ((width, height)[axis] - depths[k]) if far else depths[k]
            value = edge - self.cells[k].nucleus_at[axis]
            self.low[axis, k], self.high[axis, k] = value, value + 1e-6

    def _overlaps(self) -> tuple[Doubles, Doubles, Doubles]:
        """Return how deep each pair overlaps (µm, negative when apart) and the unit vectors between them."""
        dx, dy = self.x[:, None] - self.x[None], self.y[:, None] - self.y[None]
        away = np.hypot(dx, dy)
        np.fill_diagonal(away, np.inf)
        sector = (np.arctan2(dy, dx) / (2 * np.pi) * _SECTORS).astype(int) % _SECTORS
        mine = np.arange(len(self.cells))[:, None]
        facing = self.hulls[mine, (sector + _SECTORS // 2) % _SECTORS]
        needed = facing + facing.T
        return needed - away, dx / np.maximum(away, 1e-9), dy / np.maximum(away, 1e-9)

    def relax(self, pairs: dict[tuple[int, int], float]) -> None:
        """Push apart what overlaps; draw together the pairs, until all is settled."""
        for _ in range(1500):
            depth, ux, uy = self._overlaps()
            for i, j in pairs:
                direction = float(np.arctan2(self.y[j] - self.y[i], self.x[j] - self.x[i]))
                wanted = _contact(self.cells[i], self.cells[j], direction)
                gap = np.hypot(self.x[j] - self.x[i], self.y[j] - self.y[i])
                depth[i, j] = depth[j, i] = wanted - gap
            push = np.maximum(depth, 0)
            for i, j in pairs:
                push[i, j] = push[j, i] = depth[i, j]
            if np.abs(push).max() < _TOLERANCE_UM:
                return
            self.x = np.clip(self.x + 0.45 * (push * ux).sum(1), self.low[0], self.high[0])
            self.y = np.clip(self.y + 0.45 * (push * uy).sum(1), self.low[1], self.high[1])

    def neighbours(self, wanted: int) -> dict[tuple[int, int], float]:
        """Choose the closest pairs in which no cell comes twice."""
        depth, _, _ = self._overlaps()
        depth[self.pinned] = depth[:, self.pinned] = -np.inf
        chosen: dict[tuple[int, int], float] = {}
        taken: set[int] = set()
        for flat in np.argsort(-depth, axis=None, kind="stable"):
            i, j = divmod(int(flat), len(self.cells))
            if len(chosen) >= wanted or not np.isfinite(depth[i, j]):
                break
            if i < j and not {i, j} & taken:
                chosen[i, j] = float(depth[i, j])
                taken |= {i, j}
        return chosen

    def join(self, pairs: dict[tuple[int, int], float]) -> None:
        """Close the last gap of each pair."""
        for i, j in pairs:
            direction = float(np.arctan2(self.y[j] - self.y[i], self.x[j] - self.x[i]))
            wanted = _contact(self.cells[i], self.cells[j], direction)
            self.x[j] = self.x[i] + wanted * np.cos(direction)
            self.y[j] = self.y[i] + wanted * np.sin(direction)

    def worst_overlap(self, pairs: dict[tuple[int, int], float]) -> float:
        """Return the deepest overlap of cells that are no pair, µm."""
        depth, _, _ = self._overlaps()
        for i, j in pairs:
            depth[i, j] = depth[j, i] = -np.inf
        return float(depth.max())


def _hull(cell: Anatomy) -> Doubles:
    """Return how far a cell reaches in each of 72 directions: the largest within 15°, and a gap."""
    sectors = cell.outline.radii.reshape(_SECTORS, -1).max(1)
    turned = [np.roll(sectors, k) for k in range(-3, 4)]
    hull: Doubles = np.max(turned, axis=0) + _GAP_UM
    return hull


def _contact(fixed: Anatomy, moved: Anatomy, direction: float) -> float:
    """Return the distance of middles at which two outlines first touch along a direction, µm."""
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
