"""What is said of a sample review: the share, what its goal still needs, and who waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from napari_bonemarrow.gui.core.sample_figures import SampleFigures, sample_question
from napari_bonemarrow.gui.inspector.sample_info import sample_progress
from napari_bonemarrow.review import Case
from napari_bonemarrow.review.worklist.worklist import WorkList
from tests.marrow_case import COUNT, marrow_case, name, review_waves


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with marrow_case(tmp_path / "sample.bmcase") as made:
        yield made


def figures_of(case: Case) -> SampleFigures:
    question = sample_question(case)
    assert question is not None
    return question.answer()


def test_without_a_sample_there_is_nothing_to_say(case: Case) -> None:
    assert sample_question(case) is None


def test_share_goal_and_waiting_cells_are_told(case: Case) -> None:
    case.sample.begin(seed=3, goal={"of": "blasts", "width": 3.0})
    assert figures_of(case).share is None
    review_waves(case, 2)
    name(case, case.sample.plan.cell_id[-1:])
    told = figures_of(case)
    assert told.reviewed == case.sample.tally.total
    assert told.text.startswith(f"blasts {told.share.percent:.1f} % (")
    assert " more for ±3 %" in told.text
    assert told.text.endswith("1 named out of order wait")


def test_they_are_those_of_the_corrected_count(case: Case) -> None:
    case.sample.begin(seed=3, goal={"of": "EBO", "width": 6.0})
    review_waves(case, 3)
    before = figures_of(case)
    case.learning.bring_up_to_date()
    told = figures_of(case)
    assert told.share == case.differential().estimate.row("EBO")
    assert told.share != before.share
    assert told.needed == case.sample.cells_needed(case.sample.goal)


def test_a_class_of_which_none_was_seen_has_an_upper_limit(case: Case) -> None:
    case.sample.begin(seed=3, goal={"of": "BAS", "width": 8.0})
    review_waves(case, 1)
    assert "none seen, at most " in figures_of(case).text


def test_the_progress_ends_at_the_goal(case: Case) -> None:
    case.sample.begin(seed=3, goal={"of": "blasts", "width": 5.0})
    work = WorkList(case)
    while not case.sample.goal_reached:
        review_waves(case, 1)
    work.follow_sample()
    work.update(())
    info = sample_progress(case, *work.progress, work.sample_left, figures_of(case))
    assert info.ended
    assert info.text == "blasts within ±5 % · done: count and sign"
    assert info.done < COUNT
