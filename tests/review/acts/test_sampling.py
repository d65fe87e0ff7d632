"""Ranked regions, a frame that grows by them, searches that are interrupted, cells split and merged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import Cells, Frame, Predictions, Region, RegionRanking
from napari_bonemarrow.review import Case, CaseError, EventKind
from napari_bonemarrow.slides import Slide

PLAN = {"version": 1, "tile": (40, 40), "regions": [[0.0, 0.0, 400.0, 300.0]]}


@pytest.fixture
def case_path(tmp_path: Path) -> Path:
    return tmp_path / "smear.bmcase"


@pytest.fixture
def ranking() -> RegionRanking:
    regions = tuple(Region(100.0 * at, 50.0, 100.0, 100.0) for at in (2, 0, 1))
    return RegionRanking(regions, (0.9, 0.6, 0.2), {"blank": 7, "thick": 2}, {"side_um": 20.0})


def _counted_by_rank(case: Case, ranking: RegionRanking, count: int) -> None:
    case.sampling.record_ranking(ranking)
    case.sampling.set_frame(Frame(ranking.regions[:count], 5.0, 400, 300), 500)


def test_a_ranking_is_kept_and_no_longer_taken_once_classes_were_seen(
    case_path: Path,
    slide: Slide,
    ranking: RegionRanking,
    find: Callable[..., Cells],
    say: Callable[..., Predictions],
) -> None:
    with Case.create(case_path, slide, reviewer="R") as case:
        _counted_by_rank(case, ranking, 1)
        assert case.sampling.record_ranking(ranking) is None
        case.detection.record(find())
        case.model.record_predictions(say([1, 2]))
        other = RegionRanking(ranking.regions[::-1], ranking.scores, {}, {})
        with pytest.raises(CaseError, match="classes have been seen"):
            case.sampling.record_ranking(other)
    with Case.open(case_path) as case:
        assert case.sampling.ranking == ranking
        assert case.sampling.chosen_by_rank == 1


def test_the_quality_map_is_kept_beside_its_ranking(
    case_path: Path,
    slide: Slide,
    ranking: RegionRanking,
    find: Callable[..., Cells],
    say: Callable[..., Predictions],
) -> None:
    score = np.array([[0.5, np.nan, 0.25]], np.float32)
    arrays = {"score": score, "reason": np.array([[0, 1, 0]], np.uint8), "measured": score > 0}
    with Case.create(case_path, slide, reviewer="R") as case:
        case.sampling.record_ranking(ranking)
        assert case.sampling.quality is None  # as in a case of an older version
        case.sampling.set_frame(Frame(ranking.regions[:1], 5.0, 400, 300), 500)
        case.detection.record(find())
        case.model.record_predictions(say([1, 2]))
        case.sampling.record_ranking(ranking, arrays)  # the same order, so that it follows no class
        assert case.sampling.record_ranking(ranking, arrays) is None
    with Case.open(case_path, read_only=True) as case:
        assert case.verification.ok
        assert case.sampling.ranking == ranking
        kept = case.sampling.quality
    assert kept is not None
    assert {name: values.dtype for name, values in kept.items()} == {
        name: values.dtype for name, values in arrays.items()
    }
    for name, values in arrays.items():
        np.testing.assert_array_equal(kept[name], values)


def test_the_frame_grows_by_the_next_in_line_also_after_classes_were_seen(
    case_path: Path,
    slide: Slide,
    ranking: RegionRanking,
    find: Callable[..., Cells],
    say: Callable[..., Predictions],
) -> None:
    with Case.create(case_path, slide, reviewer="R") as case:
        _counted_by_rank(case, ranking, 1)
        case.detection.record(find())
        case.model.record_predictions(say(case.cells.cell_id))
        before = int(case.cells.in_frame.sum())
        with pytest.raises(CaseError, match="the frame stays as it is"):
            case.sampling.set_frame(Frame(ranking.regions[:2], 5.0, 400, 300), 500)
        case.sampling.extend_frame(3)
        assert case.sampling.extend_frame(3) is None
        assert case.frame is not None
        assert case.frame.regions == ranking.regions
        assert int(case.cells.in_frame.sum()) > before > 0
        with pytest.raises(CaseError, match="3 are counted and 3 were ranked"):
            case.sampling.extend_frame(4)
    with Case.open(case_path) as case:
        assert case.sampling.chosen_by_rank == 3


def test_a_frame_that_was_drawn_does_not_grow(case_path: Path, slide: Slide, ranking: RegionRanking) -> None:
    with Case.create(case_path, slide, reviewer="R") as case:
        case.sampling.record_ranking(ranking)
        case.sampling.set_frame(Frame((Region(0, 0, 200, 200),), 5.0, 400, 300))
        assert case.sampling.chosen_by_rank == 0
        with pytest.raises(CaseError, match="not taken from ranked regions"):
            case.sampling.extend_frame(2)


def test_cells_of_further_regions_are_added_and_what_is_known_stays(
    case_path: Path, slide: Slide, find: Callable[..., Cells], say: Callable[..., Predictions], frame: Frame
) -> None:
    with Case.create(case_path, slide, reviewer="R") as case:
        case.sampling.set_frame(frame)
        case.detection.record(find(10))
        case.model.record_predictions(say(case.cells.cell_id))
        case.set_label(3, "BLA")
        more = case.detection.fresh(find(14))  # the first ten lie where the case has cells already
        case.detection.record(more, extends=True)
        assert case.cells.cell_id.tolist() == [*range(1, 11), 21, 22, 23, 24]
        assert case.predictions is not None
        assert len(case.predictions) == 10
        assert case.can_undo
        case.undo()
        assert not case.labels
    with Case.open(case_path) as case:
        assert len(case.cells) == 14


def test_a_search_goes_on_where_it_was(case_path: Path, slide: Slide, find: Callable[..., Cells]) -> None:
    with Case.create(case_path, slide, reviewer="R") as case:
        assert case.detection.progress is None
        case.detection.record_tiles(PLAN, [0, 1], find(4), {2: "smear.tif: tile (2, 0) cannot be read"})
    with Case.open(case_path, reviewer="R") as case:
        case.detection.record_tiles(PLAN, [5], find(2, shift=3.0))
        under_way = case.detection.progress
        assert under_way is not None
        assert under_way.done == {0, 1, 5}
        assert under_way.failed == {2: "smear.tif: tile (2, 0) cannot be read"}
        assert under_way.cells.cell_id.tolist() == [1, 2, 3, 4, 5, 6]
        assert not len(case.cells)
        with pytest.raises(CaseError, match="tile 5 was searched before"):
            case.detection.record_tiles(PLAN, [5, 6], find(1))
        case.detection.record_tiles(PLAN, [2], find(1, shift=9.0))
        assert case.detection.progress is not None
        assert case.detection.progress.failed == {}
        case.detection.record(find(7))
        assert case.detection.progress is None


def test_tiles_of_another_plan_put_the_former_out_of_force(
    case_path: Path, slide: Slide, find: Callable[..., Cells]
) -> None:
    with Case.create(case_path, slide, reviewer="R") as case:
        case.detection.record_tiles(PLAN, [0, 1], find(4))
        case.detection.record_tiles({**PLAN, "version": 2}, [1], find(1))
        assert case.detection.progress is not None
        assert case.detection.progress.done == {1}
        assert len(case.detection.progress.cells) == 1


def test_several_fields_have_a_margin_each() -> None:
    images = (Region(0, 0, 100, 100), Region(120, 0, 100, 100))
    frame = Frame.whole_field(220, 100, 5.0, images)
    x = np.array([10.0, 98.0, 110.0, 122.0, 140.0])
    assert frame.contains(x, np.full(5, 50.0), 1.0).tolist() == [True, False, False, False, True]


def test_a_frame_of_several_fields_is_read_back(case_path: Path, slide: Slide) -> None:
    frame = Frame.whole_field(400, 300, 5.0, (Region(0, 0, 180, 300), Region(220, 0, 180, 300)))
    with Case.create(case_path, slide, reviewer="R") as case:
        case.sampling.set_frame(frame)
    with Case.open(case_path) as case:
        assert case.frame == frame


def test_a_cell_is_split_and_put_back(
    case_path: Path, slide: Slide, find: Callable[..., Cells], frame: Frame
) -> None:
    with Case.create(case_path, slide, reviewer="R") as case:
        case.sampling.set_frame(frame)
        case.detection.record(find(3))
        case.set_label(2, "LYT")
        parts = case.cell_edits.split(2, [(60.0, 10.0), (74.0, 10.0)])
        assert parts == (4, 5)
        assert case.cells.cell_id.tolist() == [1, 3, 4, 5]
        assert case.cells.diameter_um[2:] == pytest.approx(9.0 / np.sqrt(2))
        assert case.history.of_cell(4)[0].kind == EventKind.CELL_SPLIT
        case.undo()
        assert case.cells.cell_id.tolist() == [1, 2, 3]
        assert case.labels[2].code == "LYT"
        case.redo()
        case.set_label(4, "PLM")
    with Case.open(case_path) as case:
        assert case.cells.cell_id.tolist() == [1, 3, 4, 5]
        assert case.labels[4].code == "PLM"
        assert 2 not in case.labels


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ([(60.0, 10.0)], "two or more"),
        ([(60.0, 10.0), (64.0, 10.0)], "less than 2 µm apart"),
        ([(60.0, 10.0), (999.0, 10.0)], "outside the image"),
        ([(60.0, 10.0), (96.0, 10.0)], "cell 3 is there already"),
    ],
)
def test_a_split_that_makes_no_sense_changes_nothing(
    case_path: Path,
    slide: Slide,
    find: Callable[..., Cells],
    places: list[tuple[float, float]],
    message: str,
) -> None:
    with Case.create(case_path, slide, reviewer="R") as case:
        case.detection.record(find(3))
        with pytest.raises(CaseError, match=message):
            case.cell_edits.split(2, places)
        assert case.cells.cell_id.tolist() == [1, 2, 3]
        assert not case.can_undo


def test_parts_become_one_cell_and_come_apart_again(
    case_path: Path, slide: Slide, find: Callable[..., Cells], frame: Frame
) -> None:
    with Case.create(case_path, slide, reviewer="R") as case:
        case.sampling.set_frame(frame)
        case.detection.record(find(12))
        merged = case.cell_edits.merge([1, 2])
        assert merged == 13
        assert case.cells.x[-1] == pytest.approx(47.5)
        assert case.cells.diameter_um[-1] == pytest.approx(9.0 * np.sqrt(2))
        with pytest.raises(CaseError, match="no cell 1"):
            case.cell_edits.merge([1, 3])
        with pytest.raises(CaseError, match="only one cell"):
            case.cell_edits.merge([3, 3])
        with pytest.raises(CaseError, match="64 µm apart"):
            case.cell_edits.merge([10, 11])
        case.undo()
        assert len(case.cells) == 12
        case.redo()
        assert case.has_cell(13)
        assert not case.has_cell(1)
    with Case.open(case_path) as case:
        assert case.verify().ok
        assert len(case.cells) == 11
