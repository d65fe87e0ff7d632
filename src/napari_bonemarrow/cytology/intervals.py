"""Sampling intervals of counts and how percentages are rounded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

CI_METHOD = "wilson"
LEVEL = 0.95
_Z2 = NormalDist().inv_cdf((1 + LEVEL) / 2) ** 2


def wilson(count: int, total: int) -> tuple[float, float]:
    """Return the Wilson 95 % interval of a proportion.

    Parameters
    ----------
    count, total : int
        ``0 <= count <= total``, ``total > 0``.

    Returns
    -------
    tuple of float
        Lower and upper bound as fractions, 0 to 1.

    Notes
    -----
    Wilson, J Am Stat Assoc 1927;22:209-12, eq. for the score interval without continuity correction: the
    same as ``scipy.stats.binomtest(count, total).proportion_ci(method="wilson")``, which the tests hold it
    to. That call also works out an exact p-value, 0.6 ms a class, and its import takes a second, both of
    which a live count would feel at each key. 0 of n starts at exactly 0 and n of n ends at exactly 1.
    """
    p = count / total
    centre = (p + _Z2 / (2 * total)) / (1 + _Z2 / total)
    half = math.sqrt(_Z2 * (p * (1 - p) / total + _Z2 / (4 * total * total))) / (1 + _Z2 / total)
    return (0.0 if count == 0 else centre - half), (1.0 if count == total else centre + half)


def ratio_interval(above: int, below: int) -> tuple[float, float]:
    """Return the 95 % interval of a ratio of two counts.

    Given ``above + below``, the count above the line is binomial with p = r / (1 + r), so the interval of
    the ratio r is that of p mapped by p / (1 - p) (conditional binomial; Przyborowski & Wilenski,
    Biometrika 1940;31:313-23).

    Parameters
    ----------
    above, below : int
        Not both 0.

    Returns
    -------
    tuple of float
        Lower and upper bound; the upper one is infinite when nothing lies below the line.
    """
    low, high = wilson(above, above + below)
    return low / (1 - low) if low < 1 else math.inf, high / (1 - high) if high < 1 else math.inf


def rounded_tenths(counts: Sequence[int], total: int) -> list[float]:
    """Round each share to a tenth of a per cent on its own, halves up."""
    return [(2000 * count + total) // (2 * total) / 10 for count in counts]


def largest_remainder(counts: Sequence[int]) -> list[float]:
    """Round shares to tenths of a per cent so that they add up to exactly 100.0.

    Each share is cut off at a tenth; the tenths that are left go to the largest remainders, the earlier
    class first among equals (Hamilton's method).

    Parameters
    ----------
    counts : sequence of int
        At least one is positive.

    Returns
    -------
    list of float
        Per cent, one decimal.
    """
    total = sum(counts)
    tenths = [1000 * count // total for count in counts]
    by_remainder = sorted(range(len(counts)), key=lambda i: (-(1000 * counts[i] % total), i))
    for index in by_remainder[: 1000 - sum(tenths)]:
        tenths[index] += 1
    return [value / 10 for value in tenths]
