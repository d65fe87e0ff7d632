"""The estimate of a differential count from a sample."""

from __future__ import annotations

import math
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_bonemarrow.cytology import CLASSES, CountingRules, Differential
from napari_bonemarrow.cytology.intervals import ratio_interval, wilson
from napari_bonemarrow.estimation import EstimateError, SampleTally, begin_sample, estimate, pilot_quota

from .samples import begun, first, plan_of


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.sampled_from(["BLA", "NGS", "EBO", "PEB", "EOS", "ABE", "ART", "NIF"]), min_size=1, max_size=90
    )
)
def test_all_reviewed_it_is_the_plain_differential(codes: list[str]) -> None:
    rng = np.random.default_rng(len(codes))
    said = rng.dirichlet(np.ones(3), len(codes))
    plan = begin_sample(np.arange(len(codes)), said, ("BLA", "NGS", "EBO"), 1)
    truth = dict(enumerate(codes))
    plain = Differential.compute(codes, [True] * len(codes), {})
    if not plain.counted:
        with pytest.raises(EstimateError, match="of a class that counts"):
            estimate(plan, truth)
        return
    found = estimate(plan, truth)
    assert found.reviewed == found.frame == len(codes)
    for row in (*plain.classes, *plain.groups):
        own = found.row(row.code)
        assert own.seen == row.count
        assert own.ci95 == pytest.approx(row.ci95, abs=1e-9)
        if row.count:
            assert own.percent == pytest.approx(100 * row.count / plain.counted)
        else:
            assert own.percent is None
    ratio = plain.ratios["m_to_e"]
    assert found.m_to_e == pytest.approx(ratio.value)
    if ratio.ci95 is None:
        assert found.m_to_e_ci95 is None
    else:
        assert found.m_to_e_ci95 == pytest.approx(ratio.ci95)


def test_of_one_stratum_the_interval_is_that_of_a_plain_sample() -> None:
    plan = begin_sample(np.arange(500), None, (), 3)
    taken = plan.cell_id[:100].tolist()
    found = estimate(plan, {cell: "BLA" if at < 20 else "NGS" for at, cell in enumerate(taken)})
    low, high = wilson(20, 100)
    assert found.row("BLA").ci95 == pytest.approx((100 * low, 100 * high), rel=0.03)
    assert found.row("blasts").ci95 == found.row("BLA").ci95
    assert found.row("BLA").percent == pytest.approx(20.0)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 200), st.integers(0, 1000), st.integers(1, 60), st.sampled_from([0.3, 0.9, 1.0]))
def test_shares_lie_in_their_intervals_and_add_up(size: int, seed: int, many: int, accuracy: float) -> None:
    plan, truth = begun(size, seed, accuracy)
    found = estimate(plan, first(plan, truth, pilot_quota(plan, many)))
    assert len(found.classes) == sum(code not in CountingRules().excluded for code in CLASSES)
    for row in (*found.classes, *found.groups):
        low, high = row.ci95
        assert 0 <= low < high <= 100
        assert (row.percent is None) == (row.seen == 0)
        if row.percent is None:
            assert low == 0
        else:
            assert low - 1e-9 <= row.percent <= high + 1e-9
    assert sum(row.percent or 0 for row in found.classes) == pytest.approx(100)


def test_the_interval_is_wider_than_that_of_the_whole_frame_and_narrower_with_a_good_model() -> None:
    widths = {}
    for accuracy in (0.3, 1.0):
        plan, truth = begun(1000, 1, accuracy)
        low, high = estimate(plan, first(plan, truth, pilot_quota(plan, 200))).row("LYT").ci95
        widths[accuracy] = high - low
    low, high = wilson(200, 1000)
    assert widths[0.3] > 1.5 * widths[1.0] > 1.5 * 95 * (high - low)


def test_a_class_that_was_not_seen_has_an_upper_limit_and_no_percent() -> None:
    plan, truth = begun(400)
    row = estimate(plan, first(plan, truth, pilot_quota(plan, 60))).row("PLM")
    assert row.percent is None
    assert row.seen == 0
    assert row.ci95[0] == 0
    assert row.ci95[1] > 100 * wilson(0, 400)[1]


