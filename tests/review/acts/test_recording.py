"""Scale, frame, detections and model runs, first and second ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import Cells, Frame, Predictions, Region
from napari_bonemarrow.review import Case, CaseError, EventKind
from napari_bonemarrow.slides import Scale, ScaleSource, Slide


@pytest.fixture
def new_case(tmp_path: Path, slide: Slide) -> Case:
    with Case.create(tmp_path / "new.bmcase", slide.with_scale(None), reviewer="Ada") as made:
        yield made


def test_scale_comes_first_then_frame_then_classes(
    new_case: Case, frame: Frame, find: Callable[..., Cells], say: Callable[..., Predictions]
) -> None:
    for act in (
        lambda: new_case.sampling.set_frame(frame),
        lambda: new_case.detection.record(find()),
        lambda: new_case.cell_edits.add(5, 5),
    ):
        with pytest.raises(CaseError, match="confirm the µm per pixel"):
            act()
    scale = Scale(0.2, ScaleSource.ESTIMATE, low=0.19, high=0.21, basis="14 red cells")
    new_case.sampling.confirm_scale(scale)
    new_case.detection.record(find())
    with pytest.raises(CaseError, match="frame is not set"):
        new_case.model.record_predictions(say([1]))
    new_case.sampling.set_frame(frame)
    new_case.model.record_predictions(say([1]))
    with Case.open(new_case.path, read_only=True) as other:
        assert other.scale == scale
        assert other.microns_per_pixel == 0.2


def test_the_scale_stays_once_cells_were_found(case: Case) -> None:
    case.sampling.confirm_scale(Scale(0.2, ScaleSource.FILE, basis="resolution of the TIFF"))
    with pytest.raises(CaseError, match="start a new case"):
        case.sampling.confirm_scale(Scale(0.1, ScaleSource.USER))
    assert case.scale == Scale(0.2, ScaleSource.FILE, basis="resolution of the TIFF")


def test_the_frame_stays_once_classes_were_seen(case: Case, say: Callable[..., Predictions]) -> None:
    part = replace(case.frame, regions=(Region(0, 0, 200, 300),))
    case.sampling.set_frame(part)
    assert case.differential().counted + case.differential().unclassified == 15
    case.model.record_predictions(say([1, 2]))
    with pytest.raises(CaseError, match="classes have been seen"):
        case.sampling.set_frame(Frame.whole_field(400, 300))
    case.sampling.set_frame(part, target=500)
    assert (case.frame, case.target) == (part, 500)


def test_a_label_fixes_the_frame_too(case: Case) -> None:
    case.set_label(1, "BLA")
    with pytest.raises(CaseError, match="classes have been seen"):
        case.sampling.set_frame(Frame.whole_field(400, 300, margin_um=0))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (Frame.whole_field(401, 300), "401×300"),
        (Frame.whole_field(400, 300, margin_um=31), "nothing is left"),
        (Frame((), 5, 400, 300), "nothing is left"),
    ],
)
def test_frames_that_cannot_be_counted_are_refused(case: Case, wrong: Frame, says: str) -> None:
    with pytest.raises(CaseError, match=says):
        case.sampling.set_frame(wrong)


def test_the_case_says_which_cells_lie_in_the_frame(case: Case, find: Callable[..., Cells]) -> None:
    # The detector said that all of them do; the case's own frame decides.
    assert find().in_frame.all()
    assert np.count_nonzero(case.cells.in_frame) == 30


def test_parameters_and_numbers_of_a_detection_are_in_the_journal(case: Case) -> None:
    event = next(event for event in case.history.events() if event.kind == EventKind.DETECTOR_RUN)
    assert event.new["parameters"] == {"threshold": 0.3}
    assert event.new["found"] == 40
    assert event.source == "detector"


def test_an_empty_detection_is_recorded(new_case: Case, frame: Frame) -> None:
    new_case.sampling.confirm_scale(Scale(0.2, ScaleSource.USER))
    new_case.sampling.set_frame(frame)
    assert len(new_case.detection.record(Cells.empty())) == 0
    assert new_case.differential().counted == 0
    assert new_case.cell_edits.add(50, 50) == 1


def test_a_second_detection_replaces_cells_that_nobody_touched(
    case: Case, find: Callable[..., Cells]
) -> None:
    fresh = case.detection.fresh(find(10, shift=3.0))
    assert fresh.cell_id.tolist() == list(range(41, 51))
    cells = case.detection.record(fresh, {"threshold": 0.5})
    assert cells.cell_id.tolist() == list(range(41, 51))
    assert case.cell_edits.next_id == 51


def test_numbers_of_an_earlier_detection_are_refused(case: Case, find: Callable[..., Cells]) -> None:
    with pytest.raises(CaseError, match="cell 1 has been in this case before"):
        case.detection.record(find(10))


def test_a_second_detection_never_loses_corrections(case: Case, find: Callable[..., Cells]) -> None:
    case.set_label([5, 6], "BLA")
    case.set_tag(7, "mitosis", True)
    case.edits.comment(8, "look again")
    case.cell_edits.remove(9)
    added = case.cell_edits.add(60, 250)
    labels, before = dict(case.labels), case.history.events()
    # The grid again, 2.8 µm aside, so that each new cell lies within 4 µm of an old one.
    fresh = case.detection.fresh(find(40, shift=10.0))
    with pytest.raises(CaseError, match="corrections on 6 cells"):
        case.detection.record(fresh)
    assert case.history.events() == before

    cells = case.detection.record(fresh, carry_over=True)
    assert dict(case.labels) == labels
    assert case.tags[7] == {"mitosis"}
    kept = {5, 6, 7, 8, added}
    assert kept <= set(cells.cell_id.tolist())
    assert not case.has_cell(9)
    # One found cell gave way to each of cells 5 to 9; the added one had none near.
    assert len(cells) == 40 - 5 + len(kept)
    assert not case.can_undo
    with Case.open(case.path, read_only=True) as other:
        assert other.cells.cell_id.tolist() == cells.cell_id.tolist()
        assert dict(other.labels) == labels


def test_a_third_detection_still_knows_what_was_removed(case: Case, find: Callable[..., Cells]) -> None:
    case.cell_edits.remove(15)
    for shift in (1.0, 2.0):
        case.detection.record(case.detection.fresh(find(40, shift=shift)), carry_over=True)
        assert len(case.cells) == 39


def test_detections_that_make_no_sense_are_refused(case: Case, find: Callable[..., Cells]) -> None:
    fresh = case.detection.fresh(find(3))
    with pytest.raises(CaseError, match="same number"):
        case.detection.record(replace(fresh, cell_id=np.array([50, 50, 51])))
    with pytest.raises(CaseError, match="no position"):
        case.detection.record(replace(fresh, x=np.array([1.0, np.nan, 2.0])))


def test_chunks_of_one_model_add_up(case: Case, say: Callable[..., Predictions]) -> None:
    case.model.record_predictions(say([4, 5], "LYT"))
    case.model.record_predictions(say([1, 2], "NGS"))
    predictions = case.predictions
    assert predictions is not None
    assert predictions.cell_id.tolist() == [1, 2, 4, 5]
    assert [case.effective_code(cell) for cell in (1, 2, 3, 4, 5)] == ["NGS", "NGS", "", "LYT", "LYT"]


def test_another_model_replaces_predictions_and_leaves_labels(
    case: Case, say: Callable[..., Predictions]
) -> None:
    case.model.record_predictions(say(case.cells.cell_id, "LYT"))
    case.set_label(1, "BLA")
    case.model.record_predictions(say([1, 2], "NGS", sha="b" * 64))
    assert case.predictions is not None
    assert case.predictions.cell_id.tolist() == [1, 2]
    assert case.predictions.model.sha256 == "b" * 64
    assert [case.effective_code(cell) for cell in (1, 2, 3)] == ["BLA", "NGS", ""]
    runs = [event for event in case.history.events() if event.kind == EventKind.MODEL_RUN]
    assert [run.source for run in runs] == ["model:" + "a" * 64, "model:" + "b" * 64]
    assert case.can_undo


def test_predictions_of_removed_cells_wait_for_them(case: Case, say: Callable[..., Predictions]) -> None:
    case.cell_edits.remove(3)
    case.model.record_predictions(say([2, 3], "LYT"))
    assert case.predictions is not None
    assert case.predictions.cell_id.tolist() == [2]
    case.undo()
    assert case.effective_code(3) == "LYT"


def test_predictions_of_an_earlier_detection_are_refused(
    case: Case, find: Callable[..., Cells], say: Callable[..., Predictions]
) -> None:
    case.detection.record(case.detection.fresh(find(5)))
    with pytest.raises(CaseError, match="not in the last detection"):
        case.model.record_predictions(say([1, 2]))


def test_predictions_that_are_no_numbers_or_classes_are_refused(
    case: Case, say: Callable[..., Predictions]
) -> None:
    good = say([1])
    with pytest.raises(CaseError, match="not a number"):
        case.model.record_predictions(replace(good, probabilities=np.full((1, 21), np.nan, np.float32)))
    with pytest.raises(CaseError, match="XXX, not a class"):
        case.model.record_predictions(replace(good, classes=("XXX", *good.classes[1:])))
    assert case.predictions is None


def test_cells_below_the_models_threshold_are_noted_until_reviewed(
    case: Case, say: Callable[..., Predictions]
) -> None:
    ids = case.cells.cell_id
    sure = say(ids)
    probabilities = sure.probabilities.copy()
    counted = [int(i) for i in ids[case.cells.in_frame][:3]]
    probabilities[np.isin(ids, counted)] = 1 / probabilities.shape[1]
    case.model.record_predictions(replace(sure, probabilities=probabilities, abstain_below=0.5))

    def doubts(of: Case) -> list[str]:
        return [flag.text for flag in of.differential().flags if flag.code == "below_confidence"]

    assert doubts(case)[0].startswith("3 cells of the 30")
    with Case.open(case.path, read_only=True) as other:
        assert other.predictions.abstain_below == 0.5
        assert doubts(other) == doubts(case)
    case.set_label(counted, "LYT")
    assert doubts(case) == []
    case.model.record_predictions(sure)
    assert case.predictions.abstain_below is None


def test_what_the_domain_check_goes_by_is_in_the_journal(case: Case, say: Callable[..., Predictions]) -> None:
    ids = case.cells.cell_id
    case.model.record_predictions(say(ids))
    assert case.statistics.domain_check() is None  # a bundle without statistics
    strangeness = np.linspace(0, 1, len(ids)).astype(np.float32)
    measured = replace(say(ids, sha="b" * 64), strangeness=strangeness, abstain_below=0.9)
    case.model.record_predictions(measured.select(np.arange(20)))
    case.model.record_predictions(measured.select(np.arange(20, len(ids))))
    check = case.statistics.domain_check()
    inside = case.cells.in_frame
    assert check is not None
    assert check.cells == inside.sum()
    assert check.strange == (strangeness[inside] > 0.95).sum()
    assert check.doubtful == inside.sum()
    assert check.unlike  # every cell lies below the threshold
    assert case.differential().unlike_text
    assert case.differential().domain == case.statistics.model_differential().domain == check
    with Case.open(case.path, read_only=True) as again:
        assert again.statistics.domain_check() == check
        assert again.predictions.strangeness.tolist() == strangeness.tolist()
    case.set_label(ids.tolist(), "LYT")
    assert not case.statistics.waits_for_review
    assert not case.differential().unlike_text
    assert case.differential().domain == check


def test_who_reads_blind_hears_nothing_of_the_domain(case: Case, say: Callable[..., Predictions]) -> None:
    ids = case.cells.cell_id
    measured = replace(say(ids), strangeness=np.ones(len(ids), np.float32))
    case.model.record_predictions(measured)
    case.set_label(ids.tolist(), "LYT")
    case.readings.begin_second("Bea")
    assert case.is_blind
    assert case.statistics.domain_check() is None
