"""Intervals against scipy and the figures of the field; rounding against exact arithmetic."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from napari_bonemarrow.cytology.intervals import largest_remainder, ratio_interval, rounded_tenths, wilson


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        (0, 200, 0.0, 1.9),
        (0, 500, 0.0, 0.8),
        (25, 500, 3.4, 7.3),
        (50, 500, 7.7, 12.9),
        (40, 200, 15.0, 26.1),
        (100, 500, 16.7, 23.7),
    ],
)
def test_wilson_gives_the_published_intervals(count: int, total: int, low: float, high: float) -> None:
    bounds = wilson(count, total)
    assert round(100 * bounds[0], 1) == low
    assert round(100 * bounds[1], 1) == high


@given(st.integers(1, 100_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_equals_scipy(counts: tuple[int, int]) -> None:
    count, total = counts
    reference = binomtest(count, total).proportion_ci(method="wilson")
    low, high = wilson(count, total)
    assert math.isclose(low, reference.low, rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(high, reference.high, rel_tol=1e-9, abs_tol=1e-12)
    assert 0 <= low <= count / total <= high <= 1


def test_wilson_is_exact_at_the_ends() -> None:
    assert wilson(0, 300)[0] == 0.0
    assert wilson(300, 300)[1] == 1.0


def test_ratio_interval_is_the_mapped_interval_of_the_share() -> None:
    low, high = ratio_interval(300, 100)
    reference = binomtest(300, 400).proportion_ci(method="wilson")
    assert low == pytest.approx(reference.low / (1 - reference.low))
    assert high == pytest.approx(reference.high / (1 - reference.high))
    assert low < 3 < high


def test_ratio_interval_is_open_where_nothing_lies_below() -> None:
    low, high = ratio_interval(50, 0)
    assert low > 10
    assert math.isinf(high)
    assert ratio_interval(0, 50)[0] == 0.0


@given(st.lists(st.integers(0, 50_000), min_size=1, max_size=26).filter(any))
def test_largest_remainder_adds_up_and_moves_no_share_by_a_tenth(counts: list[int]) -> None:
    percents = largest_remainder(counts)
    assert sum(round(10 * percent) for percent in percents) == 1000
    for percent, count in zip(percents, counts, strict=True):
        exact = Fraction(100 * count, sum(counts))
        assert abs(Fraction(round(10 * percent), 10) - exact) < Fraction(1, 10)


@given(st.lists(st.integers(0, 5_000), min_size=2, max_size=12).filter(any))
def test_largest_remainder_keeps_the_order_of_counts(counts: list[int]) -> None:
    percents = largest_remainder(counts)
    for i, one in enumerate(counts):
        for j, other in enumerate(counts):
            if one > other:
                assert percents[i] >= percents[j]


def test_largest_remainder_gives_the_spare_tenths_to_the_earlier_of_equals() -> None:
    assert largest_remainder([1, 1, 1]) == [33.4, 33.3, 33.3]


def test_equal_counts_read_equal_where_another_choice_adds_up_too() -> None:
    # 14.28, 42.86 and 42.86 per cent: by remainders alone 14.3, 42.9 and 42.8.
    assert largest_remainder([1, 3, 3]) == [14.2, 42.9, 42.9]
    # 11.11, 44.44 and 44.44 per cent: by remainders alone 11.1, 44.5 and 44.4.
    assert largest_remainder([4, 1, 4]) == [44.4, 11.2, 44.4]


def _can_read_alike(counts: list[int]) -> bool:
    """Try every choice of counts that are raised to the next tenth, each for all of its classes."""
    total, classes = sum(counts), Counter(counts)
    floors = {count: 1000 * count // total for count in classes}
    spare = 1000 - sum(floors[count] for count in counts)
    between = [count for count in classes if 1000 * count % total]
    for choice in product((0, 1), repeat=len(between)):
        raised = dict(zip(between, choice, strict=True))
        printed = {count: floors[count] + raised.get(count, 0) for count in classes}
        ordered = sorted(printed.items())
        rises = all(one[1] <= other[1] for one, other in pairwise(ordered))
        if rises and sum(classes[count] * up for count, up in raised.items()) == spare:
            return True
    return False


@given(st.lists(st.integers(0, 12) | st.integers(0, 3_000), min_size=1, max_size=10).filter(any))
def test_equal_counts_read_equal_wherever_they_can(counts: list[int]) -> None:
    printed: dict[int, set[float]] = {}
    for count, percent in zip(counts, largest_remainder(counts), strict=True):
        printed.setdefault(count, set()).add(percent)
    split = [count for count, percents in printed.items() if len(percents) > 1]
    assert len(split) == (0 if _can_read_alike(counts) else 1)


def test_rounding_on_its_own_takes_halves_up() -> None:
    assert rounded_tenths([1, 3, 1999], 2000) == [0.1, 0.2, 100.0]
