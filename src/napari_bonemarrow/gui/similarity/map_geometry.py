"""Geometry of the map's points, in the view and in a lasso (no Qt)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MARGIN = 0.06
_MOST_ZOOM = 200.0


class MapView:
    """The visible part of the map: map units to pixels and back. y points downwards in both."""

    def __init__(self) -> None:
        self.scale, self.x, self.y = 1.0, 0.0, 0.0
        self._fitted = 1.0

    def fit(self, xy: NDArray[np.floating], width: int, height: int) -> None:
        """Show every point."""
        if not len(xy):
            return
        low, high = xy.min(axis=0), xy.max(axis=0)
        span = np.maximum(high - low, 1e-6)
        self.scale = self._fitted = float(min(width / span[0], height / span[1]) * (1 - 2 * _MARGIN))
        centre = (low + high) / 2
        self.x = width / 2 - float(centre[0]) * self.scale
        self.y = height / 2 - float(centre[1]) * self.scale

    def to_screen(self, xy: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return pixels, shape (n, 2)."""
        return np.asarray(xy, np.float32) * np.float32(self.scale) + np.array([self.x, self.y], np.float32)

    def zoom(self, factor: float, x: float, y: float) -> None:
        """Zoom around a place on the screen."""
        wanted = min(max(self.scale * factor, self._fitted / 4), self._fitted * _MOST_ZOOM)
        factor = wanted / self.scale
        self.scale = wanted
        self.x, self.y = x - (x - self.x) * factor, y - (y - self.y) * factor

    def pan(self, dx: float, dy: float) -> None:
        """Move by pixels."""
        self.x, self.y = self.x + dx, self.y + dy


def nearest(places: NDArray[np.floating], x: float, y: float, within: float) -> int | None:
    """Return the row of the point nearest to a place, None if none is within a distance in pixels."""
    if not len(places):
        return None
    square = (places[:, 0] - x) ** 2 + (places[:, 1] - y) ** 2
    row = int(np.argmin(square))
    return row if square[row] <= within**2 else None


def inside(places: NDArray[np.floating], corners: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return the rows of the points within a closed line, shape (m, 2)."""
    from matplotlib.path import Path

    low, high = corners.min(axis=0), corners.max(axis=0)
    rows = np.flatnonzero(((places >= low) & (places <= high)).all(axis=1))
    if len(corners) < 3 or not len(rows):
        return np.empty(0, np.intp)
    held: NDArray[np.bool_] = Path(corners, closed=False).contains_points(places[rows])
    return rows[held]


def medians(
    xy: NDArray[np.floating], codes: NDArray[np.integer], fewest: int
) -> list[tuple[int, NDArray[np.float32]]]:
    """Return the middle of each class with a least number of points: (class, (x, y))."""
    found, counts = np.unique(codes, return_counts=True)
    return [
        (int(code), np.median(xy[codes == code], axis=0).astype(np.float32))
        for code, count in zip(found, counts, strict=True)
        if code and count >= fewest
    ]
