"""A sample review in a case: begun in time, handed out in order, estimated from whole beginnings only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import Cells, Frame
from napari_bonemarrow.estimation import estimate
from napari_bonemarrow.estimation.records import SampleEstimate
from napari_bonemarrow.review import Case, CaseError, EventKind
from napari_bonemarrow.slides import Slide, slide_from_array
from tests.marrow_case import COUNT, SIDE, TRUTH, marrow_case, name, review_waves


@pytest.fixture
def sampled(tmp_path: Path) -> Iterator[Case]:
    """A case of 300 counted cells, classified rightly on about 80 %."""
    case = marrow_case(tmp_path / "sample.bmcase")
    yield case
    case.close()


@pytest.fixture
def slide() -> Slide:
    return slide_from_array(np.zeros((SIDE, SIDE, 3), np.uint8), 0.2)


def test_all_of_the_frame_in_a_fixed_order(sampled: Case) -> None:
    sampled.sample.begin(seed=11)
    plan = sampled.sample.plan
    assert sorted(plan.cell_id.tolist()) == sampled.cells.cell_id[sampled.cells.in_frame].tolist()
    first = sampled.sample.next(20)
    assert len(set(first.tolist())) == 20
    assert sampled.sample.wave == 1
    name(sampled, first)
    assert not set(sampled.sample.next(20).tolist()) & set(first.tolist())
    assert sampled.sample.plan.seed == 11


def test_the_estimate_holds_the_truth_and_says_what_it_is(sampled: Case) -> None:
    sampled.sample.begin(seed=3)
    assert sampled.sample.estimate() is None or sampled.sample.estimate().reviewed == 0
    review_waves(sampled, 3)
    found = sampled.sample.estimate()
    assert isinstance(found, SampleEstimate)
    counted = TRUTH[sampled.cells.in_frame]
    counted = counted[counted != "ART"]
    for code in ("NGS", "EBO", "BLA", "LYT"):
        low, high = found.row(code).ci95
        assert low <= 100 * (counted == code).mean() <= high
    count = sampled.differential()
    assert count.estimate is not None
    assert count.flags[0].code == "sample_review"
    assert count.row("NGS").percent == round(found.row("NGS").percent, 1)
    assert count.row("BAS").percent_text == "none seen"
    assert count.row("BAS").ci95[1] > 0
    document = count.to_dict()
    assert document["estimate"]["frame"] == len(sampled.sample.plan)
    assert all(row["percent"] is None for row in document["classes"])


def test_only_whole_beginnings_enter(sampled: Case) -> None:
    sampled.sample.begin(seed=3)
    cells = sampled.sample.next(COUNT)
    skipped, rest = cells[:1], cells[1:]
    name(sampled, rest)
    stratum = sampled.sample.plan.stratum[sampled.sample.plan.cell_id == skipped[0]][0]
    assert sampled.sample.tally.lengths[stratum] == 0
    assert sampled.sample.next(5).tolist() == skipped.tolist()
    assert sampled.sample.advance() is None
    sampled.set_label(int(skipped[0]), "NIF")  # a name like any other
    assert sampled.sample.tally.total == len(cells)
    assert sampled.sample.advance() is not None


def test_a_cell_out_of_order_waits_and_is_not_asked_again(sampled: Case) -> None:
    sampled.sample.begin(seed=3)
    plan = sampled.sample.plan
    late = plan.cell_id[np.flatnonzero(plan.stratum == 0)[-1]]
    name(sampled, np.array([late]))
    assert sampled.sample.tally.total == 0
    assert sampled.sample.tally.waiting.tolist() == [late]
    while len(cells := sampled.sample.next(COUNT)):
        assert late not in cells
        name(sampled, cells)
        sampled.sample.advance()
    assert sampled.sample.tally.total == len(plan)


def test_a_goal_ends_the_waves(sampled: Case) -> None:
    sampled.sample.begin(seed=3, goal={"of": "blasts", "width": 6.0})
    asked = 0
    while len(cells := sampled.sample.next(COUNT)):
        name(sampled, cells)
        asked += len(cells)
        sampled.sample.advance()
    assert sampled.sample.goal_reached
    low, high = sampled.sample.estimate().row("blasts").ci95
    assert (high - low) / 2 <= 6.0
    assert asked < len(sampled.sample.plan)
    assert sampled.sample.advance(further=True) is not None
    with pytest.raises(CaseError, match="half width"):
        sampled.sample.set_goal({"of": "blasts", "width": 0.0})
    with pytest.raises(CaseError, match="nonsense"):
        sampled.sample.set_goal({"of": "nonsense", "width": 3.0})


def test_reopening_continues_the_sample(sampled: Case) -> None:
    sampled.sample.begin(seed=3, goal={"of": "EBO", "width": 5.0})
    review_waves(sampled, 2)
    name(sampled, sampled.sample.next(7))
    left, found = sampled.sample.next(COUNT).tolist(), sampled.sample.estimate()
    sampled.close()
    with Case.open(sampled.path, reviewer="Ada") as again:
        assert again.sample.next(COUNT).tolist() == left
        assert again.sample.estimate() == found
        assert again.sample.goal == {"of": "EBO", "width": 5.0}


def test_too_late_too_early_and_twice(sampled: Case, slide: Slide, tmp_path: Path) -> None:
    sampled.set_label(25, "NGS")
    with pytest.raises(CaseError, match="1 cell reviewed already"):
        sampled.sample.begin()
    sampled.undo()
    sampled.sample.begin()
    with pytest.raises(CaseError, match="already"):
        sampled.sample.begin()
    with Case.create(tmp_path / "empty.bmcase", slide, reviewer="Ada") as empty:
        with pytest.raises(CaseError, match="not found yet"):
            empty.sample.begin()
        with pytest.raises(CaseError, match="no sample"):
            empty.sample.widen()


@pytest.mark.parametrize(
    "act",
    [
        lambda case: case.sampling.set_frame(Frame.whole_field(SIDE, SIDE, 20.0), target=COUNT),
        lambda case: case.cell_edits.add(500.0, 520.0),
        lambda case: case.cell_edits.remove(30),
        lambda case: case.detection.record(Cells.empty(), carry_over=True),
        lambda case: (case.set_label(30, "NGS"), case.readings.begin_second("Bob")),
    ],
)
def test_the_sampled_cells_stay_as_they_are(sampled: Case, act: Callable[[Case], object]) -> None:
    sampled.sample.begin()
    before = sampled.cells.cell_id.tolist(), sampled.frame
    with pytest.raises(CaseError, match="all cells"):
        act(sampled)
    assert (sampled.cells.cell_id.tolist(), sampled.frame) == before


def test_widening_reviews_all(sampled: Case) -> None:
    sampled.sample.begin(seed=3)
    review_waves(sampled, 2)
    sampled.sample.widen()
    assert not sampled.sample.in_progress
    assert sampled.sample.estimate() is None
    assert sampled.differential().estimate is None
    assert sampled.sign_off.gaps()[0].endswith("not reviewed")
    with pytest.raises(CaseError, match="reviewed already"):
        sampled.sample.begin()
    sampled.close()
    with Case.open(sampled.path, reviewer="Ada") as again:
        assert not again.sample.in_progress


def test_signing_says_what_was_sampled(sampled: Case) -> None:
    sampled.sample.begin(seed=3)
    with pytest.raises(CaseError, match="No cell enters the sample yet"):
        sampled.sign("Ada", "in a hurry")
    name(sampled, sampled.sample.next(5))
    review_waves(sampled, 1)
    assert "present wave" in sampled.sign_off.gaps()[0]
    while sampled.sign_off.gaps():
        name(sampled, sampled.sample.next(COUNT))
    sampled.sign("Ada")
    signed = sampled.signature
    assert signed.estimate["frame"] == len(sampled.sample.plan)
    assert signed.estimate["seed"] == 3
    assert signed.estimate["shares"]["NGS"]["seen"] > 0
    sampled.close()
    with Case.open(sampled.path, reviewer="Ada") as again:
        assert again.verification.ok
        assert again.signature.estimate == signed.estimate


def test_a_forged_estimate_is_found(sampled: Case) -> None:
    from napari_bonemarrow.review.journal.events import Draft

    sampled.sample.begin(seed=3)
    review_waves(sampled, 2)
    name(sampled, sampled.sample.next(COUNT))
    draft = sampled.sign_off.prepare("Ada")
    draft.new["estimate"]["shares"]["BLA"]["percent"] = 1.0
    core = sampled.sample._core
    core.journal.append(Draft(EventKind.SIGNED, new=draft.new), "Ada", None)
    sampled.close()
    with pytest.raises(CaseError, match="estimate is not that of the sample"):
        Case.open(sampled.path)


def test_a_sample_of_twelve_cells(sampled: Case, tmp_path: Path, slide: Slide) -> None:
    with Case.create(tmp_path / "few.bmcase", slide, reviewer="Ada") as few:
        few.sampling.set_frame(Frame.whole_field(SIDE, SIDE), target=100)
        few.detection.record(sampled.cells.select(np.arange(100, 112)).numbered())
        few.sample.begin(seed=1)  # without any prediction
        assert len(few.sample.plan) == 12
        for cell in few.sample.next(100).tolist():
            few.set_label(cell, "LYT")
        while few.sample.advance() is not None:
            for cell in few.sample.next(100).tolist():
                few.set_label(cell, "LYT")
        assert few.sample.estimate().reviewed == 12


@pytest.fixture
def poorly(tmp_path: Path) -> Iterator[Case]:
    """A case whose model is right on about half of the cells, while features tell them."""
    case = marrow_case(tmp_path / "taught.bmcase", right=0.5)
    case.sample.begin(seed=3)
    yield case
    case.close()


def uncorrected(case: Case) -> SampleEstimate:
    found = estimate(case.sample.plan, case.sample.tally)
    assert found.classes != case.sample.estimate().classes
    return found


def width(found: SampleEstimate, code: str) -> float:
    low, high = found.row(code).ci95
    return high - low


def test_what_the_sample_taught_narrows_the_estimate(poorly: Case) -> None:
    review_waves(poorly, 3)
    plain = poorly.sample.estimate()
    assert plain == estimate(poorly.sample.plan, poorly.sample.tally)
    goal = {"of": "EBO", "width": 6.0}
    before = poorly.sample.cells_needed(goal)
    poorly.learning.bring_up_to_date()
    found = poorly.sample.estimate()
    assert uncorrected(poorly) == plain
    for code in ("NGS", "EBO", "LYT"):
        assert width(found, code) < 0.95 * width(plain, code)
        assert found.row(code).seen == plain.row(code).seen
    assert poorly.differential().estimate == found
    assert "corrected" in found.method
    assert poorly.sample.cells_needed(goal) < before


def test_a_goal_is_reached_by_the_corrected_interval(poorly: Case) -> None:
    review_waves(poorly, 3)
    poorly.learning.bring_up_to_date()
    half = width(poorly.sample.estimate(), "EBO") / 2
    assert half < width(uncorrected(poorly), "EBO") / 2
    name(poorly, poorly.sample.next(COUNT))
    poorly.sample.set_goal({"of": "EBO", "width": half})
    poorly.learning.bring_up_to_date()
    assert poorly.sample.goal_reached == (width(poorly.sample.estimate(), "EBO") / 2 <= half)
    assert poorly.sample.goal_reached
    assert poorly.sign_off.gaps() == ()
    assert poorly.sample.advance() is None
    assert poorly.learning.switch(False) is not None
    assert not poorly.sample.goal_reached


def test_switched_off_it_is_as_without_learning(poorly: Case) -> None:
    review_waves(poorly, 3)
    poorly.learning.bring_up_to_date()
    taught, plain = poorly.sample.estimate(), uncorrected(poorly)
    poorly.learning.switch(False)
    assert poorly.sample.estimate() == plain
    poorly.close()
    with Case.open(poorly.path, reviewer="Ada") as again:
        assert again.sample.estimate() == plain
        again.learning.switch(True)
        assert again.sample.estimate() == taught


def test_it_corrects_also_where_the_head_does_not_show(poorly: Case) -> None:
    review_waves(poorly, 3)
    lesson = poorly.learning.lesson()
    taught = lesson.learn()
    silent = replace(taught, guesses=None, learnt=replace(taught.learnt, serves=False))
    poorly.learning.record(lesson, silent)
    assert not poorly.learning.serves
    assert uncorrected(poorly)


def _after_each_label(case: Case) -> None:
    while len(cells := case.sample.next(1)) and case.sample.tally.total < 60:
        name(case, cells)
        case.learning.bring_up_to_date()
        case.sample.advance()


def _label_learnt_label(case: Case) -> None:
    review_waves(case, 2)
    case.learning.bring_up_to_date()
    cells = case.sample.next(COUNT)
    name(case, cells[:-3])
    lesson = case.learning.lesson()
    taught = lesson.learn()
    name(case, cells[-3:])  # meanwhile
    assert case.learning.record(lesson, taught) is not None


def _not_caught_up(case: Case) -> None:
    review_waves(case, 2)
    case.learning.bring_up_to_date()
    name(case, case.sample.next(COUNT))
    assert case.learning.lesson() is not None


def _undone(case: Case) -> None:
    _label_learnt_label(case)
    case.set_label(int(case.sample.handed_out()[3]), "ART")
    case.learning.bring_up_to_date()
    case.undo()


def _amended(case: Case) -> None:
    _not_caught_up(case)
    case.sign("Ada", "in a hurry")
    case.sign_off.begin_amendment("more cells")
    case.sample.advance()
    _not_caught_up(case)


@pytest.mark.parametrize(
    "review", [_after_each_label, _label_learnt_label, _not_caught_up, _undone, _amended]
)
def test_a_signed_estimate_is_reproduced(poorly: Case, review: Callable[[Case], None]) -> None:
    review(poorly)
    found, plain = poorly.sample.estimate(), uncorrected(poorly)
    poorly.sign("Ada", "enough")
    signed = poorly.signature.estimate
    assert signed["shares"]["NGS"]["percent"] == round(found.row("NGS").percent, 2)
    assert signed["shares"]["NGS"]["percent"] != round(plain.row("NGS").percent, 2)
    poorly.close()
    with Case.open(poorly.path, reviewer="Ada") as again:
        assert again.verification.ok
        assert again.sample.estimate() == found
        assert again.signature.estimate == signed
        assert again.differential().estimate == found


def test_lines_without_a_correction_give_estimates_without_one(poorly: Case) -> None:
    review_waves(poorly, 3)
    lesson = poorly.learning.lesson()
    poorly.learning.record(lesson, replace(lesson.learn(), cross_fitted=None))
    found = poorly.sample.estimate()
    assert found == estimate(poorly.sample.plan, poorly.sample.tally)
    poorly.sign("Ada", "enough")
    poorly.close()
    with Case.open(poorly.path, reviewer="Ada") as again:
        assert again.verification.ok
        assert again.sample.estimate() == found


def test_outside_a_sample_nothing_is_cross_fitted(poorly: Case) -> None:
    review_waves(poorly, 2)
    poorly.sample.widen()
    lesson = poorly.learning.lesson()
    assert lesson.sample is None
    assert lesson.learn().cross_fitted is None
    poorly.learning.bring_up_to_date()
    assert poorly.sample.estimate() is None
