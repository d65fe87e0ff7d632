"""Weights of several predictions, by how well each predicted the labels before it learnt from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHARING = 0.03
"""Part of the weights that is laid out again after each label, so that a slow starter can still win: the
fixed share of Herbster & Warmuth (Machine Learning 1998;32:151-78)."""


def follow_weights(prior: NDArray[np.float64], likelihoods: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights before each label and after the last.

    Without sharing they are those of the Bayesian average of the predictions: each weight is multiplied by
    the probability that was given to the class that the reader then named.

    Parameters
    ----------
    prior : ndarray of float64, shape (e,)
        Adds up to 1.
    likelihoods : ndarray of float64, shape (m, e)
        Probability that each gave each label, above 0.

    Returns
    -------
    ndarray of float64, shape (m + 1, e)
    """
    weights = np.empty((len(likelihoods) + 1, len(prior)))
    weights[0] = now = prior
    for number, row in enumerate(likelihoods, 1):
        now = now * row
        now = (1.0 - SHARING) * (now / now.sum()) + SHARING * prior
        weights[number] = now
    return weights
