"""Learning from labels: what predicts after them, as a pure function of the labels in their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.arrays import rows_of
from napari_bonemarrow.learning.case_head import CaseHead
from napari_bonemarrow.learning.experts import follow_weights
from napari_bonemarrow.learning.records import LearningInput, Learnt, Prequential
from napari_bonemarrow.learning.smear_cells import LEAST_LABELS, SmearCells
from napari_bonemarrow.learning.softmax_regression import FLOOR, columns_of, softmax

Array = NDArray[np.float64]

EACH_UNTIL, PART, COARSE_FROM, COARSE_PART = 50, 16, 1000, 8
"""A head is fitted again after each label up to the first number, then after each 16th part more, from 1,000
labels on after each 8th."""

_PRIOR = np.array([0.3, 0.3, 0.4])
_PRIOR_WITH_LABORATORY = np.array([0.1, 0.05, 0.05, 0.3, 0.25, 0.25])
"""Weights before the first label: of the bundle, the head tied to it and the free one; then also of the
laboratory head and the heads on that."""


def fit_counts(labels: int) -> list[int]:
    """Return the numbers of labels after which heads are fitted, up to a number of labels; ascending."""
    counts, count = [], 1
    while count <= labels:
        counts.append(count)
        part = COARSE_PART if count >= COARSE_FROM else PART
        count += 1 if count < EACH_UNTIL else count // part
    return counts


@dataclass(slots=True, eq=False)
class LearningMemory:
    """What `learn` keeps between calls; it saves time and changes no number.

    It holds the heads and the predictions of each label from before it was learnt from. They depend only on
    the labels before, so that those of an unchanged beginning are used again. One memory serves one smear at
    a time; cells, bundle or laboratory head that differ empty it.
    """

    given: LearningInput | None = None
    cells: SmearCells | None = None
    heads: dict[tuple[int, int, bool], CaseHead] = field(default_factory=dict)
    rows: list[tuple[tuple[str, ...], Array, Array]] = field(default_factory=list)

    def prepare(self, given: LearningInput) -> SmearCells:
        """Keep what still holds for an input and drop the rest."""
        before = self.given
        if before is None or self.cells is None or not _same_cells(before, given):
            self.cells, common = SmearCells.of(given), 0
        else:
            common = _common(before, given)
        del self.rows[common:]
        self.heads = {key: head for key, head in self.heads.items() if key[0] <= common}
        self.given = given
        return self.cells


def learn(given: LearningInput, memory: LearningMemory | None = None) -> Learnt:
    """Return what predicts the cells of a smear after some labels.

    Each label is predicted first, by heads fitted on the labels before it, and learnt from afterwards. The
    weights of bundle and heads follow from these predictions.

    Parameters
    ----------
    given : LearningInput
    memory : LearningMemory, optional
        That of an earlier call for the same smear: the result is the same to the last bit, sooner.

    Returns
    -------
    Learnt
    """
    memory = LearningMemory() if memory is None else memory
    cells = memory.prepare(given)
    prior = _PRIOR if len(cells.bases) == 1 else _PRIOR_WITH_LABORATORY
    work = _Work(given, cells, memory)
    work.score()
    likelihoods = np.array([row[1] for row in memory.rows]).reshape(len(memory.rows), len(prior))
    weights = follow_weights(prior, likelihoods)
    prequential = _prequential(given, cells, memory, weights)
    taught = float(1.0 - weights[-1, 0])
    serves = _serve(weights)[-1]
    codes, probabilities = work.mixed(weights[-1]) if serves else (work.universe(len(given.codes)), None)
    shown = np.zeros((len(given.features), len(codes)), np.float32)
    width = given.bundle.probabilities.shape[1]
    if probabilities is None:
        shown[:, :width] = given.bundle.probabilities
    else:
        shown[:] = probabilities
    return Learnt(
        given.features.cell_id,
        shown,
        codes,
        _learnt_here(given, cells) if serves else {},
        taught,
        serves,
        prequential,
    )


class _Work:
    """One call's fits and predictions."""

    def __init__(self, given: LearningInput, cells: SmearCells, memory: LearningMemory) -> None:
        self._given, self._cells, self._memory = given, cells, memory
        self._rows = rows_of(given.features.cell_id, given.cell_id)
        self._counts = fit_counts(len(given.codes))
        self._met: dict[int, frozenset[str]] = {}

    def universe(self, count: int) -> tuple[str, ...]:
        """Return the classes that could be named after some labels."""
        return self._cells.universe(self._labelled(count))

    def _labelled(self, count: int) -> frozenset[str]:
        """Return the classes among the first labels."""
        if count not in self._met:
            self._met[count] = frozenset(self._given.codes[:count])
        return self._met[count]

    def score(self) -> None:
        """Predict each label that is not predicted yet with what was fitted on the labels before it."""
        rows = self._memory.rows
        for number in range(len(rows), len(self._given.codes)):
            count = max((each for each in self._counts if each <= number), default=0) if number else 0
            codes = self.universe(count)
            row = self._rows[number : number + 1]
            each = np.concatenate(self._experts(count, codes, row))
            code = self._given.codes[number]
            if code in self._cells.known or code in self._labelled(count):
                likelihood = np.maximum(each[:, columns_of(codes, [code])[0]], FLOOR)
            else:  # nothing could have predicted it
                likelihood = np.ones(len(each))
            rows.append((codes, likelihood, each))

    def _experts(self, count: int, codes: tuple[str, ...], row: NDArray[np.intp]) -> list[Array]:
        """Return what bundle and heads predict for some cells, each (n, k)."""
        found = []
        for number in range(len(self._cells.bases)):
            base = self._cells.base(number, codes, row)
            found.append(_doubted(base))
            for tied in (True, False):
                head = self._head(count, number, tied) if count else None
                found.append(np.exp(base) if head is None else head.predict(self._cells.inputs[row], base))
        return found

    def _head(self, count: int, number: int, tied: bool) -> CaseHead:
        key = (count, number, tied)
        if key not in self._memory.heads:
            codes, labels = self.universe(count), self._given.codes[:count]
            self._memory.heads[key] = self._cells.fit(number, codes, self._rows[:count], labels, tied)
        return self._memory.heads[key]

    def mixed(self, weights: Array) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """Return the classes, and the mixture for all cells."""
        labels = len(self._given.codes)
        codes, count = self.universe(labels), max(self._counts, default=0)
        fitted = self.universe(count)
        every = np.arange(len(self._cells.inputs))
        experts = self._experts(count, fitted, every)
        # the bundle itself as it is, without a floor
        plain = np.zeros((len(every), len(codes)))
        plain[:, : self._given.bundle.probabilities.shape[1]] = self._given.bundle.probabilities
        total = np.zeros((len(every), len(codes)))
        total[:, columns_of(codes, fitted)] = sum(
            weight * each for weight, each in zip(weights[1:], experts[1:], strict=True)
        )
        open_ = self._cells.open_to(codes, self._given.codes)
        total[:, ~open_] = 0.0
        total *= (1.0 - weights[0]) / np.maximum(total.sum(axis=1, keepdims=True), 1e-300)
        total += weights[0] * plain
        total /= total.sum(axis=1, keepdims=True)
        return codes, total.astype(np.float32)


