"""The head of one smear: its parts, and what labels cannot do to it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bonemarrow.learning.case_head import MOST_ROWS, fit_case_head
from napari_bonemarrow.learning.softmax_regression import floored_logs

CODES = ("BLA", "LYT", "PLM")


def drawn(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 2, count)
    points = np.where(classes[:, None] == 0, [[0.8, 0, 0]], [[0, 0.8, 0]]) + 0.1 * rng.normal(size=(count, 3))
    return np.column_stack([points, np.ones(count)]), classes


def fitted(count: int, *, tied: bool) -> tuple[float, np.ndarray]:
    inputs, classes = drawn(count)
    others, truth = drawn(200, 1)
    alike = floored_logs(np.full((count + 200, 3), 1 / 3))
    head = fit_case_head(CODES, inputs, alike, classes, others, tied=tied)
    found = head.predict(others, alike[count:])
    return float((found.argmax(axis=1) == truth).mean()), found


@pytest.mark.parametrize("tied", [True, False])
def test_ten_labels_tell_two_groups_apart(tied: bool) -> None:
    right, found = fitted(10, tied=tied)
    assert right > 0.95
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_a_class_without_labels_keeps_a_share_that_shrinks() -> None:
    few, many = (fitted(count, tied=False)[1][:, 2].mean() for count in (6, 100))
    assert 0 < many < few < 0.4


def test_the_tied_head_stays_closer_to_what_it_starts_from() -> None:
    start = np.array([1 / 3, 1 / 3, 1 / 3])
    tied, free = (np.abs(fitted(8, tied=tied)[1] - start).mean() for tied in (True, False))
    assert tied < free


def test_more_labels_than_a_fit_uses() -> None:
    right, _ = fitted(2 * MOST_ROWS, tied=False)
    assert right > 0.99
