"""The penalised multinomial regression, against scikit-learn's and its own conditions."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bonemarrow.learning.softmax_regression import (
    FLOOR,
    columns_of,
    fit_softmax,
    floored_logs,
    softmax,
)


def drawn(rows: int = 120) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, rows)
    return np.eye(3)[classes] @ rng.normal(size=(3, 5)) + rng.normal(size=(rows, 5)), classes


def test_it_finds_what_scikit_learn_finds() -> None:
    from sklearn.linear_model import LogisticRegression

    inputs, classes = drawn()
    peer = LogisticRegression(C=2.0, fit_intercept=False, tol=1e-8, max_iter=2000).fit(inputs, classes)
    found = fit_softmax(inputs, classes, np.zeros((120, 3)), np.full(5, 0.5))
    np.testing.assert_allclose(softmax(inputs @ found), peer.predict_proba(inputs), atol=1e-3)


def test_weights_count_as_repeated_rows() -> None:
    inputs, classes = drawn(40)
    weight = np.where(np.arange(40) < 10, 3.0, 1.0)
    often = np.concatenate([inputs, inputs[:10], inputs[:10]])
    twice = np.concatenate([classes, classes[:10], classes[:10]])
    penalty = np.full(5, 0.2)
    one = fit_softmax(inputs, classes, np.zeros((40, 3)), penalty, weight)
    np.testing.assert_allclose(one, fit_softmax(often, twice, np.zeros((60, 3)), penalty), atol=1e-3)


@pytest.mark.parametrize("start", [None, np.full((5, 3), 2.0)])
def test_the_slope_ends_near_nothing(start: np.ndarray | None) -> None:
    inputs, classes = drawn()
    offset = np.random.default_rng(1).normal(size=(120, 3))
    found = fit_softmax(inputs, classes, offset, np.full(5, 0.1), start=start)
    rest = softmax(offset + inputs @ found) - np.eye(3)[classes]
    assert np.linalg.norm(inputs.T @ rest + 0.1 * found) < 2e-3


def test_a_class_without_rows_and_inputs_of_nothing() -> None:
    found = fit_softmax(np.zeros((4, 2)), np.zeros(4, np.intp), np.zeros((4, 3)), np.ones(2))
    np.testing.assert_array_equal(found, 0)


def test_logarithms_have_a_floor_and_codes_columns() -> None:
    logs = floored_logs(np.array([[1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(np.exp(logs).sum(), 1)
    assert np.exp(logs).min() > 0.99 * FLOOR
    assert columns_of(("A", "B"), ["B", "C"]).tolist() == [1, -1]
