"""The work list: which cells, in which order, and which comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from napari_bonemarrow.cytology import BMC21, Cells, ModelReference, Predictions, Support
from napari_bonemarrow.review import IMPORTED, Case
from napari_bonemarrow.review.worklist.filters import Filters
from napari_bonemarrow.review.worklist.order import ORDERS, SAMPLE
from napari_bonemarrow.review.worklist.worklist import WorkList
from tests.marrow_case import marrow_case, name

# Of each cell its class, the model's highest probability and the second one.
SAID = {
    1: ("NGS", 0.90, 0.05),
    2: ("BLA", 0.50, 0.45),
    3: ("NGS", 0.60, 0.10),
    4: ("PLM", 0.95, 0.01),
    5: ("ART", 0.40, 0.10),
    6: ("EBO", 0.70, 0.20),
    7: ("NGS", 0.99, 0.00),
}
UNCERTAIN = [2, 5, 3, 6, 1, 4, 7]


def _cells(places: dict[int, tuple[float, float]]) -> Cells:
    n = len(places)
    x, y = np.array(list(places.values()), float).T
    ids = np.array(list(places), np.int64)
    return Cells(ids, x, y, np.full(n, 9, "f4"), np.full(n, 0.9, "f4"), np.ones(n, bool))


def _say(said: dict[int, tuple[str, float, float]]) -> Predictions:
    rows = np.zeros((len(said), len(BMC21)), np.float32)
    for row, (code, first, second) in enumerate(said.values()):
        rows[row, BMC21.index(code)] = first
        rows[row, BMC21.index("MON")] = second
        rows[row, BMC21.index("KSC")] = max(0.0, 1 - first - second - 0.0) / 2
        rows[row, BMC21.index("HAC")] = max(0.0, 1 - first - second - 0.0) / 2
    ids = np.array(list(said), np.int64)
    return Predictions(ids, rows, BMC21, dict.fromkeys(BMC21, Support.TRAINED), ModelReference("m", "a" * 64))


@pytest.fixture
def case(tmp_path, slide, frame) -> Iterator[Case]:
    """Seven counted cells in two rows, and one in the margin; the model has spoken of all."""
    places = {
        1: (300, 50),
        2: (200, 40),
        3: (100, 55),
        4: (60, 250),
        5: (160, 260),
        6: (260, 255),
        7: (320, 262),
    }
    with Case.create(tmp_path / "smear.bmcase", slide, reviewer="Ada") as made:
        made.sampling.set_frame(frame, target=100)
        made.detection.record(_cells({**places, 8: (10, 10)}), {})
        made.model.record_predictions(_say({**SAID, 8: ("BLA", 0.3, 0.29)}))
        yield made


@pytest.fixture
def ordered(case: Case) -> Callable[..., list[int]]:
    def ids(order: str, **asked: object) -> list[int]:
        work = WorkList(case)
        work.order = order
        work.grouped = bool(asked.pop("grouped", False))
        work.narrow(**asked)
        return work.ids.tolist()

    return ids


def test_the_most_uncertain_come_first_and_only_counted_cells(case) -> None:
    assert WorkList(case).order == "uncertain"
    assert WorkList(case).ids.tolist() == UNCERTAIN


@pytest.mark.parametrize("order", [order for order in ORDERS if order != SAMPLE])
def test_every_order_only_reorders_the_counted_sample(ordered, order: str) -> None:
    assert sorted(ordered(order)) == [1, 2, 3, 4, 5, 6, 7]
    assert sorted(ordered(order, grouped=True)) == [1, 2, 3, 4, 5, 6, 7]


def test_orders(ordered, case) -> None:
    assert ordered("critical") == [2, 4, 6, 3, 1, 7, 5]  # blast, plasma cell, the rarer, artefacts last
    assert ordered("class") == [2, 3, 1, 7, 6, 4, 5]  # in reading order
    assert ordered("confidence") == [7, 4, 1, 6, 3, 2, 5]
    assert ordered("position") == [3, 2, 1, 4, 5, 6, 7]  # row by row, though 7 lies lowest
    assert ordered("confidence", grouped=True) == [2, 7, 1, 3, 6, 4, 5]
    assert ordered("entropy")[-1] == 7
    case.set_label([6], "EBO")
    case.set_label([1], "NGS")
    assert ordered("time")[:2] == [1, 6]


def test_labels_that_came_with_the_data_are_gone_through_first_by_number(case) -> None:
    case.set_label([7], "NGS", source=IMPORTED)
    case.set_label([4], "PLM", source=IMPORTED)
    work = WorkList(case)
    assert work.order == "imported"
    assert work.ids.tolist() == [4, 7, *(cell for cell in UNCERTAIN if cell not in {4, 7})]
    assert work.next(None) == 4, "nobody has reviewed it"


def test_a_cell_without_prediction_is_the_most_uncertain(case) -> None:
    number = case.cell_edits.add(200, 150)
    for order in ("uncertain", "entropy", "critical", "class"):
        work = WorkList(case)
        work.order = order
        assert work.ids[0] == number, order


def test_filters(ordered, case) -> None:
    case.set_label([3], "BLA")
    case.set_label([6], "EBO")
    case.edits.set_flag([5, 6], True)
    assert ordered("uncertain", code="BLA") == [2, 3]
    assert ordered("uncertain", state="reviewed") == [3, 6]
    assert ordered("uncertain", state="waiting") == [2, 5, 1, 4, 7]
    assert ordered("uncertain", disagreement=True) == [3]
    assert ordered("uncertain", flagged=True) == [5, 6]
    assert ordered("uncertain", counted=False) == [8, *UNCERTAIN]
    assert ordered("uncertain", flagged=True, state="waiting") == [5]


def test_cells_outside_the_frame_are_shown_on_request_and_never_gone_through(case) -> None:
    work = WorkList(case)
    work.narrow(counted=False)
    assert work.ids[0] == 8
    at, walked = None, []
    for _step in range(8):
        at = work.next(at)
        walked.append(at)
    assert walked == [*UNCERTAIN, 2]
    assert work.next(8) == 2


def test_a_relabelled_cell_keeps_its_place_until_the_list_is_arranged_anew(case) -> None:
    work = WorkList(case)
    work.grouped = True
    before = work.ids.tolist()
    case.set_label([3], "BLA")
    work.update([3])
    assert work.ids.tolist() == before
    assert work.counts == {"BLA": 2, "NGS": 2, "EBO": 1, "PLM": 1, "ART": 1}, "the count follows at once"
    assert work.moved == 1
    assert work.next(3) == before[before.index(3) + 1], "one goes on from where one was"
    work.arrange()
    assert work.moved == 0
    assert work.ids.tolist() == [2, 3, 1, 7, 6, 4, 5]


def test_a_reviewed_cell_stays_in_a_list_of_the_unreviewed_until_asked(case) -> None:
    work = WorkList(case)
    work.narrow(state="waiting")
    case.set_label([2], "BLA")
    work.update([2])
    assert work.ids.tolist() == UNCERTAIN
    assert work.moved == 1
    assert work.next(2) == 5
    work.arrange()
    assert work.ids.tolist() == UNCERTAIN[1:]


def test_skipped_cells_come_again_after_the_last(case) -> None:
    work = WorkList(case)
    case.set_label([5], "ART")
    work.update([5])
    assert work.next(2) == 3, "reviewed ones are passed over"
    assert work.next(7) == 2
    case.set_label(UNCERTAIN, "NGS")
    work.update(UNCERTAIN)
    assert work.next(2) is None
    assert work.progress == (7, 7)


def test_headings_cover_the_list(case) -> None:
    work = WorkList(case)
    assert [(group.code, len(group)) for group in work.groups] == [(None, 7)]
    work.grouped = True
    assert [(group.code, work.ids[group.start : group.stop].tolist()) for group in work.groups] == [
        ("BLA", [2]),
        ("NGS", [3, 1, 7]),
        ("EBO", [6]),
        ("PLM", [4]),
        ("ART", [5]),
    ]


@pytest.mark.parametrize("grouped", [False, True])
def test_cells_that_come_and_go_leave_the_others_in_place(case, grouped: bool) -> None:
    work = WorkList(case)
    work.grouped = grouped
    before = work.ids.tolist()
    case.set_label([3], "BLA")
    work.update([3])
    case.cell_edits.remove([6])
    work.update(None)
    left = [cell for cell in before if cell != 6]
    assert work.ids.tolist() == left
    assert work.place_of(6) == -1
    number = case.cell_edits.add(200, 150)
    work.update(None)
    assert [cell for cell in work.ids.tolist() if cell != number] == (
        work.ids.tolist()[1:] if grouped else left
    )
    assert work.place_of(number) == 0


def test_a_removed_cell_that_comes_back_stands_under_its_heading(case) -> None:
    work = WorkList(case)
    work.grouped = True
    case.set_label([2], "PLM")
    work.update([2])
    for cell in (3, 7):
        case.cell_edits.remove([cell])
        work.update(None)
        case.undo()
        work.update(None)
        codes = [group.code for group in work.groups]
        assert codes == list(dict.fromkeys(codes)), "one heading a class"
        assert work.ids.tolist() == [2, 3, 1, 7, 6, 4, 5]


def test_a_new_word_of_the_model_arranges_the_list_anew(case) -> None:
    work = WorkList(case)
    case.model.record_predictions(_say({cell: ("LYT", 0.9 - 0.05 * cell, 0.0) for cell in range(1, 9)}))
    work.update(None)
    assert work.ids.tolist() == [7, 6, 5, 4, 3, 2, 1]


def test_back_leaves_out_what_is_gone(case) -> None:
    work = WorkList(case)
    for cell in (1, 2, 2, 3):
        work.visit(cell)
    case.cell_edits.remove([2])
    work.update(None)
    assert work.back() == 1
    assert work.back() is None


def test_what_was_asked_is_taken_up_again(case) -> None:
    work = WorkList(case)
    work.order, work.grouped = "critical", True
    work.narrow(state="waiting", code="NGS")
    again = WorkList(case)
    again.restore(work.asked)
    assert again.asked == work.asked
    assert again.ids.tolist() == work.ids.tolist()
    again.restore({"order": "by colour", "filters": {"state": "odd", "new": 1}, "more": 2})
    assert again.order == "critical"
    assert again.filters == Filters(state="waiting", code="NGS")


def test_unknown_orders_and_states_are_refused(case) -> None:
    work = WorkList(case)
    with pytest.raises(ValueError, match="choose one of"):
        work.order = "by colour"
    with pytest.raises(ValueError, match="choose one of"):
        work.narrow(state="odd")


def test_no_cells_no_next(tmp_path, slide) -> None:
    with Case.create(tmp_path / "empty.bmcase", slide, reviewer="Ada") as made:
        work = WorkList(made)
        assert len(work.ids) == 0
        assert work.next(None) is None
        assert work.back() is None
        assert work.progress == (0, 0)
        for order in work.orders:
            work.order = order
            work.grouped = True


def test_taught_guesses_move_no_cell_until_the_list_is_arranged_again(tmp_path) -> None:
    with marrow_case(tmp_path / "taught.bmcase", right=0.4) as made:
        work = WorkList(made)
        before = work.ids.tolist()
        name(made, work.ids[:60])
        work.update(before[:60])
        assert work.moved == 0
        made.learning.bring_up_to_date()
        assert made.learning.serves
        work.follow_guesses()
        assert work.ids.tolist() == before
        moved = work.moved
        assert moved
        wrong = int(np.count_nonzero(work.disagreement))
        assert wrong, "what was taught follows the label: the model alone is compared"
        work.arrange()
        assert work.ids.tolist() != before
        assert work.moved == 0


def test_a_sample_is_handed_out_wave_by_wave_and_nothing_moves(tmp_path) -> None:
    with marrow_case(tmp_path / "sampled.bmcase") as made:
        work = WorkList(made)
        assert SAMPLE not in work.orders
        made.sample.begin(seed=3)
        work.follow_sample(begun=True)
        assert work.order == SAMPLE
        assert work.ids.tolist() == made.sample.handed_out().tolist()
        first = work.ids.tolist()
        for cell in first:
            assert work.next(None) == cell
            made.set_label(cell, "NGS")
            work.update((cell,))
        assert work.sample_left == 0
        assert work.next(None) is None
        made.sample.advance()
        work.follow_sample()
        assert work.ids.tolist()[: len(first)] == first
        assert work.sample_left == len(work.ids) - len(first) > 0
        work.order = "confidence"
        assert len(work.ids) == len(made.sample.plan)
        made.sample.widen()
        work.follow_sample()
        work.order = "uncertain"
        assert SAMPLE not in work.orders
