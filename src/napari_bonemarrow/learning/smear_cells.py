"""The cells of a smear as its heads take them: inputs, what is predicted already, and fits on some labels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.learning.case_head import CaseHead, fit_case_head
from napari_bonemarrow.learning.directions import centred_directions
from napari_bonemarrow.learning.records import LearningInput
from napari_bonemarrow.learning.softmax_regression import columns_of, floored_logs

Array = NDArray[np.float64]

LEAST_LABELS = 2
"""Number of labels from which a class that the bundle has not learnt is predicted."""

SAMPLE = 2000
"""Number of cells that show how the smear's cells vary."""

_DIAMETER = 0.3
"""Length of one standard deviation of the logarithm of the diameter, where features have length 1."""


@dataclass(frozen=True, slots=True, eq=False)
class SmearCells:
    """What the fits need of a smear, however many labels it has.

    Attributes
    ----------
    codes : tuple of str
        The classes that can be named without a label.
    inputs : ndarray of float64, shape (n, d)
    bases : tuple
        What heads start from, the bundle and then the laboratory head: classes and probabilities.
    sample : ndarray of intp
        The rows that show how the smear's cells vary.
    learnt : frozenset of str
        The classes that the bundle has learnt.
    known : frozenset of str
        These and those that the laboratory head has learnt.
    """

    codes: tuple[str, ...]
    inputs: Array
    bases: tuple[tuple[tuple[str, ...], Array], ...]
    sample: NDArray[np.intp]
    learnt: frozenset[str]
    known: frozenset[str]

    @classmethod
    def of(cls, given: LearningInput) -> SmearCells:
        """Prepare a smear."""
        bundle = given.bundle
        learnt = frozenset(c for c in bundle.classes if bundle.support.get(c, Support.NONE) != Support.NONE)
        bases: list[tuple[tuple[str, ...], Array]] = [
            (bundle.classes, bundle.probabilities.astype(np.float64))
        ]
        codes, known = bundle.classes, learnt
        if given.laboratory is not None:
            own, probabilities = given.laboratory.predict(given.features, bundle)
            bases.append((own, probabilities))
            codes = codes + tuple(sorted(set(own).difference(codes)))
            known = learnt | frozenset(given.laboratory.taught)
        count = len(given.features)
        sample = np.unique(np.linspace(0, max(count - 1, 0), min(count, SAMPLE)).astype(np.intp))
        return cls(codes, case_inputs(given), tuple(bases), sample, learnt, known)

    def universe(self, labels: Collection[str]) -> tuple[str, ...]:
        """Return the classes that could be named after some labels: those without a label, then others."""
        return self.codes + tuple(sorted(set(labels).difference(self.codes)))

    def open_to(self, codes: tuple[str, ...], labels: Sequence[str]) -> NDArray[np.bool_]:
        """Return the classes that heads may name: learnt by bundle or laboratory, or labelled twice."""
        return np.array([code in self.known or labels.count(code) >= LEAST_LABELS for code in codes], bool)

    def base(self, number: int, codes: tuple[str, ...], rows: NDArray[np.intp]) -> Array:
        """Return the logarithms of a base's probabilities of some cells, none below the floor."""
        own, probabilities = self.bases[number]
        columns = columns_of(own, codes)
        laid = np.where(columns >= 0, probabilities[rows][:, columns], 0.0)
        return floored_logs(laid)

    def fit(
        self, number: int, codes: tuple[str, ...], rows: NDArray[np.intp], labels: Sequence[str], tied: bool
    ) -> CaseHead:
        """Fit a head that starts from a base on labelled cells."""
        base = self.base(number, codes, np.concatenate([rows, self.sample]))
        classes = columns_of(codes, labels)
        return fit_case_head(codes, self.inputs[rows], base, classes, self.inputs[self.sample], tied=tied)


def case_inputs(given: LearningInput) -> Array:
    """Return the inputs of a smear's heads, shape (n, d + 2): features, diameter, a constant."""
    size = np.log(np.maximum(np.nan_to_num(given.diameter_um.astype(np.float64)), 1e-3))
    spread = float(size.std()) if len(size) else 0.0
    size = np.clip((size - size.mean()) / spread, -3.0, 3.0) if spread > 1e-9 else np.zeros(len(size))
    return np.column_stack([centred_directions(given.features.values), _DIAMETER * size, np.ones(len(size))])
