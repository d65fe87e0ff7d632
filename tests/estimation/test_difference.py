"""Correction of an estimate by predictions of the cells that were not reviewed."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_bonemarrow.cytology.intervals import wilson
from napari_bonemarrow.estimation import CrossFitted, SamplePlan, SampleTally, begin_sample, estimate
from napari_bonemarrow.estimation.composition import compose
from napari_bonemarrow.estimation.difference import corrected
from napari_bonemarrow.estimation.proportion import mask_of, proportions

from .samples import CLASSES, first, frame, index_of, plan_of


def _without_model(size: int = 1500, seed: int = 0) -> tuple[SamplePlan, dict[int, str], NDArray[np.float64]]:
    """Return a plan without predictions, the truth, and how right a later head is."""
    said, truth = frame(size, seed, accuracy=0.9)
    return begin_sample(list(truth), None, (), seed), truth, said


def _width(found: object, code: str) -> float:
    low, high = found.row(code).ci95  # type: ignore[attr-defined]
    return float(high - low)


def test_good_predictions_narrow_every_class() -> None:
    plan, truth, said = _without_model()
    codes = first(plan, truth, np.array([200]))
    head = CrossFitted.of(plan, list(truth), said, CLASSES)
    plain, better = estimate(plan, codes), estimate(plan, codes, head)
    for code in (*CLASSES, "blasts", "erythroid"):
        assert _width(better, code) < 0.85 * _width(plain, code)
        assert better.row(code).seen == plain.row(code).seen
    assert better.m_to_e_ci95 is not None
    assert plain.m_to_e_ci95 is not None
    assert np.diff(better.m_to_e_ci95) < np.diff(plain.m_to_e_ci95)


@pytest.mark.parametrize("kind", ["shuffled", "constant", "reversed", "nothing", "not finite"])
def test_bad_predictions_change_next_to_nothing(kind: str) -> None:
    plan, truth, said = _without_model()
    codes = first(plan, truth, np.array([200]))
    bad = {
        "shuffled": said[np.random.default_rng(1).permutation(len(said))],
        "constant": np.full_like(said, 0.25),
        "reversed": (1 - said) / 3,
        "nothing": np.zeros_like(said),
        "not finite": np.full_like(said, np.nan),
    }[kind]
    plain, same = (
        estimate(plan, codes),
        estimate(plan, codes, CrossFitted.of(plan, list(truth), bad, CLASSES)),
    )
    for code in CLASSES:
        assert same.row(code).ci95 == pytest.approx(plain.row(code).ci95, abs=0.7)


def test_intervals_hold_the_share_whatever_is_predicted() -> None:
    hits = {"good": 0, "shuffled": 0}
    for seed in range(150):
        plan, truth, said = _without_model(600, seed)
        codes = first(plan, truth, np.array([150]))
        rows = np.random.default_rng(seed).permutation(len(said))
        for kind, given in (("good", said), ("shuffled", said[rows])):
            low, high = (
                estimate(plan, codes, CrossFitted.of(plan, list(truth), given, CLASSES)).row("LYT").ci95
            )
            hits[kind] += low <= 20 <= high
    assert min(hits.values()) >= 134  # 142.5 expected, three standard deviations


def test_all_reviewed_nothing_is_corrected() -> None:
    plan, truth, said = _without_model(200)
    found = estimate(plan, truth, CrossFitted.of(plan, list(truth), said, CLASSES))
    count = sum(code == "LYT" for code in truth.values())
    low, high = wilson(count, 200)
    assert found.row("LYT").ci95 == pytest.approx((100 * low, 100 * high))
    assert found.row("LYT").percent == pytest.approx(count / 2)


def test_a_class_seen_a_few_times_is_not_corrected() -> None:
    plan, truth, said = _without_model()
    codes = first(plan, truth, np.array([60]))
    head = CrossFitted.of(plan, list(truth), said, CLASSES)
    assert sum(code == "BLA" for code in codes.values()) < 15
    assert estimate(plan, codes, head).row("BLA") == estimate(plan, codes).row("BLA")


def test_probabilities_are_put_into_the_plans_order() -> None:
    plan = plan_of([[3, 1], [2, 7]])
    head = CrossFitted.of(plan, [1, 2, 3], [[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]], ("NGS", "EBO"))
    assert head.probabilities[:, index_of("NGS")].tolist() == [0.3, 0.1, 0.2, 0.0]
    assert head.means[:, index_of("EBO")] == pytest.approx([0.8, 0.4])
    assert not CrossFitted.of(plan, [], np.zeros((0, 2)), ("NGS", "EBO")).probabilities.any()
    with pytest.raises(ValueError, match="shape"):
        CrossFitted.of(plan, [1], [[0.5]], ("NGS", "EBO"))


def test_predictions_that_are_always_right_leave_no_error_whichever_cells_are_drawn() -> None:
    """Samples of 31 of 34 cells, of which the predictions foretell all labels."""
    cells = list(range(34))
    truth = {cell: "BLA" if cell % 2 else "NGS" for cell in cells}
    said = np.array([[float(truth[cell] == code) for code in ("BLA", "NGS")] for cell in cells])
    values = []
    for one, others in product(range(0, 34, 2), combinations(range(1, 34, 2), 2)):
        last = {one, *others}
        plan = plan_of([[cell for cell in cells if cell not in last] + sorted(last)])
        tally = SampleTally.of(plan, {cell: truth[cell] for cell in cells if cell not in last})
        composition = compose(plan, tally)
        above, below = mask_of(("BLA",)), mask_of(CLASSES)
        plain = proportions(composition, above[None], below)[0]
        head = CrossFitted.of(plan, cells, said, ("BLA", "NGS"))
        values.append(corrected(plain, head, composition, tally, above, below).value)
    assert values == pytest.approx([0.5] * len(values))
