"""A laboratory head: what the signed cases of a laboratory taught, beside a bundle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Features, ModelReference, Predictions
from napari_bonemarrow.learning.errors import LearningError
from napari_bonemarrow.learning.laboratory_fit import LaboratoryFit, PooledCells, TaughtCase, pool
from napari_bonemarrow.learning.serving_head import ServingHead
from napari_bonemarrow.learning.smear_cells import LEAST_LABELS


@dataclass(frozen=True, slots=True)
class Accuracies:
    """Accuracy of bundle and head on the same cells of cases that the head had not met.

    Attributes
    ----------
    cases, cells, classes : int
        What was predicted.
    bundle, head : float
        Share of the cells that were named rightly.
    bundle_balanced, head_balanced : float
        Mean of that share over the classes.
    """

    cases: int
    cells: int
    classes: int
    bundle: float
    head: float
    bundle_balanced: float
    head_balanced: float

    @property
    def worse(self) -> bool:
        """Return whether the head is worse than the bundle by both measures."""
        return self.head < self.bundle and self.head_balanced < self.bundle_balanced


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Accuracy on other cases after a number of cases."""

    cases: int
    measured: Accuracies


@dataclass(frozen=True, slots=True, eq=False)
class LaboratoryHead:
    """A head on a bundle's features, fitted on signed cases.

    Make one with `make`; `with_case` and `forget` return another.

    Attributes
    ----------
    model : ModelReference
        The bundle.
    bundle_classes : tuple of str
        The bundle's classes in its order.
    cases : tuple of TaughtCase
    fit : LaboratoryFit
    left_out : Accuracies or None
        Each case predicted by a head of the others; None with a single case.
    notes : mapping of str to str
        What the user says of stain, scanner and the like.
    """

    model: ModelReference
    bundle_classes: tuple[str, ...]
    cases: tuple[TaughtCase, ...]
    fit: LaboratoryFit
    left_out: Accuracies | None
    notes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def make(
        cls,
        cases: Sequence[TaughtCase],
        model: ModelReference,
        bundle_classes: Sequence[str],
        notes: Mapping[str, str] | None = None,
    ) -> LaboratoryHead:
        """Return a head of cases.

        Raises
        ------
        LearningError
            If there is no case, one occurs twice or has features of another length, or the head names fewer
            cells than the bundle, plainly and by class, in cases that it has not met.
        """
        _check(cases, bundle_classes)
        cells = pool(cases, bundle_classes)
        everything = np.ones(len(cells.classes), bool)
        coefficients = cells.fit(everything)
        measured = _left_out(cells, len(bundle_classes), coefficients) if len(cases) > 1 else None
        if measured is not None and measured.worse:
            raise LearningError(
                f"in {measured.cases} cases left out one by one, a head of the others names "
                f"{measured.head:.1%} of {measured.cells:,} cells, the model alone {measured.bundle:.1%}; "
                "the head is not used: forget a case of another stain, or add more cases"
            )
        return cls(
            model,
            tuple(bundle_classes),
            tuple(cases),
            cells.in_full(coefficients),
            measured,
            dict(notes or {}),
        )

    @property
    def taught(self) -> Mapping[str, int]:
        """Return the number of cells by class, for classes with enough of them to be predicted."""
        counts = Counter(code for case in self.cases for code in case.codes)
        return {code: counts[code] for code in sorted(counts) if counts[code] >= LEAST_LABELS}

    @property
    def case_ids(self) -> tuple[str, ...]:
        """Return the numbers of its cases, oldest first."""
        return tuple(case.case_id for case in self.cases)

    def with_case(self, case: TaughtCase) -> LaboratoryHead:
        """Return a head that also knows a case, instead of an earlier state of the same one."""
        others = [each for each in self.cases if each.case_id != case.case_id]
        return self.make([*others, case], self.model, self.bundle_classes, self.notes)

    def forget(self, case_id: str) -> LaboratoryHead | None:
        """Return a head without a case, fitted again on the others; None if no other is left.

        Raises
        ------
        LearningError
            If the head does not know the case, or would be worse than the bundle without it.
        """
        others = [each for each in self.cases if each.case_id != case_id]
        if len(others) == len(self.cases):
            raise LearningError(f"this head has not learnt from case {case_id}; it cannot forget it")
        return self.make(others, self.model, self.bundle_classes, self.notes) if others else None

    def with_notes(self, notes: Mapping[str, str]) -> LaboratoryHead:
        """Return the head with other notes."""
        return replace(self, notes=dict(notes))

    def serving(self, name: str = "") -> ServingHead:
        """Return what it predicts from, under a name."""
        return ServingHead(name, self.model, dict(self.taught), self.fit, len(self.bundle_classes))

    def predict(self, features: Features, bundle: Predictions) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        """Return the classes, and their probabilities for a smear's cells; see `ServingHead.predict`."""
        return self.serving().predict(features, bundle)


