from __future__ import annotations

import numpy as np
import pytest

from napari_bonemarrow.cytology import Features, ModelReference
from napari_bonemarrow.workflow.lookalikes import Neighbours


def of(values: np.ndarray, cell_id: np.ndarray) -> Features:
    d = values.shape[1]
    model = ModelReference("m", "0" * 64)
    return Features(
        cell_id, values.astype(np.float16), model, np.zeros(d, np.float32), np.eye(d, dtype=np.float32)
    )


@pytest.fixture(scope="module")
def features() -> Features:
    rng = np.random.default_rng(0)
    return of(rng.normal(size=(400, 8)), np.arange(1, 401) * 3)


def test_they_are_those_of_the_largest_cosine(features: Features) -> None:
    among = np.random.default_rng(1).random(400) < 0.5
    found = Neighbours(features).nearest(30, among)
    values = features.values.astype(float)
    directions = values / np.linalg.norm(values, axis=1, keepdims=True)
    distance = 1 - directions @ directions[9]
    distance[9] = np.inf
    expected = [row for row in np.argsort(distance) if among[row]][:6]
    assert [each.cell_id for each in found] == features.cell_id[expected].tolist()
    np.testing.assert_allclose([each.distance for each in found], distance[expected], atol=1e-5)


def test_a_cell_is_never_its_own_look_alike_and_few_are_all(features: Features) -> None:
    neighbours, among = Neighbours(features), np.zeros(400, bool)
    among[[9, 20]] = True
    assert [each.cell_id for each in neighbours.nearest(30, among)] == [63]
    among[20] = False
    assert neighbours.nearest(30, among) == ()


def test_a_cell_without_features_is_told_apart_from_one_without_look_alikes(features: Features) -> None:
    neighbours = Neighbours(features)
    assert neighbours.nearest(31, np.ones(400, bool)) is None
    assert neighbours.nearest(9999, np.ones(400, bool)) is None


def test_equal_cells_are_at_no_distance_and_come_by_number() -> None:
    values = np.array([[1, 0], [2, 0], [0, 1], [3, 0], [0, 0]], float)
    found = Neighbours(of(values, np.array([4, 6, 7, 9, 12]))).nearest(4, np.ones(5, bool))
    assert [(each.cell_id, each.distance) for each in found] == [(6, 0), (9, 0), (7, 1), (12, 1)]
