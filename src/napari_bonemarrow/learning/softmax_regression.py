"""Multinomial logistic regression with an offset and a penalty, fitted by Newton's method."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STEPS, _INNER = 20, 60
"""Most steps of Newton's method, and of conjugate gradients in each: ordinary fits stay below."""

_TOLERANCE = 1e-4
"""Length of the gradient for each root of an observation at which the fit has converged."""

FLOOR = 0.0015
"""Probability below which no class is taken to be: a wrong but certain model must be able to learn better."""


def softmax(logits: Array) -> Array:
    """Return the probabilities of logits, by rows; shape (n, k)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Array = powers / powers.sum(axis=1, keepdims=True)
    return result


def floored_logs(probabilities: Array) -> Array:
    """Return logarithms of probabilities, none below the floor; rows are scaled to add up to 1."""
    raised = np.maximum(probabilities, FLOOR)
    result: Array = np.log(raised / raised.sum(axis=1, keepdims=True))
    return result


def columns_of(codes: Sequence[str], wanted: Sequence[str]) -> NDArray[np.intp]:
    """Return the columns of codes in others, -1 where missing."""
    at = {code: column for column, code in enumerate(codes)}
    return np.array([at.get(code, -1) for code in wanted], np.intp)


def fit_softmax(
    inputs: Array,
    classes: NDArray[np.intp],
    offset: Array,
    penalty: Array,
    weights: Array | None = None,
    start: Array | None = None,
) -> Array:
    """Return the coefficients that minimise the penalised log-loss.

    The loss is that of ``softmax(offset + inputs @ coefficients)`` plus half of each squared coefficient
    times its penalty. It is convex and has one minimum. The inner equations are solved by conjugate gradients
    without ever forming the matrix of second derivatives (truncated Newton; Nocedal & Wright, *Numerical
    Optimization*, 2006, algorithm 7.1; Lin, Weng & Keerthi, JMLR 2008;9:627-50).

    Parameters
    ----------
    inputs : ndarray of float64, shape (m, d)
    classes : ndarray of intp, shape (m,)
        Column of the class of each row.
    offset : ndarray of float64, shape (m, k)
        Logits to start from.
    penalty : ndarray of float64, shape (d,)
        Penalty of each input, above 0.
    weights : ndarray of float64, shape (m,), optional
        Weight of each row, by default 1.
    start : ndarray of float64, shape (d, k), optional
        Coefficients to start from, by default 0.

    Returns
    -------
    ndarray of float64, shape (d, k)
    """
    count, width = inputs.shape
    each = np.ones((count, 1)) if weights is None else weights[:, None]
    target = np.zeros(offset.shape)
    target[np.arange(count), classes] = 1.0
    held, squares = penalty[:, None], inputs**2
    found = np.zeros((width, offset.shape[1])) if start is None else start
    enough = _TOLERANCE * max(float(np.sqrt(each.sum())), 1.0)
    logits = offset + inputs @ found
    loss = _loss(logits, target, each, found, held)
    for _ in range(_STEPS):
        shares = softmax(logits)
        slope = inputs.T @ (each * (shares - target)) + held * found
        length = float(np.linalg.norm(slope))
        if length <= enough:
            break
        scale = held + squares.T @ (each * shares * (1.0 - shares))
        step = _direction(inputs, each, shares, held, scale, slope, min(0.1, np.sqrt(length)) * length)
        moved, descent, part = inputs @ step, float((slope * step).sum()), 1.0
        while True:  # Armijo's rule
            after = _loss(logits + part * moved, target, each, found + part * step, held)
            if after <= loss + 1e-4 * part * descent or part < 1e-6:
                break
            part /= 2
        if after >= loss:
            break
        found, logits, loss = found + part * step, logits + part * moved, after
    return found


def _loss(logits: Array, target: Array, each: Array, found: Array, held: Array) -> float:
    highest = logits.max(axis=1, keepdims=True)
    total = highest[:, 0] + np.log(np.exp(logits - highest).sum(axis=1))
    misfit = each[:, 0] * (total - (logits * target).sum(axis=1))
    return float(misfit.sum() + 0.5 * (held * found**2).sum())


def _direction(
    inputs: Array, each: Array, shares: Array, held: Array, scale: Array, slope: Array, enough: float
) -> Array:
    """Return the step that solves Newton's equations to a given length of the rest."""
    step = np.zeros_like(slope)
    rest = -slope
    eased = rest / scale
    towards, product = eased, float((rest * eased).sum())
    for _ in range(_INNER):
        change = inputs @ towards
        change = shares * (change - (shares * change).sum(axis=1, keepdims=True))
        curved = inputs.T @ (each * change) + held * towards
        along = product / float((towards * curved).sum())
        step, rest = step + along * towards, rest - along * curved
        if float(np.linalg.norm(rest)) <= enough:
            break
        eased = rest / scale
        before, product = product, float((rest * eased).sum())
        towards = eased + product / before * towards
    return step
