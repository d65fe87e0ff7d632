"""The way back: a search discarded before classes are seen, a case begun again after, its old file kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import Cells, Frame, Predictions, Region
from napari_bonemarrow.review import Case, CaseError, EventKind, case_path_for, was_set_aside
from napari_bonemarrow.slides import Scale, ScaleSource, Slide, open_slide

OTHER = Scale(0.1, ScaleSource.USER, basis="given")


def test_a_search_is_discarded_and_the_scale_given_anew(
    case: Case, find: Callable[..., Cells], say: Callable[..., Predictions]
) -> None:
    told = []
    case.changed.connect(told.append)
    case.detection.discard()
    assert told[0].kind == EventKind.SEARCH_DISCARDED
    assert len(told[0].cell_ids) == 40
    assert len(case.cells) == 0
    assert not case.detection.was_run
    case.sampling.confirm_scale(OTHER)
    with pytest.raises(CaseError, match="been in this case before"):  # a number is never used twice
        case.detection.record(find(5))
    case.detection.record(case.detection.fresh(find(5)))
    assert case.cells.cell_id.tolist() == [41, 42, 43, 44, 45]
    case.model.record_predictions(say(case.cells.cell_id))
    with Case.open(case.path, read_only=True) as other:  # the journal has it all, and adds up to the same
        assert other.verify().ok
        assert other.scale == OTHER
        assert other.detection.was_run
        assert other.cells.cell_id.tolist() == case.cells.cell_id.tolist()
        assert [
            event.new["found"] for event in other.history.events() if event.kind == EventKind.DETECTOR_RUN
        ] == [
            40,
            5,
        ]


def test_nothing_is_discarded_where_nothing_was_searched(case: Case) -> None:
    case.detection.discard()
    before = case.history.events()
    assert case.detection.discard() is None
    assert case.history.events() == before


def test_an_unfinished_search_is_discarded(tmp_path: Path, slide: Slide, find: Callable[..., Cells]) -> None:
    with Case.create(tmp_path / "new.bmcase", slide, reviewer="Ada") as case:
        case.detection.record_tiles({"tiles": 4}, [0, 1], find(3))
        case.detection.discard()
        assert case.detection.progress is None
        case.sampling.confirm_scale(OTHER)


@pytest.mark.parametrize("see", ["model", "label"])
def test_nothing_is_discarded_once_classes_were_seen(
    case: Case, say: Callable[..., Predictions], see: str
) -> None:
    if see == "model":
        case.model.record_predictions(say([1]))
    else:
        case.set_label(1, "BLA")
    assert case.sampling.classes_seen
    with pytest.raises(CaseError, match="start a new case"):
        case.detection.discard()
    with pytest.raises(CaseError, match="start a new case"):
        case.sampling.confirm_scale(OTHER)
    assert len(case.cells) == 40


def test_what_a_reviewer_did_stays_where_it_is_when_the_scale_changes(case: Case) -> None:
    case.edits.set_flag(7, True)
    added = case.cell_edits.add(60, 250)
    wide = dict(zip(case.cells.cell_id.tolist(), case.cells.diameter_um.tolist(), strict=True))
    case.detection.discard()
    assert case.cells.cell_id.tolist() == [7, added]
    case.sampling.confirm_scale(OTHER)
    np.testing.assert_allclose(case.cells.diameter_um, [wide[7] / 2, wide[added] / 2])
    assert case.flags == {7}
    assert not case.can_undo
    with Case.open(case.path, read_only=True) as other:
        np.testing.assert_array_equal(other.cells.diameter_um, case.cells.diameter_um)
        np.testing.assert_array_equal(other.cells.in_frame, case.cells.in_frame)


def test_the_target_is_raised_and_taken_back_but_never_below_what_it_was(
    case: Case, say: Callable[..., Predictions]
) -> None:
    case.sampling.set_frame(case.frame, target=300)  # nothing was seen: it may be lower or higher
    case.sampling.set_frame(case.frame, target=200)
    assert case.sampling.least_target == 1
    case.model.record_predictions(say([1]))
    case.sampling.set_frame(case.frame, target=500)
    case.sampling.set_frame(case.frame, target=200)
    assert (case.target, case.sampling.least_target) == (200, 200)
    with pytest.raises(CaseError, match="raised, not lowered"):
        case.sampling.set_frame(case.frame, target=199)
    with pytest.raises(CaseError, match="classes have been seen"):
        case.sampling.set_frame(replace(case.frame, regions=(Region(0, 0, 200, 300),)), target=500)


def test_a_case_is_started_over_and_its_file_kept(
    slide_path: Path, slide: Slide, frame: Frame, find: Callable[..., Cells], say: Callable[..., Predictions]
) -> None:
    path = case_path_for(slide_path)
    old = Case.create(path, slide, reviewer="Ada")
    old.sampling.set_frame(frame)
    old.detection.record(find())
    old.model.record_predictions(say(old.cells.cell_id))
    old.set_label(1, "BLA")
    old.sign("Ada", "only a try")
    head, content = old.history.last.hash, old.history.events()
    new, kept = old.start_over(slide)
    with new:
        assert new.path == path == case_path_for(slide_path)
        assert kept.name == f"{path.stem}.before-1.bmcase"
        assert new.scale is None  # somebody had given the old one
        assert not new.sampling.classes_seen
        assert new.history.events()[0].new["before"] == {
            "case": content[0].new["case"],
            "file": kept.name,
            "head": head,
        }
        assert new.verify().ok
    with Case.open(kept) as again:
        assert again.verify().ok
        assert again.history.events() == content
        assert again.is_signed
        assert again.slide_file.find() == slide_path
    assert was_set_aside(kept)
    assert not was_set_aside(path)


def test_each_case_that_is_started_over_has_a_name_of_its_own(slide_path: Path, slide: Slide) -> None:
    path = case_path_for(slide_path)
    in_the_way = path.with_name(f"{path.stem}.before-2.bmcase")
    in_the_way.write_bytes(b"not ours")
    case = Case.create(path, slide, reviewer="Ada")
    names = []
    for _time in range(3):
        case, kept = case.start_over(slide)
        names.append(kept.name)
    case.close()
    assert names == [f"{path.stem}.before-{number}.bmcase" for number in (1, 3, 4)]
    assert in_the_way.read_bytes() == b"not ours"


def test_a_scale_that_the_file_states_is_there_again(slide_path: Path, slide: Slide) -> None:
    stated = Scale(0.2, ScaleSource.FILE, basis="PNG pixels per metre")
    case = Case.create(case_path_for(slide_path), slide.with_scale(stated), reviewer="Ada")
    case.sampling.confirm_scale(OTHER)
    new, _kept = case.start_over(slide)
    with new:
        assert new.scale == stated


def test_a_case_apart_from_its_slide_is_started_over_there(
    slide_path: Path, slide: Slide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_bonemarrow.review.case.case_path.can_write_in", lambda _folder: False)
    path = case_path_for(slide_path)
    assert path.parent != slide_path.parent
    case = Case.create(path, slide, reviewer="Ada")
    new, kept = case.start_over(slide)
    new.close()
    assert kept.parent == path.parent
    assert case_path_for(slide_path) == path
    assert Case.open(kept, read_only=True).verify().ok


def test_a_case_to_look_at_only_is_not_started_over(case: Case, slide: Slide) -> None:
    with Case.open(case.path, read_only=True) as other, pytest.raises(CaseError, match="look at only"):
        other.start_over(slide)
    assert case.path.exists()


@pytest.mark.skipif(os.name != "posix", reason="another process keeps the file by its name")
def test_a_case_that_somebody_looks_at_stays_as_it_was(case: Case, slide: Slide) -> None:
    case.edits.set_flag(3, True)
    with (
        Case.open(case.path, read_only=True),
        pytest.raises(CaseError, match="open in another window"),
    ):
        case.start_over(slide)
    with Case.open(case.path) as again:
        assert again.flags == {3}
    assert [each.name for each in case.path.parent.glob("*.bmcase")] == [case.path.name]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="everything may be written here")
def test_a_case_that_cannot_be_renamed_stays_as_it_was(slide_path: Path, slide: Slide) -> None:
    case = Case.create(case_path_for(slide_path), slide, reviewer="Ada")
    slide_path.parent.chmod(0o500)
    try:
        with pytest.raises(CaseError, match="cannot keep"):
            case.start_over(slide)
    finally:
        slide_path.parent.chmod(0o700)
    assert Case.open(case.path, read_only=True).verify().ok


def test_the_slide_opens_with_its_new_case(slide_path: Path, slide: Slide) -> None:
    from napari_bonemarrow.workflow import open_or_create_case

    case = Case.create(case_path_for(slide_path), slide, reviewer="Ada")
    case.edits.comment(None, "the first one")
    new, kept = case.start_over(open_slide(slide_path))
    new.close()
    _slide, opened = open_or_create_case(slide_path)
    with opened:
        assert not opened.edits.comments
    _slide, opened = open_or_create_case(kept)
    with opened:
        assert [comment.text for comment in opened.edits.comments] == ["the first one"]
