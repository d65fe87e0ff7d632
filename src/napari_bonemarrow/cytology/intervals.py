"""Sampling intervals of counts and the rounding of percentages."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from statistics import NormalDist

CI_METHOD = "wilson"
LEVEL = 0.95
_NORMAL = NormalDist()
_Z2 = _NORMAL.inv_cdf((1 + LEVEL) / 2) ** 2
POWER = 0.8
"""Share of smears in which a planned number of cells is to tell a share from a threshold."""


def wilson(count: float, total: float, z2: float = _Z2) -> tuple[float, float]:
    """Return the Wilson interval of a proportion, by default at 95 %.

    Parameters
    ----------
    count, total : float
        ``0 <= count <= total``, ``total > 0``. Whole numbers, or the effective ones of an estimate.
    z2 : float
        Square of the normal quantile.

    Returns
    -------
    tuple of float
        Lower and upper bound as fractions, 0 to 1.

    Notes
    -----
    Wilson, J Am Stat Assoc 1927;22:209-12, eq. for the score interval without continuity correction. Tests
    compare it with ``scipy.stats.binomtest(count, total).proportion_ci(method="wilson")``, which also
    computes an exact p-value, 0.6 ms a class, and takes a second to import: too slow for a count that
    follows each key. 0 of n starts at exactly 0 and n of n ends at exactly 1.
    """
    p = count / total
    centre = (p + z2 / (2 * total)) / (1 + z2 / total)
    half = math.sqrt(z2 * (p * (1 - p) / total + z2 / (4 * total * total))) / (1 + z2 / total)
    return (0.0 if count == 0 else centre - half), (1.0 if count == total else centre + half)


@lru_cache(maxsize=64)
def _simultaneous_z2(classes: int) -> float:
    return _NORMAL.inv_cdf(1 - (1 - LEVEL) / (2 * classes)) ** 2


def goodman(count: float, total: float, classes: int) -> tuple[float, float]:
    """Return the interval of one proportion out of several that hold together at 95 %.

    Parameters
    ----------
    count, total : float
        As in `wilson`.
    classes : int
        Number of classes that are compared, at least 1.

    Notes
    -----
    Goodman, Technometrics 1965;7:247-54: Wilson's formula with the quantile of chi-square (one degree of
    freedom) at 1 - 0.05 / ``classes``, so that all intervals of a multinomial count hold at once in at least
    95 % of smears (Bonferroni). Tests compare it with ``statsmodels``.
    """
    return wilson(count, total, _simultaneous_z2(classes))


def cells_to_tell(share: float, threshold: float, power: float = POWER) -> float:
    """Return the cells to count so that a two-sided 95 % test tells a share from a threshold.

    Parameters
    ----------
    share, threshold : float
        Fractions between 0 and 1.
    power : float
        Share of smears in which the test is to tell them apart.

    Returns
    -------
    float
        Cells in all, not rounded; infinite where the two are equal.

    Notes
    -----
    Sample size of the one-sample test of a proportion by the normal approximation: n = ((z sqrt(t (1 - t)) +
    z' sqrt(s (1 - s))) / (s - t))^2 with z the quantile at 97.5 % and z' that at ``power`` (Fleiss, Levin &
    Paik, Statistical Methods for Rates and Proportions, 3rd ed., 2.5). Tests compare it with ``statsmodels``.
    """
    if share == threshold:
        return math.inf
    spread = math.sqrt(_Z2 * threshold * (1 - threshold))
    spread += _NORMAL.inv_cdf(power) * math.sqrt(share * (1 - share))
    return (spread / (share - threshold)) ** 2


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
        Lower and upper bound; the upper one is infinite when ``below`` is 0.
    """
    low, high = wilson(above, above + below)
    return low / (1 - low) if low < 1 else math.inf, high / (1 - high) if high < 1 else math.inf


def rounded_tenths(counts: Sequence[int], total: int) -> list[float]:
    """Round each share separately to a tenth of a per cent, halves up."""
    return [(2000 * count + total) // (2 * total) / 10 for count in counts]


def largest_remainder(counts: Sequence[int]) -> list[float]:
    """Round shares to tenths of a per cent so that they add up to exactly 100.0.

    Each share is cut to a tenth, and the tenths that are left are given to one class each, so no share moves
    by a whole tenth. They go to the largest remainders (Hamilton's method), as long as equal counts stay
    equal and a larger count never reads less. Where that is impossible, as with three thirds, classes of
    one count differ by a tenth and the earlier ones read more.

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
    tenths = {count: 1000 * count // total for count in counts}
    spare = 1000 - sum(tenths[count] for count in counts)
    ranked = sorted(range(len(counts)), key=lambda i: (-(1000 * counts[i] % total), -counts[i], i))
    first, last = ranked[:spare], ranked[spare:]
    if first and last and counts[first[-1]] == counts[last[0]]:  # equal counts would print differently
        raised = _raised_alike(Counter(counts), total, spare)
        if raised is not None:
            first = [index for index in ranked if counts[index] in raised]
    up = set(first)
    return [(tenths[count] + (index in up)) / 10 for index, count in enumerate(counts)]


def _raised_alike(classes: Mapping[int, int], total: int, spare: int) -> frozenset[int] | None:
    """Return the counts whose classes all get a spare tenth, with the largest sum of remainders.

    Parameters
    ----------
    classes : mapping of int to int
        Number of classes by count.
    total, spare : int
        Sum of all counts; tenths to give.

    Returns
    -------
    frozenset of int or None
        None where no choice uses exactly the spare tenths.
    """
    alike: dict[int, list[int]] = {}
    for count in sorted(classes, reverse=True):
        if 1000 * count % total:  # exact tenths stay as they are
            alike.setdefault(1000 * count // total, []).append(count)
    best: dict[int, tuple[int, frozenset[int]]] = {0: (0, frozenset())}
    for counts in alike.values():
        # Among counts cut to the same tenth the largest come first: a larger count never reads less.
        choices = [counts[:taken] for taken in range(len(counts) + 1)]
        found: dict[int, tuple[int, frozenset[int]]] = {}
        for used, (gain, chosen) in best.items():
            for more in choices:
                now = used + sum(classes[count] for count in more)
                worth = gain + sum(classes[count] * (1000 * count % total) for count in more)
                # Among equally good choices the one that raises larger counts comes last, and stays.
                if now <= spare and (now not in found or worth >= found[now][0]):
                    found[now] = worth, chosen.union(more)
        best = found
    return best[spare][1] if spare in best else None


@lru_cache(maxsize=1024)
def binomial_tail(count: int, total: int, share: float) -> float:
    """Return the probability of at least ``count`` successes in ``total`` trials.

    Parameters
    ----------
    count, total : int
        ``0 <= count <= total``.
    share : float
        Probability of one success, between 0 and 1.

    Returns
    -------
    float
        P(X >= count) of the binomial distribution, summed term by term. Tests compare it with
        ``scipy.stats.binom.sf(count - 1, total, share)``, whose import takes a second.
    """
    if count <= 0:
        return 1.0
    if count <= total * share:  # the other tail is the shorter one
        return 1.0 - binomial_tail(total - count + 1, total, 1.0 - share)
    log = math.lgamma(total + 1) - math.lgamma(count + 1) - math.lgamma(total - count + 1)
    term = math.exp(log + count * math.log(share) + (total - count) * math.log1p(-share))
    tail = term
    for k in range(count, total):
        term *= (total - k) / (k + 1) * share / (1 - share)
        tail += term
        if term < 1e-17 * tail:
            break
    return min(tail, 1.0)
