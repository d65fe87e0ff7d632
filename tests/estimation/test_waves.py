"""The size and order of a sample's waves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_bonemarrow.estimation import (
    CrossFitted,
    SampleTally,
    begin_sample,
    cells_needed,
    estimate,
    next_quota,
    pilot_quota,
    reaches,
    wave_order,
)

from .samples import CLASSES, begun, first, frame


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 400), st.integers(0, 1000), st.sampled_from([0.3, 0.9, 1.0]))
def test_waves_grow_to_the_whole_frame(size: int, seed: int, accuracy: float) -> None:
    plan, truth = begun(size, seed, accuracy)
    quota = pilot_quota(plan)
    assert quota.sum() == min(size, 40)
    assert quota.min() >= 1
    while quota.sum() < size:
        tally = SampleTally.of(plan, first(plan, truth, quota))
        after = next_quota(plan, tally)
        assert (after >= quota).all()
        assert (after <= plan.sizes).all()
        assert after.sum() == min(size, quota.sum() + 40)
        assert (next_quota(plan, SampleTally.of(plan, first(plan, truth, quota))) == after).all()
        quota = after


def test_unsure_strata_get_more_cells_than_their_part() -> None:
    plan, truth = begun(2000, 0, 0.8)
    quota = pilot_quota(plan)
    for _ in range(5):
        quota = next_quota(plan, SampleTally.of(plan, first(plan, truth, quota)))
    part = quota / plan.sizes
    by_name = dict(zip(plan.names, part.tolist(), strict=True))
    assert by_name["NGS, unsure"] > 1.5 * by_name["NGS, sure"]
    assert part.min() >= 0.4 * quota.sum() / len(plan)


def test_what_comes_after_a_wave_begins_does_not_change_it() -> None:
    plan, truth = begun(500)
    quota = pilot_quota(plan)
    tally = SampleTally.of(plan, first(plan, truth, quota))
    after = next_quota(plan, tally)
    order = wave_order(plan, tally.lengths, after)
    assert (order == wave_order(plan, tally.lengths, after)).all()
    assert len(order) == 40
    assert set(order.tolist()) == set(first(plan, truth, after)) - set(first(plan, truth, quota))


def test_a_wave_takes_each_stratum_in_its_order_and_interleaves_them() -> None:
    plan, _ = begun(800)
    before, after = np.zeros(len(plan.names), np.int64), pilot_quota(plan, 80)
    order = wave_order(plan, before, after)
    row = {cell: at for at, cell in enumerate(plan.cell_id.tolist())}
    rows = np.array([row[cell] for cell in order.tolist()])
    strata = plan.stratum[rows]
    for at in range(len(plan.names)):
        assert (np.diff(rows[strata == at]) == 1).all()
    half = np.bincount(strata[:40], minlength=len(after))
    assert (np.abs(half - after / 2) <= 1).all()


def test_cells_needed_falls_to_none_more_as_the_interval_narrows() -> None:
    plan, truth = begun(1500)
    quota, needed = pilot_quota(plan), []
    for _ in range(30):
        tally = SampleTally.of(plan, first(plan, truth, quota))
        needed.append(cells_needed(plan, tally, "blasts", 2.5))
        quota = next_quota(plan, tally, focus="blasts", half_width=2.5)
        if quota.sum() == tally.total:
            break
    assert needed[-1] == 0
    assert None not in needed
    assert needed[0]
    found = estimate(plan, tally)
    assert reaches(found, "blasts", 2.5)
    assert not reaches(found, "blasts", 1.0)
    assert cells_needed(plan, tally, "blasts", 0.5) is None


def test_no_width_is_believed_before_a_hundred_cells() -> None:
    plan, truth = begun(1500, accuracy=1.0)
    quota = pilot_quota(plan)
    tally = SampleTally.of(plan, first(plan, truth, quota))
    assert cells_needed(plan, tally, "blasts", 20.0) == 60
    assert not reaches(estimate(plan, tally), "blasts", 20.0)
    quota = next_quota(plan, tally, focus="blasts", half_width=20.0, wave=100)
    tally = SampleTally.of(plan, first(plan, truth, quota))
    assert tally.total == 100
    assert cells_needed(plan, tally, "blasts", 20.0) == 0
    assert reaches(estimate(plan, tally), "blasts", 20.0)
    assert (next_quota(plan, tally, focus="blasts", half_width=20.0) == quota).all()


def test_of_a_small_frame_all_cells_are_enough() -> None:
    plan, truth = begun(30)
    tally = SampleTally.of(plan, truth)
    assert cells_needed(plan, tally, "blasts", 40.0) == 0
    assert reaches(estimate(plan, tally), "blasts", 40.0)
    assert cells_needed(plan, tally, "blasts", 1.0) is None
    assert len(wave_order(plan, tally.lengths, next_quota(plan, tally))) == 0


def test_a_class_that_does_not_count_is_no_focus() -> None:
    plan, truth = begun(100)
    tally = SampleTally.of(plan, first(plan, truth, pilot_quota(plan)))
    with pytest.raises(ValueError, match="ART"):
        next_quota(plan, tally, focus="ART")


def test_good_predictions_shorten_the_way_to_a_goal() -> None:
    said, truth = frame(1500, 0, accuracy=0.9)
    plan = begin_sample(list(truth), None, (), 0)
    head = CrossFitted.of(plan, list(truth), said, CLASSES)
    tally = SampleTally.of(plan, first(plan, truth, np.array([200])))
    plain, taught = (cells_needed(plan, tally, "blasts", 2.5, predictions=each) for each in (None, head))
    assert plain is not None
    assert taught is not None
    assert taught < 0.8 * plain
    quota = next_quota(plan, tally, focus="blasts", half_width=2.5, wave=10_000, predictions=head)
    assert quota.sum() == tally.total + taught
    everything = SampleTally.of(plan, truth)
    assert cells_needed(plan, everything, "blasts", 40.0, predictions=head) == 0
    assert cells_needed(plan, everything, "blasts", 0.1, predictions=head) is None
