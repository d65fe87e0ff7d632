"""Whether the counts of several smears differ more than chance lets them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LEVEL = 0.05
"""p-value below which a note says that smears differ."""
_LEAST_EXPECTED = 5
"""Expected cells below which classes are pooled (Cochran, Biometrics 1954;10:417-51)."""


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """The chi-square test that smears have one composition.

    Attributes
    ----------
    p_value, statistic : float
    degrees : int
        Degrees of freedom.
    pooled : tuple of str
        Classes taken together, since too few of their cells are expected.
    """

    p_value: float
    statistic: float
    degrees: int
    pooled: tuple[str, ...]

    @property
    def differ(self) -> bool:
        """Return whether the smears differ more than chance."""
        return self.p_value < LEVEL

    def to_dict(self) -> dict[str, Any]:
        """Return the test as JSON values."""
        return {
            "method": "chi-square test of homogeneity, without continuity correction",
            "p_value": self.p_value,
            "statistic": self.statistic,
            "degrees_of_freedom": self.degrees,
            "pooled": list(self.pooled),
            "differ": self.differ,
        }


def homogeneity(counts: Sequence[Mapping[str, int]]) -> Homogeneity | None:
    """Test whether smears have one composition.

    Classes of which fewer than 5 cells are expected in a smear are pooled, the rarest first, until none is.

    Parameters
    ----------
    counts : sequence of mapping of str to int
        Counted cells by class, one mapping a smear.

    Returns
    -------
    Homogeneity or None
        None with fewer than two smears with cells, or where fewer than two classes are left.
    """
    totals = np.array([sum(each.values()) for each in counts], float)
    if len(totals) < 2 or not totals.all():
        return None
    sizes = {code: sum(each.get(code, 0) for each in counts) for each in counts for code in each}
    ranked = sorted((code for code in sizes if sizes[code]), key=lambda code: (sizes[code], code))
    least = _LEAST_EXPECTED * totals.sum() / totals.min()
    pooled: list[str] = []
    while ranked and (sizes[ranked[0]] < least or 0 < sum(sizes[code] for code in pooled) < least):
        pooled.append(ranked.pop(0))
    columns = [[code] for code in ranked] + ([pooled] if pooled else [])
    if len(columns) < 2:
        return None
    table = np.array([[sum(each.get(code, 0) for code in column) for column in columns] for each in counts])
    from scipy.stats import chi2_contingency

    found = chi2_contingency(table, correction=False)
    together = tuple(pooled) if len(pooled) > 1 else ()
    return Homogeneity(float(found.pvalue), float(found.statistic), int(found.dof), together)
