"""Regions chosen from maps that are made up: their order, spread and place."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import Field, Region
from napari_bonemarrow.slides import slide_from_array
from napari_bonemarrow.slides.survey.quality_map import QualityMap, Reason
from napari_bonemarrow.slides.survey.region_ranking import is_whole_slide, rank_regions, regions_for
from napari_bonemarrow.slides.survey.survey_grid import Grid

SIDE = 400
"""Level-0 px of a grid cell: 100 µm at 0.25 µm/px."""


def made_up(
    score: np.ndarray, reason: np.ndarray | None = None, particle: np.ndarray | None = None
) -> QualityMap:
    rows, columns = score.shape
    score = np.asarray(score, np.float32)
    reason = np.zeros(score.shape, np.uint8) if reason is None else reason.astype(np.uint8)
    particle = np.zeros(score.shape, bool) if particle is None else particle
    even = np.full(score.shape, 1000, np.float32)
    grid = Grid(columns * SIDE, rows * SIDE, rows, columns, 0.25)
    known = np.isfinite(score)
    return QualityMap(grid, known, score, reason, score, even, score, score, score, particle)


def overlap(one: Region, other: Region) -> bool:
    part = one.within(other)
    return part.width > 0 and part.height > 0


def test_the_best_place_comes_first_and_regions_do_not_overlap() -> None:
    score = np.full((40, 50), 0.5)
    score[20:23, 30:33] = 0.9
    ranking = rank_regions(made_up(score), 500)
    assert ranking.regions[0] == Region(30 * SIDE, 20 * SIDE, 3 * SIDE, 3 * SIDE)
    assert not any(overlap(*pair) for pair in combinations(ranking.regions, 2))
    assert ranking.scores[0] == max(ranking.scores)
    assert all(region.x % 1 == region.width % 1 == 0 for region in ranking.regions)


def test_the_first_ten_do_not_lie_in_one_place() -> None:
    score = np.full((60, 60), 0.5)
    score[:20, :20] = 0.6  # a little better, and room for thirty regions
    ranking = rank_regions(made_up(score), 500)
    corner = [region.x < 20 * SIDE and region.y < 20 * SIDE for region in ranking.regions[:10]]
    assert 1 <= sum(corner) <= 5


def test_avoided_and_unmeasured_places_are_not_taken() -> None:
    score = np.full((30, 30), 0.8)
    reason = np.zeros((30, 30))
    reason[:, 10:20] = Reason.THICK
    reason[5, 25] = Reason.PEN
    score[20:, :10] = np.nan
    ranking = rank_regions(made_up(score, reason), 500)
    assert ranking.avoided == {"thick": 300, "pen": 1}
    for region in ranking.regions:
        row, column = int(region.y / SIDE), int(region.x / SIDE)
        cells = np.s_[row : row + 3, column : column + 3]
        assert not (reason[cells] == Reason.PEN).any()
        assert (reason[cells] == Reason.THICK).sum() <= 1
        assert np.isfinite(score[cells]).all()


def test_trails_near_particles_are_preferred() -> None:
    particle = np.zeros((60, 60), bool)
    particle[28:32, 5:8] = True
    reason = np.where(particle, Reason.THICK, Reason.NONE)
    ranking = rank_regions(made_up(np.full((60, 60), 0.8), reason, particle), 500)
    first = ranking.regions[0]
    assert np.hypot(first.x / SIDE - 6, first.y / SIDE - 30) < 8
    thick = first.within(Region(5 * SIDE, 28 * SIDE, 3 * SIDE, 4 * SIDE))
    assert thick.width * thick.height <= SIDE**2


def test_a_poor_slide_has_no_regions_and_says_why() -> None:
    reason = np.full((20, 20), Reason.BLOOD)
    ranking = rank_regions(made_up(np.zeros((20, 20)), reason), 500)
    assert ranking.regions == ()
    assert ranking.avoided == {"blood only": 400}
    assert regions_for(ranking, 500) == 0


def test_the_ranking_is_the_same_each_time_and_records_how_it_was_made() -> None:
    score = np.random.default_rng(3).uniform(0.3, 1, (40, 40))
    one, other = (rank_regions(made_up(score), 200, reserve=1.2) for _ in range(2))
    assert one == other
    assert one.parameters["target"] == 200
    assert one.parameters["reserve"] == 1.2
    assert len(one.parameters["expected_cells"]) == len(one.regions)
    assert len(rank_regions(made_up(score), 200, limit=4).regions) == 4


def test_how_many_regions_a_target_needs_goes_by_the_expected_cells() -> None:
    ranking = rank_regions(made_up(np.full((40, 40), 0.8)), 500)
    # 1000 cells per mm² are 90 a region of 300 µm.
    assert ranking.parameters["expected_cells"][0] == pytest.approx(90)
    assert regions_for(ranking, 89, 1.0) == 1
    assert regions_for(ranking, 500, 1.0) == 6
    assert regions_for(ranking, 10**6) == len(ranking.regions)


@pytest.mark.parametrize(
    ("side_px", "scale", "expected"), [(1500, 1.0, True), (1400, 1.0, False), (1500, None, False)]
)
def test_a_slide_is_whole_from_two_square_millimetres(
    side_px: int, scale: float | None, expected: bool
) -> None:
    assert is_whole_slide(slide_from_array(np.zeros((side_px, side_px, 3), np.uint8), scale)) is expected


def test_a_folder_of_fields_is_no_whole_slide() -> None:
    from dataclasses import replace

    slide = slide_from_array(np.zeros((1500, 1500, 3), np.uint8), 1.0, Path("fields"))
    fields = (Field("a.png", Region(0, 0, 700, 1500)), Field("b.png", Region(800, 0, 700, 1500)))
    assert not is_whole_slide(replace(slide, fields=fields))
