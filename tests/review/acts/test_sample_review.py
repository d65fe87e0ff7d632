"""A sample review in a case: begun in time, handed out in order, estimated from whole beginnings only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import Cells, Frame
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
    assert count.row("NGS").percent == found.row("NGS").percent
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
