"""The plan of a sample review and its estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

METHOD = 1
"""Version of the method; a change of it changes numbers, and the journal records it."""


@dataclass(frozen=True, slots=True, eq=False)
class SamplePlan:
    """The order in which the cells of a frame are handed to the reader, fixed before the first is named.

    Attributes
    ----------
    cell_id : ndarray of int64, shape (N,)
        Every cell of the frame: stratum by stratum, in each stratum in a random order.
    stratum : ndarray of int16, shape (N,)
        Number of each cell's stratum, ascending from 0.
    predicted : ndarray of uint8, shape (N,)
        What each cell was predicted to be when the sample began, as an index of `cytology.CODES`; 0 without
        a prediction. The estimate assumes as much of a stratum as its small sample cannot yet show.
    names : tuple of str
        A description of each stratum for people, such as ``BLA, sure``.
    seed : int
    """

    cell_id: NDArray[np.int64]
    stratum: NDArray[np.int16]
    predicted: NDArray[np.uint8]
    names: tuple[str, ...]
    seed: int

    def __len__(self) -> int:
        return len(self.cell_id)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Return the number of cells of each stratum."""
        return np.bincount(self.stratum, minlength=len(self.names)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class EstimatedShare:
    """The estimated share of a class or group.

    Attributes
    ----------
    code : str
        A class, or a group as in `Differential.groups`.
    percent : float or None
        None where no cell of it was seen: then only the upper limit is known.
    ci95 : tuple of float
        Lower and upper limit, percent.
    seen : int
        Cells of it among those that enter the estimate.
    """

    code: str
    percent: float | None
    ci95: tuple[float, float]
    seen: int


@dataclass(frozen=True, slots=True)
class SampleEstimate:
    """The differential count that a sample review estimates.

    Attributes
    ----------
    method : str
        One line.
    frame : int
        Cells of the frame, N.
    reviewed : int
        Cells that enter the estimate: the completely reviewed beginning of each stratum's order.
    seed : int
    classes : tuple of EstimatedShare
        Every counted class in reading order.
    groups : tuple of EstimatedShare
    m_to_e : float or None
        None where no erythroid cell was seen, or neither kind.
    m_to_e_ci95 : tuple of float or None
        The upper limit may be infinite, which is null in JSON. None where neither kind was seen.
    """

    method: str
    frame: int
    reviewed: int
    seed: int
    classes: tuple[EstimatedShare, ...]
    groups: tuple[EstimatedShare, ...]
    m_to_e: float | None
    m_to_e_ci95: tuple[float, float] | None

    def row(self, code: str) -> EstimatedShare:
        """Return the row of a class or group by its code."""
        return next(row for row in (*self.classes, *self.groups) if row.code == code)

    def to_dict(self) -> Mapping[str, Any]:
        """Return the contract's JSON."""
        limits = self.m_to_e_ci95
        return {
            "method": self.method,
            "frame": self.frame,
            "reviewed": self.reviewed,
            "seed": self.seed,
            "classes": [_told(row) for row in self.classes],
            "groups": [_told(row) for row in self.groups],
            "ratios": {
                "m_to_e": {
                    "value": self.m_to_e,
                    "ci95": None if limits is None else [each if isfinite(each) else None for each in limits],
                }
            },
        }


def _told(row: EstimatedShare) -> dict[str, Any]:
    return {"code": row.code, "percent": row.percent, "ci95": list(row.ci95), "seen": row.seen}
