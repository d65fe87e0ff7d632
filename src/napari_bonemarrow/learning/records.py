"""What a head learns from, and what it then predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Features, Predictions

METHOD = 1
"""Version of the method; a change of it changes numbers, and the journal records it."""


class Predictor(Protocol):
    """What predicts the cells of a smear from their features, such as a laboratory head."""

    @property
    def taught(self) -> Mapping[str, int]:
        """Return the classes that it may name, with the number of cells that taught each."""
        ...

    def predict(self, features: Features, bundle: Predictions) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        """Return classes and probabilities, shape (n, k)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LearningInput:
    """The cells of a smear and what a reader has said of some of them.

    Attributes
    ----------
    features : Features
        Of every cell that can be predicted, by ascending number.
    bundle : Predictions
        The bundle's own predictions of the same cells, in the same order.
    diameter_um : ndarray of float32, shape (n,)
        Diameters of the nuclei of the same cells, µm.
    cell_id : ndarray of int64, shape (m,)
        The labelled cells in the order in which they were labelled, each once, all among the above.
    codes : tuple of str, length m
        Their classes.
    laboratory : Predictor or None
        What earlier signed cases of this laboratory taught.
    """

    features: Features
    bundle: Predictions
    diameter_um: NDArray[np.float32]
    cell_id: NDArray[np.int64]
    codes: tuple[str, ...]
    laboratory: Predictor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Prequential:
    """Whether each label was predicted before it was learnt from.

    Attributes
    ----------
    cell_id : ndarray of int64, shape (m,)
        In the order in which they were labelled.
    bundle, head : ndarray of bool, shape (m,)
        Whether the bundle alone, and what predicts with what was taught so far, named the class first.
    """

    cell_id: NDArray[np.int64]
    bundle: NDArray[np.bool_]
    head: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.cell_id)

    def last(self, count: int) -> Prequential:
        """Return the last labels."""
        start = max(len(self) - count, 0)
        return Prequential(self.cell_id[start:], self.bundle[start:], self.head[start:])


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """What predicts after learning.

    Attributes
    ----------
    cell_id : ndarray of int64, shape (n,)
        Every cell that is predicted, ascending.
    probabilities : ndarray of float32, shape (n, k)
        The mixture of bundle and heads; rows add up to 1. Equal to the bundle's while nothing else has
        earned a weight.
    classes : tuple of str
        The k codes: the bundle's, in its order, then any others.
    learnt_here : mapping of str to int
        Number of labels by class, for classes that the bundle has not learnt and that are predicted from
        what was taught.
    taught_weight : float
        The weight of everything but the bundle in the mixture, 0 to 1.
    serves : bool
        Whether what was taught has earned its place: else the probabilities are the bundle's.
    prequential : Prequential
    """

    cell_id: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    classes: tuple[str, ...]
    learnt_here: Mapping[str, int]
    taught_weight: float
    serves: bool
    prequential: Prequential
