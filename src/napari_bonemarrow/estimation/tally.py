"""The part of a sample that is reviewed: the completely reviewed beginning of each stratum's order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.classes import CODES
from napari_bonemarrow.estimation.records import SamplePlan

_INDEX = {code: index for index, code in enumerate(CODES)}


@dataclass(frozen=True, slots=True, eq=False)
class SampleTally:
    """The cells that enter an estimate, and those that wait.

    A cell enters when it and all cells before it in its stratum's order are reviewed. So which cells enter
    does not depend on what they look like, and they are a simple random sample of their stratum.

    Attributes
    ----------
    lengths : ndarray of int64, shape (H,)
        Cells that enter, by stratum.
    counts : ndarray of int64, shape (H, len(CODES))
        Those cells by stratum and class; column 0 is empty.
    missed : ndarray of int64, shape (len(CODES),)
        Those cells by class whose class is not what was predicted when the sample began.
    foretold : int
        Number of those cells that had a prediction when the sample began.
    labels : ndarray of uint8, shape (N,)
        Class of each reviewed cell in the plan's order as an index of `CODES`, 0 for the others.
    enters : ndarray of bool, shape (N,)
        Which cells of the plan enter.
    waiting : ndarray of int64
        Cells reviewed out of order: they enter without being asked again once all before them are reviewed.
    """

    lengths: NDArray[np.int64]
    counts: NDArray[np.int64]
    missed: NDArray[np.int64]
    foretold: int
    labels: NDArray[np.uint8]
    enters: NDArray[np.bool_]
    waiting: NDArray[np.int64]

    @classmethod
    def of(cls, plan: SamplePlan, codes: Mapping[int, str]) -> SampleTally:
        """Find the cells that enter.

        Parameters
        ----------
        plan : SamplePlan
        codes : mapping of int to str
            The class of each reviewed cell by its number; other cells are not in it or have ``""``. Cells
            outside the frame are passed over.

        Raises
        ------
        ValueError
            If a code is not a class.
        """
        unknown = sorted(set(codes.values()) - set(CODES))
        if unknown:
            raise ValueError(f"no class has the code {', '.join(map(repr, unknown))}")
        get = codes.get
        labels = np.fromiter((_INDEX[get(cell, "")] for cell in plan.cell_id.tolist()), np.uint8, len(plan))
        return cls.of_labels(plan, labels)

    @classmethod
    def of_labels(cls, plan: SamplePlan, labels: NDArray[np.uint8]) -> SampleTally:
        """Find the cells that enter, from the class of each cell in the plan's order (0: not reviewed)."""
        strata = len(plan.names)
        sizes = plan.sizes
        starts = np.cumsum(sizes) - sizes
        unnamed = np.append(np.flatnonzero(labels == 0), len(labels))
        lengths = np.minimum(unnamed[np.searchsorted(unnamed, starts)], starts + sizes) - starts
        enters = np.arange(len(plan)) < (starts + lengths)[plan.stratum]
        stratum, label = plan.stratum[enters].astype(np.int64), labels[enters]
        counts = np.bincount(stratum * len(CODES) + label, minlength=strata * len(CODES))
        predicted = plan.predicted[enters]
        missed = np.bincount(label[label != predicted], minlength=len(CODES))
        return cls(
            lengths=lengths.astype(np.int64),
            counts=counts.reshape(strata, len(CODES)).astype(np.int64),
            missed=missed.astype(np.int64),
            foretold=int(np.count_nonzero(predicted)),
            labels=labels,
            enters=enters,
            waiting=plan.cell_id[(labels > 0) & ~enters],
        )

    @property
    def total(self) -> int:
        """Return the number of cells that enter."""
        return int(self.lengths.sum())
