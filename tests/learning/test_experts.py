"""Weights of several predictions."""

from __future__ import annotations

import numpy as np

from napari_bonemarrow.learning.experts import SHARING, follow_weights


def test_the_better_one_gains_and_the_other_can_return() -> None:
    prior = np.array([0.7, 0.3])
    likelihoods = np.array([[0.2, 0.8]] * 15 + [[0.8, 0.2]] * 15)
    weights = follow_weights(prior, likelihoods)
    assert weights.shape == (31, 2)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_array_equal(weights[0], prior)
    assert np.all(np.diff(weights[:5, 1]) > 0)
    assert weights[15, 1] > 0.8
    assert weights[30, 0] > 0.9
    assert weights.min() >= SHARING * prior.min()


def test_equal_predictions_change_nothing() -> None:
    prior = np.array([0.5, 0.25, 0.25])
    np.testing.assert_allclose(follow_weights(prior, np.full((9, 3), 0.01)), np.tile(prior, (10, 1)))


def test_the_weights_of_a_beginning_do_not_depend_on_what_follows() -> None:
    likelihoods = np.random.default_rng(0).uniform(0.001, 1, (20, 2))
    prior = np.array([0.6, 0.4])
    np.testing.assert_array_equal(
        follow_weights(prior, likelihoods)[:8], follow_weights(prior, likelihoods[:7])
    )
