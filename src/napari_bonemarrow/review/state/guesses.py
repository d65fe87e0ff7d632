"""The classes that are predicted for the rows of a case's table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CODES

_NUMBER = {code: number for number, code in enumerate(CODES)}
_BLANK: tuple[tuple[str, Any, Any], ...] = (
    ("predicted", bool, False),
    ("top", np.int8, 0),
    ("confidence", np.float32, 0),
    ("margin", np.float32, 0),
)


class Guesses:
    """Predictions of the rows of a table, by the bundle alone or with what was taught.

    Parameters
    ----------
    rows : int
    classes : tuple of str
        The codes of the columns of ``probabilities``.

    Attributes
    ----------
    predicted : ndarray of bool, shape (n,)
        Which rows have a prediction.
    probabilities : ndarray of float32, shape (n, k)
    top : ndarray of int8, shape (n,)
        The first guess, as an index of `CODES`.
    confidence, margin : ndarray of float32, shape (n,)
        Highest probability; first less second. 0 without a prediction.
    version : int
        Rises whenever predictions are written.
    """

    predicted: NDArray[np.bool_]
    top: NDArray[np.int8]
    confidence: NDArray[np.float32]
    margin: NDArray[np.float32]

    def __init__(self, rows: int, classes: tuple[str, ...] = ()) -> None:
        self.classes, self.version = classes, 0
        self._numbers = np.array([_NUMBER[code] for code in classes], np.int8)
        self.probabilities = np.zeros((rows, len(classes)), np.float32)
        for name, kind, blank in _BLANK:
            setattr(self, name, np.full(rows, blank, kind))

    def append(self, count: int) -> None:
        """Append rows without a prediction."""
        more = Guesses(count, self.classes)
        for name in ("probabilities", *(name for name, *_ in _BLANK)):
            setattr(self, name, np.concatenate([getattr(self, name), getattr(more, name)]))

    def keep(self, rows: NDArray[np.intp]) -> None:
        """Keep only these rows, ascending."""
        for name in ("probabilities", *(name for name, *_ in _BLANK)):
            setattr(self, name, getattr(self, name)[rows])

    def write(self, rows: NDArray[np.intp], probabilities: NDArray[np.float32]) -> None:
        """Write the probabilities of some rows, shape (m, k)."""
        if not len(rows):
            return
        self.version += 1
        self.probabilities[rows] = probabilities
        self.predicted[rows] = True
        self.top[rows] = self._numbers[probabilities.argmax(axis=1)]
        highest = probabilities.max(axis=1)
        self.confidence[rows] = highest
        self.margin[rows] = highest - _second(probabilities)

    def widened(self, classes: tuple[str, ...]) -> Guesses:
        """Return these predictions with the columns of other classes, among which are all of its own."""
        wide = Guesses(len(self.predicted), classes)
        wide.probabilities[:, self.columns_in(classes)] = self.probabilities
        for name, *_ in _BLANK:
            setattr(wide, name, getattr(self, name).copy())
        return wide

    def columns_in(self, classes: tuple[str, ...]) -> list[int]:
        """Return where the columns of this one are among those of others."""
        return [classes.index(code) for code in self.classes]


def _second(probabilities: NDArray[np.float32]) -> NDArray[np.float32] | float:
    """Return the second highest probability of each row; 0 for a model with one class."""
    if probabilities.shape[1] < 2:
        return 0.0
    return np.partition(probabilities, -2, axis=1)[:, -2]
