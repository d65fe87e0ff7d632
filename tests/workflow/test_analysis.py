from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import BoneMarrowError, Frame, Region, ScaleError
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import Slide
from napari_bonemarrow.workflow import (
    CellsClassified,
    CellsFound,
    Doing,
    analyse,
    apply_step,
    open_or_create_case,
    was_detected,
)


@pytest.fixture
def opened(field: Path) -> tuple[Slide, Case]:
    return open_or_create_case(field, reviewer="Dr A")


def finish(engine: Engine, slide: Slide, case: Case, **options: object) -> list[str]:
    kinds = []
    for step in analyse(engine, slide, case, **options):  # type: ignore[arg-type]
        if not isinstance(step, Doing):
            kinds.append(type(step).__name__)
        apply_step(case, step)
    return kinds


def test_cells_are_found_then_classified_and_the_frame_comes_first(
    engine: Engine, opened: tuple[Slide, Case]
) -> None:
    slide, case = opened
    kinds = finish(engine, slide, case)
    assert kinds[0] == "CellsFound"
    assert set(kinds[1:]) == {"CellsClassified"}
    journal = [str(event.kind) for event in case.history.events()]
    assert journal.index("region and target set") < journal.index("detector run") < journal.index("model run")
    assert case.predictions is not None
    assert len(case.predictions) == len(case.cells) >= 6
    assert "" not in case.effective_codes()
    case.close()


def test_a_finished_case_needs_no_engine(engine: Engine, opened: tuple[Slide, Case]) -> None:
    slide, case = opened
    finish(engine, slide, case)
    with Engine("cpu") as idle:
        assert finish(idle, slide, case) == []
        assert idle.pid is None
    case.close()


def test_only_cells_without_a_class_are_classified(engine: Engine, opened: tuple[Slide, Case]) -> None:
    slide, case = opened
    finish(engine, slide, case)
    added = case.cell_edits.add(30, 30)
    [step] = [step for step in analyse(engine, slide, case) if isinstance(step, CellsClassified)]
    assert step.predictions.cell_id.tolist() == [added]
    assert (step.done, step.total) == (1, 1)
    case.close()


def test_steps_may_be_taken_in_another_thread(engine: Engine, opened: tuple[Slide, Case]) -> None:
    """The case's SQLite connection would refuse: nothing of it is touched by the iterator."""
    slide, case = opened
    steps = analyse(engine, slide, case)
    taken: list[object] = []
    thread = threading.Thread(target=lambda: taken.extend(steps))
    thread.start()
    thread.join()
    for step in taken:
        apply_step(case, step)  # type: ignore[arg-type]
    assert case.predictions is not None
    assert len(case.predictions) == len(case.cells)
    case.close()


def test_a_second_detection_keeps_what_the_reviewer_did(engine: Engine, opened: tuple[Slide, Case]) -> None:
    slide, case = opened
    finish(engine, slide, case)
    first = int(case.cells.cell_id[0])
    count = len(case.cells)
    case.set_label(first, "PLM")
    kinds = finish(engine, slide, case, again=True)
    assert kinds[0] == "CellsFound"
    assert case.labels[first].code == "PLM"
    assert len(case.cells) == count
    assert "" not in case.effective_codes()
    case.close()


def test_a_region_is_the_frame_of_what_is_found(engine: Engine, opened: tuple[Slide, Case]) -> None:
    slide, case = opened
    frame = Frame((Region(0, 0, 320, 480),), 5.0, slide.width, slide.height)
    finish(engine, slide, case, frame=frame)
    assert case.frame == frame
    np.testing.assert_array_equal(
        case.cells.in_frame, frame.contains(case.cells.x, case.cells.y, slide.known_scale())
    )
    assert case.cells.in_frame.any()
    assert not case.cells.in_frame.all()
    case.close()


def test_closing_the_iterator_cancels_what_is_under_way(engine: Engine, opened: tuple[Slide, Case]) -> None:
    slide, case = opened
    steps = analyse(engine, slide, case)
    first = next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert isinstance(first, Doing | CellsFound)
    assert not was_detected(case)
    assert finish(engine, slide, case)[0] == "CellsFound"
    case.close()


def test_a_slide_without_scale_is_refused_at_once(engine: Engine, mute: Path) -> None:
    slide, case = open_or_create_case(mute)
    with pytest.raises(ScaleError, match="scale is unknown"):
        analyse(engine, slide, case)
    case.close()


def test_a_bad_bundle_is_one_line_and_the_cells_found_stay(
    engine: Engine, opened: tuple[Slide, Case]
) -> None:
    slide, case = opened
    with pytest.raises(BoneMarrowError, match="no-such-model"):
        finish(engine, slide, case, model="no-such-model")
    assert len(case.cells) >= 6
    assert case.predictions is None
    finish(engine, slide, case)
    assert case.predictions is not None
    case.close()
