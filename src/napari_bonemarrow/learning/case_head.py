"""The head of one smear: two linear models of the reviewed cells, joined.

The first is a penalised multinomial regression that starts from what is predicted already, by the bundle or
the laboratory head. The second is a linear discriminant with one covariance for all classes; it also uses the
cells that are not reviewed, each as far as the first model is sure of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.learning.softmax_regression import fit_softmax, softmax

Array = NDArray[np.float64]

PENALTY, PENALTY_OF_CONSTANT = 0.1, 0.05
"""Of the squared coefficients, for features of length 1."""

TIED_PENALTY, TIED_PENALTY_OF_CONSTANT = 2.0, 1.0
"""The same for a head that stays close to what it starts from."""

UNREVIEWED = 0.5
"""Weight of all cells that are not reviewed together, against the reviewed ones, in the discriminant."""

ROUNDNESS = 0.6
"""Part of the discriminant's covariance that is replaced by an equal spread along all axes."""

EVENNESS = 10.0
"""A class's probability is divided by the number of its labels plus this number: with many labels all classes
then count alike, as if they were equally frequent, while a class met once is hardly favoured."""

MOST_ROWS = 2000
"""Number of reviewed cells that a fit uses at most, spread evenly over the order within each class."""


@dataclass(frozen=True, slots=True, eq=False)
class CaseHead:
    """A fitted head.

    Attributes
    ----------
    count : int
        Number of labels that it was fitted on.
    codes : tuple of str
        The k classes of its columns.
    regression : ndarray of float64, shape (d, k)
        Coefficients of the inputs; the last input is constant.
    discriminant : ndarray of float64, shape (d, k), or None
        None for a head that stays close to what it starts from.
    seen : ndarray of bool, shape (k,)
        The classes with labels.
    unseen_share : float
        Probability that a cell is of a class without labels yet: classes met / (labels + classes met), the
        estimate of Witten & Bell (IEEE Trans Inf Theory 1991;37:1085-94, method C).
    even : ndarray of float64, shape (k,)
        What is taken off each logit for the class's frequency.
    """

    count: int
    codes: tuple[str, ...]
    regression: Array
    discriminant: Array | None
    seen: NDArray[np.bool_]
    unseen_share: float
    even: Array

    def predict(self, inputs: Array, base: Array) -> Array:
        """Return probabilities of cells.

        Parameters
        ----------
        inputs : ndarray of float64, shape (n, d)
        base : ndarray of float64, shape (n, k)
            Logarithms of the probabilities that the head starts from.

        Returns
        -------
        ndarray of float64, shape (n, k)
        """
        first = softmax(base + inputs @ self.regression)
        if self.discriminant is None:
            return first
        second = np.zeros_like(first)
        second[:, self.seen] = softmax((inputs @ self.discriminant)[:, self.seen])
        second = (1.0 - self.unseen_share) * second + self.unseen_share * softmax(base)
        return softmax(0.5 * np.log(first + 1e-12) + 0.5 * np.log(second + 1e-12) - self.even)


def fit_case_head(
    codes: tuple[str, ...],
    inputs: Array,
    base: Array,
    classes: NDArray[np.intp],
    sample: Array,
    *,
    tied: bool = False,
) -> CaseHead:
    """Fit a head on reviewed cells.

    Parameters
    ----------
    codes : tuple of str
        The k classes.
    inputs : ndarray of float64, shape (m, d)
        Of the reviewed cells, in the order of their labels; the last input is constant.
    base : ndarray of float64, shape (m + u, k)
        Logarithms of the probabilities to start from: of the reviewed cells, then of those in `sample`.
    classes : ndarray of intp, shape (m,)
        Columns of the labels.
    sample : ndarray of float64, shape (u, d)
        Inputs of cells of the smear, reviewed or not, that show how its cells vary.
    tied : bool
        Fit only a regression that stays close to what it starts from, which a few labels cannot spoil.
    """
    count, width = inputs.shape
    met = np.bincount(classes, minlength=len(codes)).astype(np.float64)
    kept = _spread(classes, MOST_ROWS)
    rows, named = inputs[kept], classes[kept]
    weight = (met / np.maximum(np.bincount(named, minlength=len(codes)), 1))[named] * len(kept) / count
    features, constant = (TIED_PENALTY, TIED_PENALTY_OF_CONSTANT) if tied else (PENALTY, PENALTY_OF_CONSTANT)
    penalty = np.append(np.full(width - 1, features), constant)
    regression = fit_softmax(rows, named, base[:count][kept], penalty, weight)
    seen = met > 0
    different = int(seen.sum())
    unseen_share = different / (count + different)
    even = np.log(np.where(seen, met, count) + EVENNESS)
    if tied:
        return CaseHead(count, codes, regression, None, seen, unseen_share, even)
    shares = softmax(base[count:] + sample @ regression)
    discriminant = np.zeros_like(regression)
    discriminant[:, seen] = _discriminant(inputs, classes, sample, shares, seen)
    return CaseHead(count, codes, regression, discriminant, seen, unseen_share, even)


def _spread(classes: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """Return rows, all of them while they are few, else of each class its part, evenly from first to last."""
    if len(classes) <= most:
        return np.arange(len(classes))
    chosen = []
    for column in np.unique(classes).tolist():
        rows = np.flatnonzero(classes == column)
        part = max(min(len(rows), 20), len(rows) * most // len(classes))
        chosen.append(rows[np.linspace(0, len(rows) - 1, part).astype(np.intp)])
    return np.sort(np.concatenate(chosen))


def _discriminant(
    inputs: Array, classes: NDArray[np.intp], sample: Array, shares: Array, seen: NDArray[np.bool_]
) -> Array:
    """Return the coefficients of a linear discriminant for the classes with labels, shape (d, seen).

    One round of expectation and maximisation (Nigam et al., Machine Learning 2000;39:103-34, with less weight
    for what has no label) of normal distributions with a common covariance, shrunk towards a sphere
    (Friedman, J Am Stat Assoc 1989;84:165-75).
    """
    points, others = inputs[:, :-1], sample[:, :-1]
    columns = np.cumsum(seen) - 1
    target = np.zeros((len(points), int(seen.sum())))
    target[np.arange(len(points)), columns[classes]] = 1.0
    soft = shares[:, seen]
    soft = soft / np.maximum(soft.sum(axis=1, keepdims=True), 1e-12)
    soft = soft * (UNREVIEWED * len(points) / max(len(others), 1))
    number = target.sum(axis=0) + soft.sum(axis=0)
    means = (target.T @ points + soft.T @ others) / number[:, None]
    amount = soft.sum(axis=1, keepdims=True)
    spread = points.T @ points + (amount * others).T @ others - (number[:, None] * means).T @ means
    spread = spread / number.sum()
    width = points.shape[1]
    level = max(float(np.trace(spread)) / max(width, 1), 1e-6)
    spread = (1.0 - ROUNDNESS) * spread + ROUNDNESS * level * np.eye(width)
    slopes = np.linalg.solve(spread, means.T)
    constant = np.log(number + 1.0) - 0.5 * (means.T * slopes).sum(axis=0)
    return np.vstack([slopes, constant])
