"""A survey by the engine's processes, and counts that follow its ranking."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import Differential, Frame, Region, RegionRanking, ScaleError
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import SlideError, open_slide, slide_from_array
from napari_bonemarrow.slides.survey.slide_survey import Survey, survey_item
from napari_bonemarrow.workflow import CountOptions, count_inputs, region_growth
from napari_bonemarrow.workflow.region_growth import count_slide, frame_of
from napari_bonemarrow.workflow.steps import CellsClassified, CellsFound, Doing
from napari_bonemarrow.workflow.survey import Surveyed, survey
from tests.slides.drawn_slides import TILE, compose, write_slide

ROWS = (
    ".ggggrrrr.",
    ".ggggrrrr.",
    ".ggggbbbb.",
    ".ggggbbbb.",
    ".ggggpppp.",
    "..........",
    "..........",
    "..........",
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slide of 2 mm², of which less than a third is good."""
    return write_slide(tmp_path_factory.mktemp("slide") / "smear.tif", compose(*ROWS).image)


@pytest.fixture(scope="module")
def surveyed(path: Path, engine: Engine) -> Surveyed:
    *before, last = survey(engine, open_slide(path), target=60)
    assert isinstance(last, Surveyed)
    assert any(isinstance(step, Doing) and step.part for step in before)
    return last


def test_a_survey_ends_with_its_map_and_ranking(surveyed: Surveyed, path: Path) -> None:
    composed = compose(*ROWS)
    shares = [composed.share(region, "good") for region in surveyed.ranking.regions]
    assert shares
    assert np.mean(shares[:2]) >= 0.9
    assert surveyed.ranking.avoided["blank"] > 50


def test_processes_and_order_change_nothing(surveyed: Surveyed, path: Path) -> None:
    slide = open_slide(path)
    looking = Survey(slide)
    for item in reversed(looking.first()):
        looking.add(item, survey_item(slide, item))
    assert looking.second() == []
    quality = looking.quality_map()
    assert np.array_equal(quality.score, surveyed.quality_map.score, equal_nan=True)
    assert np.array_equal(quality.reason, surveyed.quality_map.reason)


def test_a_survey_can_be_given_up(engine: Engine, path: Path) -> None:
    steps = survey(engine, open_slide(path))
    next(steps)
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    again = survey(engine, open_slide(path))
    assert all(isinstance(step, Doing) for step in (next(again), next(again), next(again)))
    again.close()  # type: ignore[attr-defined]


def test_without_a_scale_or_too_coarse_there_is_no_survey(engine: Engine) -> None:
    with pytest.raises(ScaleError):
        survey(engine, slide_from_array(np.zeros((50, 50, 3), np.uint8), None))
    with pytest.raises(SlideError, match="too coarse"):
        survey(engine, slide_from_array(np.zeros((50, 50, 3), np.uint8), 2.0))


