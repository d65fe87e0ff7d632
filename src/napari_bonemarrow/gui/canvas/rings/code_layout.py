"""Layout of codes on the screen, so that none covers another code or cell (no Qt)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

SIDES = np.array([(0, -1), (0, 1), (1, 0), (-1, 0)], np.float32)
"""Above, below, right and left of a ring, in order of preference; (x, y), downwards."""

_Box = tuple[float, float, float, float]
_CORE = 0.55
"""Half side of the square around a cell that other codes may not cover, in radii of its ring."""
_NUDGE = 2.0
"""Pixels between a ring and its code."""


def place_codes(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    radius: NDArray[np.floating],
    rank: NDArray[np.integer],
    size: tuple[int, int],
    view: tuple[float, float, float, float] | None = None,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return a side of the ring for each code; a code without a free side is left out.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Centres of the cells, screen pixels.
    radius : ndarray, shape (n,)
        Radii of their rings, screen pixels.
    rank : ndarray of int, shape (n,)
        Higher ranks choose first; a code of the highest rank, 3, is never left out.
    size : (int, int)
        Width and height of a code with its plate, screen pixels.
    view : (float, float, float, float), optional
        Left, top, right and bottom of the visible part, screen pixels: sides inside it come first.

    Returns
    -------
    kept : ndarray of int, shape (m,)
        Cells with a code, ascending.
    side : ndarray of int, shape (m,)
        Index in `SIDES` of each.
    """
    taken, pitch = _Taken(max(*size, 1)), 2 * _CORE
    for at in range(len(x)):
        half = float(radius[at]) * pitch / 2
        taken.add((x[at] - half, y[at] - half, x[at] + half, y[at] + half), at)
    kept: dict[int, int] = {}
    # Top down and from the left among equals, independent of the order of detection.
    for at in np.lexsort((x, y, -rank)).tolist():
        boxes = [
            _box(float(x[at]), float(y[at]), float(radius[at]), side, size) for side in range(len(SIDES))
        ]
        # Sorting is stable: the order among visible sides, and among hidden ones, stays.
        order = sorted(range(len(boxes)), key=[not _within(box, view) for box in boxes].__getitem__)
        free = next((side for side in order if taken.is_free(boxes[side], at)), None)
        if free is None and rank[at] >= MUST:
            free = order[0]
        if free is not None:
            kept[at] = free
            taken.add(boxes[free], -1)
    rows = np.array(sorted(kept), np.intp)
    return rows, np.array([kept[row] for row in rows.tolist()], np.intp)


MUST = 3
"""Rank of a code that is always shown."""


def shifts(side: NDArray[np.intp], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the offset of a code's top left corner from the rim of its ring, screen pixels, (n, 2)."""
    wide, high = size
    moves = [_shift(direction, wide, high) for direction in SIDES.tolist()]
    return np.array(moves, np.float32)[side]


def _shift(direction: list[float], wide: float, high: float) -> tuple[float, float]:
    across, down = direction
    return (
        across * (_NUDGE + wide / 2) - wide / 2,
        down * (_NUDGE + high / 2) - high / 2,
    )


def _box(x: float, y: float, radius: float, side: int, size: tuple[int, int]) -> _Box:
    direction = SIDES[side].tolist()
    across, down = _shift(direction, *size)
    left, top = x + direction[0] * radius + across, y + direction[1] * radius + down
    return left, top, left + size[0], top + size[1]


def _within(box: _Box, view: _Box | None) -> bool:
    return view is None or (
        box[0] >= view[0] and box[1] >= view[1] and box[2] <= view[2] and box[3] <= view[3]
    )


class _Taken:
    """Occupied boxes, by the squares of a grid that they touch."""

    def __init__(self, pitch: float) -> None:
        self._pitch = pitch
        self._boxes: dict[tuple[int, int], list[tuple[_Box, int]]] = defaultdict(list)

    def _squares(self, box: _Box) -> Iterator[tuple[int, int]]:
        left, top, right, bottom = (int(value // self._pitch) for value in box)
        for column in range(left, right + 1):
            for row in range(top, bottom + 1):
                yield column, row

    def add(self, box: _Box, owner: int) -> None:
        for square in self._squares(box):
            self._boxes[square].append((box, owner))

    def is_free(self, box: _Box, owner: int) -> bool:
        """Return whether a box touches only its owner's."""
        left, top, right, bottom = box
        for square in self._squares(box):
            for (a, b, c, d), whose in self._boxes.get(square, ()):
                if whose != owner and a < right and c > left and b < bottom and d > top:
                    return False
        return True