def test_a_skipped_cell_at_the_head_of_each_stratum_means_no_estimate() -> None:
    plan, truth = begun(600)
    starts = np.cumsum(plan.sizes) - plan.sizes
    skipped = set(plan.cell_id[starts].tolist())
    rest = {cell: code for cell, code in truth.items() if cell not in skipped}
    with pytest.raises(EstimateError, match="No cell enters the sample yet"):
        estimate(plan, rest)
    with pytest.raises(EstimateError, match=r"No cell enters yet from \d+ of \d+ strata"):
        estimate(plan, rest | {int(plan.cell_id[0]): "NIF"})
    assert estimate(plan, rest | dict.fromkeys(skipped, "NIF")).reviewed == 600


def test_no_cell_reviewed_and_nothing_that_counts_mean_no_estimate() -> None:
    plan = plan_of([[1, 2, 3], [4]])
    with pytest.raises(EstimateError, match="No cell enters"):
        estimate(plan, {})
    with pytest.raises(EstimateError, match="None of the 2 cells"):
        estimate(plan, {1: "ART", 4: "NIF"})


def test_a_sample_begins_on_twelve_cells() -> None:
    plan, truth = begun(12)
    found = estimate(plan, first(plan, truth, np.array([3])))
    assert found.reviewed == 3
    assert all(row.ci95[1] - row.ci95[0] > 20 for row in found.classes)


def test_a_stratum_of_one_and_of_one_class_only() -> None:
    plan = plan_of([[1], list(range(2, 60))])
    codes = dict.fromkeys(range(1, 30), "NGS")
    row = estimate(plan, codes).row("NGS")
    assert row.percent == pytest.approx(100)
    assert row.ci95[1] == 100
    assert 80 < row.ci95[0] < 100


def test_m_to_e_says_what_is_not_known() -> None:
    plan = plan_of([list(range(50))])
    without = estimate(plan, dict.fromkeys(range(20), "NGS"))
    assert without.m_to_e is None
    assert without.m_to_e_ci95 is not None
    assert math.isinf(without.m_to_e_ci95[1])
    assert without.to_dict()["ratios"]["m_to_e"]["ci95"][1] is None
    neither = estimate(plan, dict.fromkeys(range(20), "LYT"))
    assert neither.m_to_e is None
    assert neither.m_to_e_ci95 is None
    every = estimate(plan_of([[1, 2, 3, 4]]), {1: "NGS", 2: "NGS", 3: "EBO", 4: "LYT"})
    assert every.m_to_e == pytest.approx(2)
    assert every.m_to_e_ci95 == pytest.approx(ratio_interval(2, 1))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 40), st.floats(0.1, 1)), min_size=1, max_size=9))
def test_without_an_erythroid_cell_the_ratio_has_no_upper_limit(strata: list[tuple[int, float]]) -> None:
    cells = iter(range(1000))
    plan = plan_of([[next(cells) for _ in range(size)] for size, _ in strata])
    taken = np.array([max(round(size * part), 1) for size, part in strata])
    found = estimate(plan, first(plan, {cell: "NGS" if cell % 3 else "MYB" for cell in range(1000)}, taken))
    assert found.m_to_e is None
    assert found.m_to_e_ci95 is not None
    assert math.isinf(found.m_to_e_ci95[1])
    assert found.row("erythroid").percent is None


def test_over_all_orders_of_a_small_frame_the_estimate_is_right_on_average() -> None:
    """All orders of two strata, brute force: each cell enters as often as planned, the mean is the truth."""
    strata = [[1, 2, 3, 4], [5, 6, 7]]
    truth = {1: "BLA", 2: "NGS", 3: "NGS", 4: "BLA", 5: "BLA", 6: "EBO", 7: "EBO"}
    entered: dict[int, int] = dict.fromkeys(truth, 0)
    shares = []
    for one, other in product(permutations(strata[0]), permutations(strata[1])):
        plan = plan_of([list(one), list(other)])
        codes = first(plan, truth, np.array([2, 1]))
        for cell in plan.cell_id[SampleTally.of(plan, codes).enters].tolist():
            entered[cell] += 1
        shares.append(estimate(plan, codes).row("BLA").percent or 0.0)
    assert {entered[cell] / len(shares) for cell in strata[0]} == {2 / 4}
    assert {entered[cell] / len(shares) for cell in strata[1]} == {1 / 3}
    assert np.mean(shares) == pytest.approx(100 * 3 / 7)


def test_the_estimate_follows_a_key() -> None:
    import time

    plan, truth = begun(5000)
    codes = first(plan, truth, pilot_quota(plan, 300))
    estimate(plan, codes)
    begun_at = time.perf_counter()
    estimate(plan, codes)
    assert time.perf_counter() - begun_at < 0.25  # 0.05 on a quiet machine
