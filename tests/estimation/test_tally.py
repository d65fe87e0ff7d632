"""Which cells enter an estimate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_bonemarrow.cytology import CODES
from napari_bonemarrow.estimation import SampleTally

from .samples import begun, first, index_of, plan_of


def test_only_the_reviewed_beginning_of_each_stratum_enters() -> None:
    plan = plan_of([[1, 2, 3, 4], [5, 6], [7]])
    tally = SampleTally.of(plan, {1: "BLA", 2: "NGS", 4: "EBO", 6: "LYT", 7: "NGS", 99: "BLA"})
    assert tally.lengths.tolist() == [2, 0, 1]
    assert tally.enters.tolist() == [True, True, False, False, False, False, True]
    assert tally.waiting.tolist() == [4, 6]
    assert tally.total == 3
    assert tally.counts[0, index_of("BLA")] == tally.counts[2, index_of("NGS")] == 1
    assert tally.counts.sum() == 3


def test_a_cell_seen_out_of_order_enters_once_the_order_reaches_it() -> None:
    plan = plan_of([[1, 2, 3]])
    early = {3: "BLA", 1: "NGS"}
    assert SampleTally.of(plan, early).waiting.tolist() == [3]
    later = SampleTally.of(plan, early | {2: "NIF"})
    assert later.lengths.tolist() == [3]
    assert later.waiting.tolist() == []


def test_a_skipped_cell_blocks_its_stratum_until_it_is_named() -> None:
    plan = plan_of([[1, 2, 3]])
    assert SampleTally.of(plan, {1: "", 2: "NGS", 3: "NGS"}).total == 0
    assert SampleTally.of(plan, {1: "NIF", 2: "NGS", 3: "NGS"}).total == 3


def test_an_unknown_class_is_refused() -> None:
    with pytest.raises(ValueError, match="'XXX'"):
        SampleTally.of(plan_of([[1]]), {1: "XXX"})


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 300), st.integers(0, 1000), st.floats(0, 1))
def test_prefixes_equal_a_plain_loop(size: int, seed: int, part: float) -> None:
    plan, truth = begun(size, seed)
    rng = np.random.default_rng(seed)
    codes = {cell: code for cell, code in truth.items() if rng.random() < part}
    expected, at = [], 0
    for count in plan.sizes.tolist():
        cells = plan.cell_id[at : at + count].tolist()
        expected.append(next((n for n, cell in enumerate(cells) if cell not in codes), count))
        at += count
    tally = SampleTally.of(plan, codes)
    assert tally.lengths.tolist() == expected
    assert tally.counts.sum(axis=1).tolist() == expected
    assert len(tally.waiting) == len(codes) - tally.total
    entering = first(plan, truth, tally.lengths)
    missed = sum(
        CODES.index(entering[cell]) != predicted
        for cell, predicted in zip(plan.cell_id.tolist(), plan.predicted.tolist(), strict=True)
        if cell in entering
    )
    assert tally.missed.sum() == missed
    assert tally.foretold == tally.total