def document(folder: Path) -> dict[str, object]:
    return json.loads((folder / "differential.json").read_text("utf-8"))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def counted(path: Path, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of counting sixty cells of the slide."""
    out = tmp_path_factory.mktemp("out")
    [row] = count_inputs([path], out, CountOptions(target=60), engine=engine)
    assert row.error == ""
    return out / "smear"


def test_a_target_is_met_in_the_best_regions(counted: Path, surveyed: Surveyed) -> None:
    told = document(counted)
    frame = told["frame"]
    assert isinstance(frame, dict)
    assert frame["chosen"] == "ranked"
    assert frame["avoided"] == surveyed.ranking.avoided
    assert told["target"] == 60
    assert int(str(told["counted"])) >= 60
    with Case.open(counted / "smear.bmcase", read_only=True) as case:
        assert case.sampling.ranking == surveyed.ranking
        used = case.sampling.chosen_by_rank
        assert case.frame is not None
        assert case.frame.regions == surveyed.ranking.regions[:used]
        # One region less would not have held the cells that were looked for.
        fewer = replace(case.frame, regions=case.frame.regions[:-1])
        assert fewer.contains(case.cells.x, case.cells.y, 0.25).sum() < 66
        kinds = [event.kind for event in case.history.events()]
        assert kinds.index("regions ranked") < kinds.index("model run")


def test_counting_again_is_the_same_and_needs_no_survey(counted: Path, path: Path, engine: Engine) -> None:
    before = document(counted)
    [row] = count_inputs([path], counted.parent, CountOptions(target=60), engine=engine)
    assert row.error == ""
    assert document(counted) == before


def small_regions(surveyed: Surveyed) -> RegionRanking:
    """The first ranked region cut into nine, of some twenty cells each."""
    [first, *_] = surveyed.ranking.regions
    side = first.width / 3
    parts = tuple(
        Region(first.x + column * side, first.y + row * side, side, side)
        for row in range(3)
        for column in range(3)
    )
    return replace(
        surveyed.ranking, regions=parts, scores=(1.0,) * 9, parameters={"expected_cells": [40.0] * 9}
    )


def begin(path: Path, folder: Path, surveyed: Surveyed) -> Case:
    folder.mkdir()
    case = Case.create(folder / "smear.bmcase", open_slide(path), reviewer="Dr A")
    case.sampling.record_ranking(small_regions(surveyed))
    return case


@pytest.fixture(scope="module")
def straight(
    path: Path, engine: Engine, surveyed: Surveyed, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Frame, Differential]:
    """What forty cells in small regions give when nothing comes between."""
    with begin(path, tmp_path_factory.mktemp("straight") / "case", surveyed) as case:
        list(count_slide(engine, open_slide(path), case, target=40))
        assert case.frame is not None
        return case.frame, case.differential()


@pytest.mark.slow
@pytest.mark.parametrize("at", [CellsFound, CellsClassified])
def test_a_count_that_was_broken_off_goes_on_to_the_same_end(
    path: Path,
    straight: tuple[Frame, Differential],
    surveyed: Surveyed,
    engine: Engine,
    tmp_path: Path,
    at: type,
) -> None:
    with begin(path, tmp_path / "case", surveyed) as case:
        steps = count_slide(engine, open_slide(path), case, target=40)
        assert any(isinstance(step, at) for step in steps)  # and no further
        steps.close()  # type: ignore[attr-defined]
        list(count_slide(engine, open_slide(path), case, target=40))
        assert (case.frame, case.differential()) == straight


@pytest.mark.slow
def test_as_few_regions_are_taken_as_hold_the_cells(straight: tuple[Frame, Differential]) -> None:
    frame, differential = straight
    assert 1 < len(frame.regions) < 9
    assert differential.counted >= 40


@pytest.mark.slow
def test_where_excluded_cells_leave_too_few_the_next_regions_follow(
    path: Path,
    straight: tuple[Frame, Differential],
    surveyed: Surveyed,
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(region_growth, "RESERVE", 0.3)  # so that the regions taken at first hold too few
    with begin(path, tmp_path / "case", surveyed) as case:
        list(count_slide(engine, open_slide(path), case, target=40))
        kinds = [event.kind for event in case.history.events()]
        assert "region and target set" in kinds[kinds.index("model run") :]
        assert case.differential().counted >= 40
        assert case.frame is not None
        assert case.frame.regions == small_regions(surveyed).regions[: len(case.frame.regions)]


@pytest.mark.slow
def test_a_target_beyond_the_slide_takes_every_region_and_says_so(
    path: Path, engine: Engine, surveyed: Surveyed, tmp_path: Path
) -> None:
    slide = open_slide(path)
    with Case.create(tmp_path / "smear.bmcase", slide, reviewer="Dr A") as case:
        case.sampling.record_ranking(
            replace(small_regions(surveyed), regions=small_regions(surveyed).regions[:1], scores=(1.0,))
        )
        list(count_slide(engine, slide, case, target=5000))
        assert case.sampling.chosen_by_rank == 1
        assert "below_target" in {flag.code for flag in case.differential().flags}


def test_regions_that_were_named_are_what_is_counted(path: Path, engine: Engine, tmp_path: Path) -> None:
    regions = (Region(TILE, 0, 500, 500), Region(3 * TILE, TILE, 400, 400))
    [row] = count_inputs([path], tmp_path, CountOptions(regions=regions), engine=engine)
    assert row.error == ""
    frame = document(tmp_path / "smear")["frame"]
    assert isinstance(frame, dict)
    assert frame["chosen"] == "reviewer"
    assert frame["regions"] == [[r.x, r.y, r.width, r.height] for r in regions]
    [other] = count_inputs([path], tmp_path, CountOptions(whole=True), engine=engine)
    assert "its frame was fixed" in other.error


def test_the_whole_of_a_slide_can_be_asked_for(path: Path) -> None:
    slide = open_slide(path)
    assert frame_of(slide).regions == (Region(0, 0, slide.width, slide.height),)


@pytest.mark.slow
def test_a_slide_without_a_fit_place_says_what_to_do(engine: Engine, tmp_path: Path) -> None:
    bad = write_slide(tmp_path / "bad.tif", compose(*["rrrr......"] * 8).image)
    [row] = count_inputs([bad], tmp_path / "out", CountOptions(), engine=engine)
    assert "no place is fit for counting" in row.error
    assert "blood only" in row.error
    assert "--whole" in row.error
    assert "\n" not in row.error
