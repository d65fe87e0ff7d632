"""What a reviewer does: labels, tags, comments, cells added and removed, undo and redo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import Predictions, Support
from napari_bonemarrow.review import Case, CaseError, Change, EventKind


def reopened(case: Case) -> Case:
    """The same case as somebody else reads it now."""
    return Case.open(case.path, read_only=True)


def test_a_label_outranks_the_model_and_a_cleared_one_gives_way(
    case: Case, say: Callable[..., Predictions]
) -> None:
    assert case.effective_code(3) == ""
    case.model.record_predictions(say(case.cells.cell_id, "NGS"))
    assert case.effective_code(3) == "NGS"
    case.set_label(3, "BLA")
    assert case.effective_code(3) == "BLA"
    label = case.labels[3]
    assert (label.code, label.by, label.source) == ("BLA", "Ada", "reviewer")
    assert label.at.endswith("Z")
    case.set_label(3, None)
    assert case.effective_code(3) == "NGS"
    assert 3 not in case.labels


def test_effective_codes_stand_in_the_order_of_cells(case: Case, say: Callable[..., Predictions]) -> None:
    case.model.record_predictions(say([5, 6, 7], "LYT"))
    case.set_label(6, "PLM")
    case.cell_edits.remove(1)
    codes = dict(zip(case.cells.cell_id.tolist(), case.effective_codes(), strict=True))
    assert {cell: code for cell, code in codes.items() if code} == {5: "LYT", 6: "PLM", 7: "LYT"}
    assert case.cells.cell_id[case.reviewed()].tolist() == [6]


def test_a_change_is_on_disk_before_anybody_is_told(case: Case) -> None:
    seen: list[tuple[Change, str]] = []

    @case.changed.connect
    def _read(change: Change) -> None:
        with reopened(case) as other:
            seen.append((change, other.effective_code(4)))

    case.set_label([4], "EBO")
    case.undo()
    assert seen == [
        (Change(EventKind.LABEL_SET, (4,)), "EBO"),
        (Change(EventKind.UNDO, (4,), of=EventKind.LABEL_SET), ""),
    ]


def test_a_bulk_label_is_one_line_and_one_undo(case: Case) -> None:
    before = len(case.history.events())
    case.set_label(2, "BLA")
    case.set_label(np.arange(1, 41), "LYT")
    assert len(case.history.events()) == before + 2
    case.undo()
    assert {cell: label.code for cell, label in case.labels.items()} == {2: "BLA"}
    case.redo()
    assert len(case.labels) == 40


def test_undo_and_redo_walk_through_every_kind_of_act(case: Case) -> None:
    def snapshot() -> tuple[object, ...]:
        return (case.cells.cell_id.tolist(), dict(case.labels), dict(case.tags), case.effective_codes())

    states = [snapshot()]
    acts = [
        lambda: case.set_label([1, 2], "BLA"),
        lambda: case.set_label(2, "PMO"),
        lambda: case.set_label(1, None),
        lambda: case.set_tag([2, 3], "dysplastic", True),
        lambda: case.set_tag([3, 4], "dysplastic", False),
        lambda: case.cell_edits.add(50.0, 250.0),
        lambda: case.set_label(41, "PLM"),
        lambda: case.cell_edits.remove([2, 41]),
    ]
    for act in acts:
        act()
        states.append(snapshot())
    for state in reversed(states[:-1]):
        assert case.undo() is not None
        assert snapshot() == state
    assert not case.can_undo
    assert case.undo() is None
    for state in states[1:]:
        assert case.redo() is not None
        assert snapshot() == state
    assert not case.can_redo
    assert case.redo() is None
    assert case.verify().ok


def test_a_new_act_ends_what_could_be_redone(case: Case) -> None:
    case.set_label(1, "BLA")
    case.undo()
    case.set_label(2, "LYT")
    assert not case.can_redo
    assert case.redo() is None


def test_undo_survives_reopening_and_keeps_both_lines(case: Case) -> None:
    case.set_label(1, "BLA")
    case.set_label(1, "PMO")
    case.undo()
    path = case.path
    case.close()
    with Case.open(path, reviewer="Ben") as again:
        assert (again.can_undo, again.can_redo) == (True, True)
        again.redo()
        # What comes back is Ada's label, at her time; the line that brought it back is Ben's.
        assert (again.labels[1].code, again.labels[1].by) == ("PMO", "Ada")
        assert again.history.events()[-1].reviewer == "Ben"
        again.undo()
        again.undo()
        assert 1 not in again.labels
        assert [event.kind for event in again.history.events()[-6:]] == [
            "label set",
            "label set",
            "undo",
            "redo",
            "undo",
            "undo",
        ]


def test_labels_wait_for_a_removed_cell(case: Case) -> None:
    case.set_label(12, "PLM")
    case.set_tag(12, "vacuolated", True)
    counted = case.differential().counted
    case.cell_edits.remove(12)
    assert not case.has_cell(12)
    assert 12 not in case.labels
    assert 12 not in case.tags
    assert case.differential().counted == counted - 1
    case.undo()
    assert case.labels[12].code == "PLM"
    assert case.tags[12] == {"vacuolated"}
    assert case.differential().counted == counted


def test_numbers_of_cells_are_never_used_again(case: Case) -> None:
    first = case.cell_edits.add(50, 250)
    assert first == 41
    case.undo()
    second = case.cell_edits.add(50, 250)
    assert second == 42
    case.cell_edits.remove(second)
    assert case.cell_edits.add(50, 250) == 43
    assert case.cell_edits.added == {43}


def test_an_added_cell_is_counted_by_the_frame_alone(case: Case) -> None:
    inside, outside = case.cell_edits.add(60.0, 250.0), case.cell_edits.add(3.0, 250.0, 12.5)
    cells = case.cells
    assert cells.in_frame[cells.cell_id == inside].all()
    assert not cells.in_frame[cells.cell_id == outside].any()
    assert cells.diameter_um[cells.cell_id == inside] == [9.0]
    assert cells.diameter_um[cells.cell_id == outside] == [12.5]


@pytest.mark.parametrize(("x", "y"), [(-1, 5), (400, 5), (5, 300), (float("nan"), 5)])
def test_a_cell_outside_the_image_is_refused(case: Case, x: float, y: float) -> None:
    with pytest.raises(CaseError, match="outside the image"):
        case.cell_edits.add(x, y)


def test_a_cell_on_top_of_another_is_refused(case: Case) -> None:
    with pytest.raises(CaseError, match="cell 1 is there already"):
        case.cell_edits.add(33.0, 12.0)
    case.cell_edits.remove(1)
    case.cell_edits.add(33.0, 12.0)


def test_acts_that_change_nothing_write_nothing(case: Case) -> None:
    case.set_label(1, "BLA")
    case.set_tag(1, "mitosis", True)
    before = len(case.history.events())
    assert case.set_label([1], "BLA") is None
    assert case.set_label([2, 3], None) is None
    assert case.set_tag(1, "mitosis", True) is None
    assert case.sampling.set_frame(case.frame, 100) is None
    assert case.sampling.confirm_scale(case.scale) is None
    assert len(case.history.events()) == before
    # A second reviewer who gives the same class says something new.
    case.reviewer = "Ben"
    assert case.set_label(1, "BLA") is not None
    assert case.labels[1].by == "Ben"


def test_only_tags_that_change_are_taken_back(case: Case) -> None:
    case.set_tag(1, "dysplastic", True)
    case.set_tag([1, 2], "dysplastic", True)
    case.undo()
    assert dict(case.tags) == {1: {"dysplastic"}}


def test_comments_are_kept_with_name_and_time(case: Case) -> None:
    case.edits.comment(None, "few particles")
    case.edits.comment(7, "basket cell?")
    with reopened(case) as other:
        assert [(c.cell_id, c.text, c.by) for c in other.edits.comments] == [
            (None, "few particles", "Ada"),
            (7, "basket cell?", "Ada"),
        ]


def test_the_history_of_a_cell_is_who_did_what_to_it(case: Case) -> None:
    case.set_label([1, 2], "BLA")
    case.reviewer = "Ben"
    case.set_label(2, "PMO")
    case.undo()
    assert [(event.kind, event.reviewer) for event in case.history.of_cell(2)] == [
        ("label set", "Ada"),
        ("label set", "Ben"),
        ("undo", "Ben"),
    ]
    assert len(case.history.of_cell(1)) == 1
    assert case.history.of_cell(3) == []


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda c: c.set_label(99, "BLA"), "no cell 99"),
        (lambda c: c.set_label([], "BLA"), "no cell is selected"),
        (lambda c: c.set_label(1, "XYZ"), "'XYZ' is not a class"),
        (lambda c: c.set_tag(1, "odd", True), "'odd' is not a tag"),
        (lambda c: c.edits.comment(1, "  "), "empty comment"),
        (lambda c: c.cell_edits.remove([1, 99]), "no cell 99"),
        (lambda c: c.effective_code(0), "no cell 0"),
        (lambda c: c.sampling.set_frame(c.frame, 0), "target of 0"),
    ],
)
def test_acts_that_make_no_sense_say_why_and_leave_no_trace(
    case: Case, act: Callable[[Case], object], says: str
) -> None:
    before = case.history.events()
    with pytest.raises(CaseError, match=says) as caught:
        act(case)
    assert "\n" not in str(caught.value)
    assert case.history.events() == before


def test_the_differential_counts_the_frame(case: Case, say: Callable[..., Predictions]) -> None:
    case.model.record_predictions(say(case.cells.cell_id, "NGS"))
    count = case.differential()
    # The ten cells of the first row lie in the margin of 5 µm.
    assert (count.counted, count.target, count.unreviewed) == (30, 100, 30)
    assert count.row("NGS").support is Support.TRAINED
    assert not count.row("HAC").reliable
    case.set_label(case.cells.cell_id[case.cells.in_frame], "HAC")
    case.set_tag(11, "vacuolated", True)
    case.set_tag(1, "vacuolated", True)
    count = case.differential()
    assert count.fully_reviewed
    assert count.row("HAC").percent == 100.0
    assert [(tag.tag, tag.count, tag.of) for tag in count.tags] == [("vacuolated", 1, 30)]


def test_a_reopened_case_gives_the_same_numbers(case: Case, say: Callable[..., Predictions]) -> None:
    case.model.record_predictions(say(case.cells.cell_id, "MYB"))
    case.set_label([12, 13], "BLA")
    case.cell_edits.remove(14)
    case.cell_edits.add(60, 250)
    with reopened(case) as other:
        assert other.differential() == case.differential()
        assert other.effective_codes() == case.effective_codes()
        for name in ("cell_id", "x", "y", "diameter_um", "score", "in_frame"):
            np.testing.assert_array_equal(getattr(other.cells, name), getattr(case.cells, name))
            assert getattr(other.cells, name).dtype == getattr(case.cells, name).dtype
        assert other.scale == case.scale
        assert other.frame == case.frame
        assert other.slide_record == case.slide_record


def test_a_read_only_case_refuses_acts(case: Case, tmp_path: Path) -> None:
    case.set_label(1, "BLA")
    with reopened(case) as other:
        assert not other.can_undo
        for act in (lambda: other.set_label(1, "LYT"), other.undo):
            with pytest.raises(CaseError, match="read-only"):
                act()
        assert other.effective_code(1) == "BLA"


def test_a_closed_case_says_so(case: Case) -> None:
    case.close()
    with pytest.raises(CaseError, match="closed"):
        case.set_label(1, "BLA")
    case.close()
