"""Which cell comes next."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bonemarrow.cytology import Cells, ModelReference, Predictions
from napari_bonemarrow.gui.walk import Walk


def _cells(ids, inside=None) -> Cells:
    n = len(ids)
    inside = np.ones(n, bool) if inside is None else np.array(inside)
    return Cells(
        np.array(ids, np.int64), np.zeros(n), np.zeros(n), np.ones(n, "f4"), np.ones(n, "f4"), inside
    )


def _predictions(certain: dict[int, float]) -> Predictions:
    rows = np.array([[p, 1 - p] for p in certain.values()], np.float32)
    return Predictions(np.array(list(certain)), rows, ("BLA", "LYT"), {}, ModelReference("m", ""))


CERTAIN = _predictions({1: 0.9, 2: 0.6, 3: 0.7})


def test_least_certain_first():
    walk, cells, at, seen = Walk(), _cells([1, 2, 3]), None, []
    for _step in range(3):
        at = walk.next(cells, CERTAIN, (), at)
        seen.append(at)
    assert seen == [2, 3, 1]
    assert walk.next(cells, CERTAIN, (), at) == 2  # round again


def test_cells_labelled_in_the_data_come_first_by_number():
    walk, cells, at, seen = Walk(), _cells([1, 2, 3]), None, []
    for _step in range(3):
        at = walk.next(cells, CERTAIN, (), at, {1, 3})
        seen.append(at)
    assert seen == [1, 3, 2]
    assert Walk().next(cells, CERTAIN, {1}, 1, {3}) == 3


def test_reviewed_cells_are_passed_over():
    assert Walk().next(_cells([1, 2, 3]), CERTAIN, {2, 3}, None) == 1
    assert Walk().next(_cells([1, 2, 3]), CERTAIN, {1, 2, 3}, None) is None


def test_a_cell_without_prediction_comes_first():
    assert Walk().next(_cells([1, 2, 3, 4]), CERTAIN, (), None) == 4


def test_cells_outside_the_frame_are_left_out():
    assert Walk().next(_cells([1, 2, 3], [True, False, True]), CERTAIN, (), None) == 3


@pytest.mark.parametrize("predictions", [None, CERTAIN])
def test_no_cells_no_next(predictions):
    assert Walk().next(_cells([]), predictions, (), None) is None


def test_back_leaves_out_what_is_gone():
    walk = Walk()
    for cell in (1, 2, 3):
        walk.visit(cell)
    assert walk.back(_cells([1, 3])) == 1
    assert walk.back(_cells([1, 3])) is None