def learning_curve(head: LaboratoryHead, repeats: int = 3, seed: int = 0) -> tuple[CurvePoint, ...]:
    """Return the accuracy on cases left out, by the number of cases that a head has learnt from.

    Where it still rises with the last cases, more of them pay, and so may fine-tuning the network; where it
    is flat, only other features can help.

    Parameters
    ----------
    head : LaboratoryHead
    repeats : int
        Draws of the cases to learn from for each case left out.
    seed : int

    Returns
    -------
    tuple of CurvePoint
        For 1, 2, 4 … cases and all but one; empty with fewer than two cases.
    """
    total = len(head.cases)
    if total < 2:
        return ()
    cells = pool(head.cases, head.bundle_classes)
    sizes = sorted({2**power for power in range(total.bit_length()) if 2**power < total} | {total - 1})
    points = []
    for size in sizes:
        rng = np.random.default_rng([seed, size])
        outcomes = [
            _predict_case(cells, left, rng.choice([c for c in range(total) if c != left], size, False), None)
            for left in range(total)
            for _ in range(repeats if size < total - 1 else 1)
        ]
        points.append(CurvePoint(size, _accuracies(cells, len(head.bundle_classes), outcomes, total)))
    return tuple(points)


Outcome = tuple[NDArray[np.intp], NDArray[np.intp]]


def _predict_case(
    cells: PooledCells, left: int, taught: NDArray[np.intp], start: NDArray[np.float64] | None
) -> Outcome:
    """Return the rows of a case, and their classes by a head of other cases."""
    which = cells.case == left
    coefficients = cells.fit(np.isin(cells.case, taught), start)
    return np.flatnonzero(which), cells.predicted(coefficients, which)


def _left_out(cells: PooledCells, width: int, start: NDArray[np.float64]) -> Accuracies:
    cases = int(cells.case.max()) + 1
    every = np.arange(cases)
    outcomes = [_predict_case(cells, left, every[every != left], start) for left in range(cases)]
    return _accuracies(cells, width, outcomes, cases)


def _accuracies(cells: PooledCells, width: int, outcomes: Sequence[Outcome], cases: int) -> Accuracies:
    rows = np.concatenate([row for row, _ in outcomes])
    head = np.concatenate([named for _, named in outcomes])
    truth, bundle = cells.classes[rows], cells.base[rows][:, :width].argmax(axis=1)
    met = np.unique(truth)

    def shares(named: NDArray[np.intp]) -> tuple[float, float]:
        right = named == truth
        return float(right.mean()), float(np.mean([right[truth == each].mean() for each in met]))

    (plain, balanced), (own, own_balanced) = shares(bundle), shares(head)
    return Accuracies(cases, len(rows), len(met), plain, own, balanced, own_balanced)


def _check(cases: Sequence[TaughtCase], bundle_classes: Sequence[str]) -> None:
    if not cases:
        raise LearningError("a laboratory head needs at least one signed case")
    twice = [case_id for case_id, n in Counter(case.case_id for case in cases).items() if n > 1]
    if twice:
        raise LearningError(f"case {twice[0]} is there twice; a head learns from each case once")
    lengths = sorted({len(case.mean) for case in cases})
    if len(lengths) > 1:
        raise LearningError(
            f"cases of networks with {lengths[0]} and {lengths[1]} features do not go together"
        )
    if any(case.bundle.shape[1] != len(bundle_classes) for case in cases):
        raise LearningError("a case was predicted with other classes than the model's; open it again first")


def summary(head: LaboratoryHead) -> dict[str, Any]:
    """Return what a card says of a head, as JSON values."""
    return {
        "cases": [
            {"case_id": case.case_id, "date": case.date, "labels": dict(sorted(Counter(case.codes).items()))}
            for case in head.cases
        ],
        "left_out": None
        if head.left_out is None
        else {name: getattr(head.left_out, name) for name in head.left_out.__slots__},
    }
