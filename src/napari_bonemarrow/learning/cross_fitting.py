"""Predictions that no cell's own label has influenced, by heads fitted on parts of the labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.arrays import rows_of
from napari_bonemarrow.learning.learner import LearningMemory
from napari_bonemarrow.learning.records import LearningInput
from napari_bonemarrow.learning.smear_cells import SmearCells
from napari_bonemarrow.learning.softmax_regression import columns_of

Array = NDArray[np.float64]

FOLDS = 5
"""Parts of the labels, each left out of one fit."""

FEWEST_LABELS = 40
"""Number of labels below which heads of four fifths of them are not worth having."""

_TIED_AND_FREE = (0.5, 0.5)
"""Weights of the two heads. They are fixed: weights by success would depend on each cell's own label."""

_CHUNK = 4096
"""Number of cells predicted at a time, so that intermediate results stay small."""


@dataclass(frozen=True, slots=True, eq=False)
class CrossFit:
    """What cross-fitted heads predict.

    Attributes
    ----------
    cell_id : ndarray of int64, shape (n,)
        Ascending.
    probabilities : ndarray of float64, shape (n, k)
        A labelled cell's by the heads that were fitted without its part of the labels, another cell's the
        mean of the heads of all parts.
    classes : tuple of str
        The k codes.
    """

    cell_id: NDArray[np.int64]
    probabilities: Array
    classes: tuple[str, ...]


def cross_fit(
    given: LearningInput, among: NDArray[np.int64] | None = None, memory: LearningMemory | None = None
) -> CrossFit | None:
    """Predict cells by heads that have not learnt from their own labels.

    The labelled cells in the order of their numbers are dealt out to five parts in turn. For each part the
    two heads of `learn`, tied and free, are fitted on the other four. They start from the laboratory head
    where there is one, else from the bundle. The order in which the labels were given makes no difference.

    Parameters
    ----------
    given : LearningInput
    among : ndarray of int64, optional
        Predict only these cells, as far as they are in the smear; all by default.
    memory : LearningMemory, optional
        That of an earlier `learn` for the same smear; saves time and changes no number.

    Returns
    -------
    CrossFit or None
        None with fewer than `FEWEST_LABELS` labels.
    """
    if len(given.codes) < FEWEST_LABELS:
        return None
    cells = (LearningMemory() if memory is None else memory).prepare(given)
    every = given.features.cell_id
    wanted = np.arange(len(every)) if among is None else np.flatnonzero(np.isin(every, among))
    order = np.argsort(given.cell_id, kind="stable")
    labelled = rows_of(every, given.cell_id[order])
    labels = [given.codes[at] for at in order.tolist()]
    part = np.full(len(every), -1)
    part[labelled] = np.arange(len(labelled)) % FOLDS
    classes = cells.universe(labels)
    total = np.zeros((len(wanted), len(classes)))
    for fold in range(FOLDS):
        kept = part[labelled] != fold
        taught = [label for label, keep in zip(labels, kept.tolist(), strict=True) if keep]
        weight = np.select([part[wanted] == fold, part[wanted] < 0], [1.0, 1 / FOLDS], 0.0)
        chosen = np.flatnonzero(weight)
        codes, found = _predicted(cells, labelled[kept], taught, wanted[chosen])
        total[np.ix_(chosen, columns_of(classes, codes))] += weight[chosen, None] * found
    return CrossFit(every[wanted], total, classes)


def _predicted(
    cells: SmearCells, labelled: NDArray[np.intp], labels: list[str], rows: NDArray[np.intp]
) -> tuple[tuple[str, ...], Array]:
    """Return classes, and what heads fitted on some labels predict for some cells."""
    codes, number = cells.universe(labels), len(cells.bases) - 1
    heads = [cells.fit(number, codes, labelled, labels, tied) for tied in (True, False)]
    found = np.zeros((len(rows), len(codes)))
    for start in range(0, len(rows), _CHUNK):
        each = rows[start : start + _CHUNK]
        base = cells.base(number, codes, each)
        for weight, head in zip(_TIED_AND_FREE, heads, strict=True):
            found[start : start + _CHUNK] += weight * head.predict(cells.inputs[each], base)
    found[:, ~cells.open_to(codes, labels)] = 0.0
    return codes, found / np.maximum(found.sum(axis=1, keepdims=True), 1e-300)
