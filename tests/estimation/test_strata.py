"""The strata and the order of a sample."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_bonemarrow.cytology import CODES
from napari_bonemarrow.estimation import EstimateError, begin_sample

from .samples import CLASSES, begun, frame


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 400), st.integers(0, 10_000), st.sampled_from([0.3, 0.8, 1.0]))
def test_every_cell_of_the_frame_is_in_exactly_one_stratum(size: int, seed: int, accuracy: float) -> None:
    plan, truth = begun(size, seed, accuracy)
    assert sorted(plan.cell_id.tolist()) == sorted(truth)
    assert (np.diff(plan.stratum) >= 0).all()
    assert plan.sizes.sum() == size
    assert plan.sizes.min() >= min(12, size)
    assert len(plan.names) == len(set(plan.names)) == len(plan.sizes) <= 40


def test_the_plan_is_the_same_for_the_same_seed_and_any_order_of_the_cells() -> None:
    probabilities, truth = frame(300)
    cells = np.array(list(truth))
    shuffled = np.random.default_rng(1).permutation(300)
    one = begin_sample(cells, probabilities, CLASSES, 7)
    other = begin_sample(cells[shuffled], probabilities[shuffled], CLASSES, 7)
    assert (one.cell_id == other.cell_id).all()
    assert (one.predicted == other.predicted).all()
    assert (one.cell_id != begin_sample(cells, probabilities, CLASSES, 8).cell_id).any()


def test_sure_and_unsure_cells_of_a_class_lie_apart() -> None:
    plan, _ = begun(600)
    assert {"NGS, sure", "NGS, unsure"} <= set(plan.names)
    for at, name in enumerate(plan.names):
        code = name.split(",")[0]
        if code in CLASSES:
            assert set(plan.predicted[plan.stratum == at].tolist()) == {CODES.index(code)}


def test_equal_confidence_divides_no_class() -> None:
    said = np.full((200, 2), 0.1)
    said[np.arange(200), np.arange(200) % 2] = 0.9
    assert begin_sample(np.arange(200), said, ("NGS", "EBO"), 0).names == ("NGS", "EBO")


def test_small_classes_are_merged_and_classes_that_do_not_count_lie_together() -> None:
    codes = ["NGS"] * 100 + ["EOS"] * 7 + ["BAS"] * 7 + ["ART"] * 20 + ["NIF"] * 20
    said = np.array([[float(code == each) for each in ("NGS", "EOS", "BAS", "ART", "NIF")] for code in codes])
    plan = begin_sample(np.arange(len(codes)), said, ("NGS", "EOS", "BAS", "ART", "NIF"), 0)
    assert Counter(dict(zip(plan.names, plan.sizes.tolist(), strict=True))) == {
        "NGS": 100,
        "not counted": 40,
        "other classes": 14,
    }


@pytest.mark.parametrize("probabilities", [None, np.full((12, 2), np.nan)])
def test_without_predictions_there_is_one_stratum(probabilities: object) -> None:
    plan = begin_sample(np.arange(12), probabilities, ("NGS", "EBO"), 0)  # type: ignore[arg-type]
    assert plan.names == ("all cells",)
    assert len(plan) == 12
    assert not plan.predicted.any()


def test_a_single_cell_is_a_frame() -> None:
    assert begin_sample([5], [[0.2, 0.8]], ("NGS", "EBO"), 0).cell_id.tolist() == [5]


def test_a_frame_without_cells_and_wrong_input_are_refused() -> None:
    with pytest.raises(EstimateError, match="No cell counts"):
        begin_sample([], None, (), 0)
    with pytest.raises(ValueError, match="twice"):
        begin_sample([1, 1], None, (), 0)
    with pytest.raises(ValueError, match="shape"):
        begin_sample([1, 2], [[1.0]], ("NGS",), 0)
    with pytest.raises(ValueError, match="'XXX'"):
        begin_sample([1], [[1.0]], ("XXX",), 0)


def test_each_cell_is_as_likely_as_any_other_of_its_stratum_to_be_first() -> None:
    said = np.array([[1.0, 0.0]] * 15 + [[0.0, 1.0]] * 30)  # equally sure: two strata
    firsts: Counter[int] = Counter()
    for seed in range(3000):
        plan = begin_sample(np.arange(45), said, ("NGS", "EBO"), seed)
        firsts.update(plan.cell_id[[0, 15]].tolist())
    assert sum(firsts[cell] for cell in range(15)) == 3000
    # 200 expected of each of 15 cells, 100 of each of 30: five standard deviations
    assert all(abs(firsts[cell] - 200) < 70 for cell in range(15))
    assert all(abs(firsts[cell] - 100) < 50 for cell in range(15, 45))
