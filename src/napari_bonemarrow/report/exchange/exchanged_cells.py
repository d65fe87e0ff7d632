"""The cells of a case as columns, for formats with one object per cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CODES
from napari_bonemarrow.review import Case


@dataclass(frozen=True, slots=True, eq=False)
class ExchangedCells:
    """The cells of a case, in the order of their numbers; arrays of shape (n,).

    In a blind reading they hold nothing from the model or the first reader.

    Attributes
    ----------
    cell_id : ndarray of int64
    x, y : ndarray of float64
        Centre, level-0 px; the centre of the first pixel is 0.
    diameter_um, score : ndarray of float32
    code, predicted : list of str
        The effective class and the first guess; empty without one.
    confidence : ndarray of float32
        Probability of the first guess, 0 without one.
    in_frame, reviewed : ndarray of bool
    tags : mapping of int to frozenset of str
        By cell number.
    classes : tuple of str
        The columns of ``probabilities``; empty without predictions.
    probabilities : ndarray of float32, shape (n, k)
        Per class; NaN where a cell has no prediction.
    """

    cell_id: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    diameter_um: NDArray[np.float32]
    score: NDArray[np.float32]
    code: list[str]
    predicted: list[str]
    confidence: NDArray[np.float32]
    in_frame: NDArray[np.bool_]
    reviewed: NDArray[np.bool_]
    tags: Mapping[int, frozenset[str]]
    classes: tuple[str, ...]
    probabilities: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.cell_id)

    def diameter_px(self, microns_per_pixel: float | None) -> NDArray[np.float64]:
        """Return diameters in level-0 px, 0 where the scale is unknown."""
        if microns_per_pixel is None:
            return np.zeros(len(self))
        return self.diameter_um.astype(np.float64) / microns_per_pixel


def exchanged_cells(case: Case) -> ExchangedCells:
    """Return the present cells of a case as columns."""
    cells, view = case.cells, case.table_view()
    classes, probabilities = _probabilities(case)
    return ExchangedCells(
        cell_id=cells.cell_id,
        x=cells.x,
        y=cells.y,
        diameter_um=cells.diameter_um,
        score=cells.score,
        code=[CODES[number] for number in view.code.tolist()],
        predicted=[CODES[number] for number in view.top.tolist()],
        confidence=view.confidence,
        in_frame=view.in_frame & (case.frame is not None),
        reviewed=view.reviewed,
        tags=case.tags,
        classes=classes,
        probabilities=probabilities,
    )


def _probabilities(case: Case) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    predictions, numbers = case.predictions, case.cells.cell_id
    if predictions is None:
        return (), np.empty((len(numbers), 0), np.float32)
    found = np.full((len(numbers), len(predictions.classes)), np.nan, np.float32)
    found[np.isin(numbers, predictions.cell_id)] = predictions.probabilities[
        np.isin(predictions.cell_id, numbers)
    ]
    return predictions.classes, found
