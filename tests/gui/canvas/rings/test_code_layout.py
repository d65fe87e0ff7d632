"""Codes on the screen: beside their own ring, on no other code, and on no other cell."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_bonemarrow.gui.canvas.rings.code_layout import MUST, SIDES, place_codes, shifts

SIZE = (46, 18)


def _boxes(x, y, radius, kept, side):
    corner = np.stack([x[kept], y[kept]], axis=1) + SIDES[side] * radius[kept, None] + shifts(side, SIZE)
    return np.concatenate([corner, corner + SIZE], axis=1)


def _touch(a, b) -> bool:
    return bool(a[0] < b[2] - 0.01 and b[0] < a[2] - 0.01 and a[1] < b[3] - 0.01 and b[1] < a[3] - 0.01)


def test_a_lone_code_stands_above_its_ring() -> None:
    one = np.array([100.0])
    kept, side = place_codes(one, one, np.array([20.0]), np.array([1]), SIZE)
    assert kept.tolist() == [0]
    left, _top, right, bottom = _boxes(one, one, np.array([20.0]), kept, side)[0]
    assert (left + right) / 2 == 100
    assert bottom <= 80


def test_a_code_that_would_be_cut_by_the_edge_of_the_view_stands_below() -> None:
    one = np.array([100.0])
    _kept, side = place_codes(one, one, np.array([20.0]), np.array([1]), SIZE, (0, 75, 800, 600))
    assert SIDES[side].tolist() == [[0, 1]]


def test_the_lesser_code_moves_aside() -> None:
    x, y, radius = np.array([100.0, 130.0]), np.array([100.0, 100.0]), np.full(2, 25.0)
    kept, side = place_codes(x, y, radius, np.array([0, 1]), SIZE)
    assert kept.tolist() == [0, 1]
    assert side[1] == 0
    assert side[0] != 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 120))
def test_no_code_touches_another_or_the_middle_of_another_cell(seed, count):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 800, (2, count))
    radius, rank = rng.uniform(15, 60, count), rng.integers(0, MUST, count)
    kept, side = place_codes(x, y, radius, rank, SIZE)
    boxes = _boxes(x, y, radius, kept, side)
    for at, box in enumerate(boxes):
        assert not any(_touch(box, other) for other in boxes[at + 1 :])
        away = np.abs(np.stack([x, y], axis=1) - (box[:2] + box[2:]) / 2) - np.array(SIZE) / 2
        others = np.arange(count) != kept[at]
        assert (away.max(axis=1)[others] >= 0.5 * radius[others] - 0.01).all()


def test_the_current_code_is_never_left_out() -> None:
    x = y = np.full(6, 50.0)
    rank = np.array([2, 2, 2, 2, 2, MUST])
    kept, _side = place_codes(x, y, np.full(6, 20.0), rank, SIZE)
    assert 5 in kept
