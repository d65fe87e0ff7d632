"""Each statistic equals that of an independent library to 1e-9."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_bonemarrow.cytology.intervals import (
    cells_to_tell,
    goodman,
    largest_remainder,
    ratio_interval,
    wilson,
)

NEAR = {"rel": 1e-9, "abs": 1e-12}
COUNTS = st.lists(st.integers(0, 3000), min_size=2, max_size=22).filter(any)
FEW = settings(max_examples=60, deadline=None)


@FEW
@given(st.integers(1, 20_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson(counted: tuple[int, int]) -> None:
    from statsmodels.stats.proportion import proportion_confint

    assert wilson(*counted) == pytest.approx(proportion_confint(*counted, method="wilson"), **NEAR)


@FEW
@given(COUNTS)
def test_goodman(counts: list[int]) -> None:
    from statsmodels.stats.proportion import multinomial_proportions_confint

    expected = multinomial_proportions_confint(counts, alpha=0.05, method="goodman")
    for count, interval in zip(counts, expected, strict=True):
        assert goodman(count, sum(counts), len(counts)) == pytest.approx(tuple(interval), **NEAR)


@FEW
@given(st.integers(0, 5000), st.integers(1, 5000))
def test_m_to_e(above: int, below: int) -> None:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(above, above + below, method="wilson")
    assert ratio_interval(above, below) == pytest.approx(
        (low / (1 - low), high / (1 - high)), rel=1e-9, abs=1e-9
    )


@FEW
@given(st.floats(0.001, 0.999), st.sampled_from([0.05, 0.1, 0.2, 0.6]), st.sampled_from([0.8, 0.9]))
def test_cells_to_tell(share: float, threshold: float, power: float) -> None:
    from statsmodels.stats.power import normal_sample_size_one_tail

    if abs(share - threshold) < 1e-4:
        return
    expected = normal_sample_size_one_tail(
        share - threshold,
        power,
        0.025,
        std_null=math.sqrt(threshold * (1 - threshold)),
        std_alternative=math.sqrt(share * (1 - share)),
    )
    assert cells_to_tell(share, threshold, power) == pytest.approx(expected, **NEAR)


def test_equal_shares_are_never_told_apart() -> None:
    assert cells_to_tell(0.2, 0.2) == math.inf


@FEW
@given(COUNTS)
def test_rounded_shares_add_up_and_none_moves_by_a_tenth(counts: list[int]) -> None:
    rounded = largest_remainder(counts)
    assert math.fsum(rounded) == pytest.approx(100.0, abs=1e-9)
    assert round(sum(round(10 * each) for each in rounded)) == 1000
    assert all(abs(each - 100 * n / sum(counts)) < 0.1 for each, n in zip(rounded, counts, strict=True))