def _serve(weights: Array) -> list[bool]:
    """Return after each label whether what was taught shows.

    It does while its weight is above that before the first label: while it has predicted better than the
    bundle. A laboratory head has shown so in its own cases, and serves while it keeps half of the weight.
    """
    least = 1.0 - weights[0, 0] if weights.shape[1] == len(_PRIOR) else 0.5
    return [bool(1.0 - weight > least + 1e-9) for weight in weights[:, 0].tolist()]


def _doubted(base: Array) -> Array:
    """Return probabilities, half as they are and half of the roots: networks are too sure on other smears.

    The order of the classes stays. Without it, two confident errors would outweigh many right predictions.
    """
    found: Array = 0.5 * np.exp(base) + 0.5 * softmax(0.5 * base)
    return found


def _prequential(
    given: LearningInput, cells: SmearCells, memory: LearningMemory, weights: Array
) -> Prequential:
    """Return which labels were named by the bundle, and by what was shown before each."""
    top = given.bundle.probabilities.argmax(axis=1) if len(given.bundle) else np.zeros(0, np.intp)
    rows = rows_of(given.features.cell_id, given.cell_id)
    bundle = np.array([given.bundle.classes[top[row]] for row in rows.tolist()], object) == np.array(
        given.codes, object
    )
    head = np.zeros(len(rows), bool)
    met: dict[str, int] = {}
    serve = _serve(weights)
    for number, (codes, _, each) in enumerate(memory.rows):
        weight = weights[number]
        if serve[number]:
            mixed = weight @ each
            closed = [
                column
                for column, code in enumerate(codes)
                if code not in cells.known and met.get(code, 0) < LEAST_LABELS
            ]
            mixed[closed] = -1.0
            head[number] = codes[int(mixed.argmax())] == given.codes[number]
        else:
            head[number] = bundle[number]
        met[given.codes[number]] = met.get(given.codes[number], 0) + 1
    return Prequential(given.cell_id, bundle.astype(bool).reshape(len(rows)), head)


def _learnt_here(given: LearningInput, cells: SmearCells) -> Mapping[str, int]:
    counts = {code: given.codes.count(code) for code in sorted(set(given.codes))}
    return {c: n for c, n in counts.items() if c not in cells.learnt and n >= LEAST_LABELS}


def _same_cells(a: LearningInput, b: LearningInput) -> bool:
    return (
        a.laboratory is b.laboratory
        and a.bundle.model == b.bundle.model
        and a.bundle.classes == b.bundle.classes
        and np.array_equal(a.features.cell_id, b.features.cell_id)
        and np.array_equal(a.features.values, b.features.values)
        and np.array_equal(a.bundle.probabilities, b.bundle.probabilities)
        and np.array_equal(a.diameter_um, b.diameter_um)
    )


def _common(a: LearningInput, b: LearningInput) -> int:
    """Return the number of labels at the beginning that are the same."""
    length = min(len(a.codes), len(b.codes))
    if a.codes[:length] == b.codes[:length] and np.array_equal(a.cell_id[:length], b.cell_id[:length]):
        return length
    pairs = zip(a.cell_id.tolist(), a.codes, b.cell_id.tolist(), b.codes, strict=False)
    return next((n for n, (i, c, j, d) in enumerate(pairs) if (i, c) != (j, d)), length)
