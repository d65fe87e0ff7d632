"""Agreement of two readers on the same cells.

Cohen's kappa (Cohen, Educ Psychol Meas 1960;20:37-46) with the 95 % interval of Fleiss, Cohen & Everitt
(Psychol Bull 1969;72:323-7), both computed by statsmodels. Specific agreement on a class is
2a / (2a + b + c) (Cicchetti & Feinstein, J Clin Epidemiol 1990;43:551-8): cells that both readers put there
among those that either did.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.classes import CODES

_NUMBER = {code: number for number, code in enumerate(CODES)}


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """Agreement of two readers on one class.

    Attributes
    ----------
    code : str
    n_first, n_second, both : int
        Cells that the first reader, the second and both put there.
    specific : float
        Specific agreement, 0 to 1.
    kappa : float or None
        Cohen's kappa of this class against all others; None where it is not defined.
    """

    code: str
    n_first: int
    n_second: int
    both: int
    specific: float
    kappa: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Agreement of two readers.

    Attributes
    ----------
    n : int
        Cells with a class from both readers.
    agreed : int
        Cells with the same class.
    percent : float or None
        ``agreed`` of ``n`` in per cent; None without cells.
    kappa : float or None
        Cohen's kappa, -1 to 1. None where it is not defined: without cells, or if both readers put every cell
        into one class.
    kappa_ci95 : tuple of float, or None
        Its 95 % interval, cut at -1 and 1. None where kappa is, and if the readers agree on every cell: the
        formula's variance is then 0, and an interval without width would be misleading.
    per_class : tuple of ClassAgreement
        Classes that either reader gave, in reading order.
    codes : tuple of str
        The k codes of these classes.
    confusion : ndarray of int64, shape (k, k)
        Cells by class; rows are the first reader's, columns the second's.
    """

    n: int
    agreed: int
    percent: float | None
    kappa: float | None
    kappa_ci95: tuple[float, float] | None
    per_class: tuple[ClassAgreement, ...]
    codes: tuple[str, ...]
    confusion: NDArray[np.int64]

    @classmethod
    def compute(
        cls, first: Sequence[str] | NDArray[np.integer], second: Sequence[str] | NDArray[np.integer]
    ) -> Agreement:
        """Compare two readings of the same cells.

        Parameters
        ----------
        first, second : sequence of str, or ndarray of int, length n
            The class that each reader gave each cell, as codes or as indices of `CODES`.

        Raises
        ------
        ValueError
            If the lengths differ or a code is not a class.
        """
        one, other = _numbers(first), _numbers(second)
        if len(one) != len(other):
            raise ValueError(f"{len(one)} cells of the first reader, {len(other)} of the second")
        used = np.union1d(one, other)
        k, n = len(used), len(one)
        cells = np.searchsorted(used, one) * k + np.searchsorted(used, other)
        confusion = np.bincount(cells, minlength=k * k).reshape(k, k).astype(np.int64)
        agreed = int(np.trace(confusion))
        kappa, interval = _kappa(confusion)
        codes = tuple(CODES[number] for number in used.tolist())
        return cls(
            n=n,
            agreed=agreed,
            percent=100 * agreed / n if n else None,
            kappa=kappa,
            kappa_ci95=interval,
            per_class=tuple(_of_class(confusion, at, code) for at, code in enumerate(codes)),
            codes=codes,
            confusion=confusion,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the agreement as JSON values."""
        return {
            "n": self.n,
            "agreed": self.agreed,
            "percent": self.percent,
            "kappa": self.kappa,
            "kappa_ci95": None if self.kappa_ci95 is None else list(self.kappa_ci95),
            "per_class": [
                {name: getattr(row, name) for name in ClassAgreement.__slots__} for row in self.per_class
            ],
            "codes": list(self.codes),
            "confusion": self.confusion.tolist(),
        }


def _numbers(codes: Sequence[str] | NDArray[np.integer]) -> NDArray[np.int64]:
    if isinstance(codes, np.ndarray) and codes.dtype.kind in "iu":
        return codes.astype(np.int64)
    unknown = sorted({str(code) for code in codes} - _NUMBER.keys())
    if unknown:
        raise ValueError(f"no class has the code {', '.join(map(repr, unknown))}")
    return np.fromiter((_NUMBER[str(code)] for code in codes), np.int64, len(codes))


def _of_class(confusion: NDArray[np.int64], at: int, code: str) -> ClassAgreement:
    both = int(confusion[at, at])
    first, second = int(confusion[at].sum()), int(confusion[:, at].sum())
    rest = int(confusion.sum()) - first - second + both
    table = np.array([[both, first - both], [second - both, rest]], np.int64)
    return ClassAgreement(code, first, second, both, 2 * both / (first + second), _kappa(table)[0])


def _kappa(table: NDArray[np.int64]) -> tuple[float | None, tuple[float, float] | None]:
    """Return Cohen's kappa and its interval, None where they are not defined."""
    n = int(table.sum())
    if not n:
        return None, None
    by_chance = int(table.sum(axis=0) @ table.sum(axis=1))
    if by_chance == n * n:
        return None, None
    from statsmodels.stats.inter_rater import cohens_kappa  # takes seconds to load, and few cases need it

    with np.errstate(invalid="ignore", divide="ignore"):  # a variance of 0 is handled below
        found = cohens_kappa(table)
    kappa, low, high = float(found.kappa), float(found.kappa_low), float(found.kappa_upp)
    if not (math.isfinite(low) and math.isfinite(high)) or low == high:
        return kappa, None
    return kappa, (max(low, -1.0), min(high, 1.0))
