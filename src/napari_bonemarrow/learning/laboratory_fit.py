"""The fit over cases behind a laboratory head: a regression on the network's whole features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Features, Predictions
from napari_bonemarrow.cytology.arrays import rows_of
from napari_bonemarrow.learning.directions import centred_directions
from napari_bonemarrow.learning.errors import LearningError
from napari_bonemarrow.learning.softmax_regression import columns_of, fit_softmax, floored_logs, softmax

Array = NDArray[np.float64]

MOST_CELLS = 500
"""Number of cells that a case adds at most, spread evenly over its classes' labels."""

_AXES = 96
"""Number of axes of the pooled features that the regression uses."""

_PENALTY, _PENALTY_OF_CONSTANT = 0.3, 1.0
"""Of the squared coefficients, for features of length 1."""


@dataclass(frozen=True, slots=True, eq=False)
class TaughtCase:
    """The labelled cells of one signed case, as numbers.

    Attributes
    ----------
    case_id : str
        The case's number; no name of a slide or person.
    date : str
        Day of the signature, ISO 8601.
    values : ndarray of float16, shape (m, d)
        Features of the labelled cells on the case's axes.
    axes : ndarray of float16, shape (d, f)
    mean : ndarray of float32, shape (f,)
        As in `Features`.
    centre : ndarray of float32, shape (d,)
        Mean of the values of all the smear's cells, labelled or not.
    bundle : ndarray of float16, shape (m, k)
        The bundle's probabilities of these cells.
    codes : tuple of str, length m
        Their classes.
    """

    case_id: str
    date: str
    values: NDArray[np.float16]
    axes: NDArray[np.float16]
    mean: NDArray[np.float32]
    centre: NDArray[np.float32]
    bundle: NDArray[np.float16]
    codes: tuple[str, ...]

    def __post_init__(self) -> None:
        count, width = self.values.shape
        shapes = {
            "axes": (width, len(self.mean)),
            "centre": (width,),
            "bundle": (count, *self.bundle.shape[1:2]),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise LearningError(
                    f"case {self.case_id}: {name} has shape {getattr(self, name).shape}, expected {shape}"
                )
        if len(self.codes) != count or not count:
            raise LearningError(f"case {self.case_id}: {len(self.codes)} classes for {count} cells")
        for name in ("values", "axes", "mean", "centre", "bundle"):
            if not np.isfinite(getattr(self, name)).all():
                raise LearningError(f"case {self.case_id}: {name} holds what is not a number")

    @classmethod
    def of(
        cls,
        case_id: str,
        date: str,
        features: Features,
        bundle: Predictions,
        cell_id: NDArray[np.int64],
        codes: Sequence[str],
    ) -> TaughtCase:
        """Return the labelled cells of a smear.

        Parameters
        ----------
        case_id : str
        date : str
            ISO 8601.
        features : Features
            Of every cell of the smear, by ascending number.
        bundle : Predictions
            Of the same cells, in the same order.
        cell_id : ndarray of int64, shape (m,)
            The cells that were labelled before the signature.
        codes : sequence of str, length m
            Their classes.

        Raises
        ------
        LearningError
            If no cell is labelled.
        """
        if not len(codes):
            raise LearningError("this case has no reviewed cells; review some of them first")
        rows = rows_of(features.cell_id, cell_id)
        return cls(
            case_id,
            date,
            features.values[rows],
            features.axes.astype(np.float16),
            features.mean,
            features.values.astype(np.float64).mean(axis=0).astype(np.float32),
            bundle.probabilities[rows].astype(np.float16),
            tuple(codes),
        )

    def directions(self) -> Array:
        """Return the cells' features in the network's own space, centred and of length 1, shape (m, f)."""
        whole = (self.values.astype(np.float64) - self.centre) @ self.axes.astype(np.float64)
        return centred_directions(whole, 0.0)

    def rows(self) -> NDArray[np.intp]:
        """Return the cells that the fit uses."""
        every = np.arange(len(self.codes))
        if len(every) <= MOST_CELLS:
            return every
        by_class = np.argsort(np.array(self.codes), kind="stable")
        return np.sort(by_class[np.linspace(0, len(every) - 1, MOST_CELLS).astype(np.intp)])


@dataclass(frozen=True, slots=True, eq=False)
class LaboratoryFit:
    """A regression on features and the bundle's predictions.

    Attributes
    ----------
    codes : tuple of str
        The k classes: the bundle's, then others.
    coefficients : ndarray of float32, shape (f, k)
        Of centred features of length 1.
    constant : ndarray of float32, shape (k,)
    """

    codes: tuple[str, ...]
    coefficients: NDArray[np.float32]
    constant: NDArray[np.float32]

    def predict(self, directions: Array, bundle: NDArray[np.floating[Any]]) -> Array:
        """Return probabilities, shape (n, k).

        Parameters
        ----------
        directions : ndarray of float64, shape (n, f)
        bundle : ndarray, shape (n, b)
            The bundle's probabilities.
        """
        logits = directions @ self.coefficients.astype(np.float64) + self.constant
        return softmax(logits + self._base(bundle))

    def predict_features(self, features: Features, bundle: NDArray[np.floating[Any]]) -> Array:
        """Return probabilities of a smear's cells by their coordinates on its own axes, shape (n, k)."""
        on_axes = features.axes.astype(np.float64) @ self.coefficients.astype(np.float64)
        logits = centred_directions(features.values) @ on_axes + self.constant
        return softmax(logits + self._base(bundle))

    def _base(self, bundle: NDArray[np.floating[Any]]) -> Array:
        return base_logs(bundle, len(self.codes))


def base_logs(bundle: NDArray[np.floating[Any]], width: int) -> Array:
    """Return logarithms of the bundle's probabilities, with columns for further classes."""
    laid = np.zeros((len(bundle), width))
    laid[:, : bundle.shape[1]] = bundle
    return floored_logs(laid)


@dataclass(frozen=True, slots=True, eq=False)
class PooledCells:
    """The cells of several cases in one space of few axes.

    Attributes
    ----------
    codes : tuple of str
        The classes of their columns.
    inputs : ndarray of float64, shape (m, a + 1)
        Features on the pooled axes, and a constant.
    axes : ndarray of float64, shape (f, a)
    base : ndarray of float64, shape (m, k)
    classes : ndarray of intp, shape (m,)
    case : ndarray of intp, shape (m,)
        Number of each cell's case.
    """

    codes: tuple[str, ...]
    inputs: Array
    axes: Array
    base: Array
    classes: NDArray[np.intp]
    case: NDArray[np.intp]

    def fit(self, which: NDArray[np.bool_], start: Array | None = None) -> Array:
        """Return the coefficients of a regression on some of the cells, shape (a + 1, k)."""
        inputs = self.inputs[which]
        penalty = np.append(np.full(inputs.shape[1] - 1, _PENALTY), _PENALTY_OF_CONSTANT)
        return fit_softmax(inputs, self.classes[which], self.base[which], penalty, start=start)

    def predicted(self, coefficients: Array, which: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Return the most probable class of some of the cells."""
        logits = self.base[which] + self.inputs[which] @ coefficients
        found: NDArray[np.intp] = logits.argmax(axis=1)
        return found

    def in_full(self, coefficients: Array) -> LaboratoryFit:
        """Return the regression in the network's own space."""
        whole = self.axes @ coefficients[:-1]
        return LaboratoryFit(self.codes, whole.astype(np.float32), coefficients[-1].astype(np.float32))


def pool(cases: Sequence[TaughtCase], bundle_classes: Sequence[str]) -> PooledCells:
    """Return the cells of cases on the axes along which all of them together extend most."""
    codes = tuple(bundle_classes) + tuple(
        sorted({code for case in cases for code in case.codes}.difference(bundle_classes))
    )
    rows = [case.rows() for case in cases]
    directions = np.concatenate([case.directions()[row] for case, row in zip(cases, rows, strict=True)])
    _, axes = np.linalg.eigh(directions.T @ directions)
    axes = axes[:, ::-1][:, : min(_AXES, *directions.shape)]
    labels = [case.codes[at] for case, row in zip(cases, rows, strict=True) for at in row.tolist()]
    bundle = np.concatenate([case.bundle[row] for case, row in zip(cases, rows, strict=True)])
    return PooledCells(
        codes,
        np.column_stack([directions @ axes, np.ones(len(directions))]),
        axes,
        base_logs(bundle.astype(np.float64), len(codes)),
        columns_of(codes, labels),
        np.repeat(np.arange(len(cases)), [len(row) for row in rows]),
    )
