"""Ranking of regions by a quality map, independent of any class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Region, RegionRanking
from napari_bonemarrow.cytology.defaults import TARGET
from napari_bonemarrow.slides.slide import Slide
from napari_bonemarrow.slides.survey.quality_map import METHOD, QualityMap, Reason
from napari_bonemarrow.slides.survey.survey_grid import CELL_UM

REGION_CELLS = 3
"""Side of a region, grid cells: 300 µm, about six fields under an oil objective."""

MOST_AVOIDED = 0.12
"""Largest part of avoided grid cells in a region."""

LEAST_SCORE = 0.3
"""Lowest score of a region fit for counting."""

NEAR_UM = (400.0, 1500.0)
"""Bounds of the distance within which a chosen region lowers the score of its neighbours."""

NEARNESS = 0.6
"""Part of its score that a region loses right next to a chosen one."""

TRAIL_UM = 1000.0
AWAY_FROM_TRAILS = 0.75
"""Factor of the score far from any particle: aspirates are counted in the trails just behind the particles
(ICSH 2008, Lee et al., Int J Lab Hematol 30:349)."""

RESERVE = 1.1
"""Cells to find per cell to count: excluded classes are found but not counted."""

LARGE_MM2 = 2.0
"""Area from which a slide is surveyed first: ten fields of a ×10 objective."""

LISTED = 4.0
FEWEST_LISTED = 30
"""Regions are listed until four times the needed cells are expected in them, and at least thirty."""

Window = tuple[int, int, int, int, float]
"""First row and column, rows, columns, score."""


def rank_regions(
    quality: QualityMap, target: int = TARGET, *, reserve: float = RESERVE, limit: int | None = None
) -> RegionRanking:
    """Return a ranking of regions of about 300 µm per side.

    The first is the best; each next one is the best after regions lose score near those chosen before, so
    that the count rests on several trails.

    Parameters
    ----------
    quality : QualityMap
    target : int
        Cells to count.
    reserve : float
    limit : int, optional
        Largest number; by default as many as the target may need.

    Returns
    -------
    RegionRanking
        Level-0 pixels; empty where nothing is fit for counting. It does not depend on any class.
    """
    needed = LISTED * target * reserve
    density = np.nan_to_num(quality.density)
    regions: list[Region] = []
    scores: list[float] = []
    expected: list[float] = []
    for row, column, rows, columns, score in best_windows(quality):
        if limit is not None and len(regions) >= limit:
            break
        if limit is None and sum(expected) >= needed and len(regions) >= FEWEST_LISTED:
            break
        regions.append(quality.grid.region(row, column, rows, columns))
        scores.append(round(float(score), 4))
        inside = density[row : row + rows, column : column + columns]
        expected.append(round(float(inside.sum()) * (CELL_UM / 1000) ** 2, 1))
    parameters = {"expected_cells": expected, **_parameters(quality, target, reserve)}
    return RegionRanking(tuple(regions), tuple(scores), quality.avoided(), parameters)


def regions_for(ranking: RegionRanking, target: int, reserve: float = RESERVE) -> int:
    """Return the number of first regions that a target is expected to need by the survey."""
    expected = np.cumsum(ranking.parameters.get("expected_cells", [0.0] * len(ranking.regions)))
    return min(int(np.searchsorted(expected, target * reserve)) + 1, len(ranking.regions))


def is_whole_slide(slide: Slide) -> bool:
    """Return whether a slide is too large to be counted as a whole by default: over 2 mm².

    A folder of fields is not: each field was chosen by its photographer.
    """
    scale = slide.microns_per_pixel
    if scale is None or slide.fields:
        return False
    return slide.width * slide.height * (scale / 1000) ** 2 > LARGE_MM2


def _parameters(quality: QualityMap, target: int, reserve: float) -> dict[str, object]:
    return {
        "method": METHOD,
        "target": target,
        "reserve": reserve,
        "cell_um": CELL_UM,
        "region_cells": REGION_CELLS,
        "most_avoided": MOST_AVOIDED,
        "least_score": LEAST_SCORE,
        "nearness": NEARNESS,
        "near_um": round(_reach(quality) * CELL_UM),
        "trail_um": TRAIL_UM,
        "away_from_trails": AWAY_FROM_TRAILS,
        "grid": [quality.grid.rows, quality.grid.columns],
        "measured": int(quality.measured.sum()),
        "particle_cells": int(quality.particle.sum()),
    }


def best_windows(quality: QualityMap) -> Iterator[Window]:
    """Yield non-overlapping windows of grid cells, each the best remaining.

    Parameters
    ----------
    quality : QualityMap
        Its score is used unchanged; unmeasured grid cells (NaN) make a window unfit.

    Yields
    ------
    Window
        The score lies between the mean and the lowest quarter of its grid cells, lower far from
        particles, before the effect of neighbours.
    """
    rows, columns = (min(REGION_CELLS, side) for side in quality.score.shape)
    value = _window_scores(quality, rows, columns)
    if value is None:
        return
    reach = _reach(quality)
    wanted = np.ones_like(value)
    y, x = np.mgrid[: value.shape[0], : value.shape[1]].astype(np.float32)
    free = value >= LEAST_SCORE
    while free.any():
        at = int(np.argmax(np.where(free, value * wanted, -1.0)))
        row, column = divmod(at, value.shape[1])
        yield row, column, rows, columns, float(value[row, column])
        free[max(0, row - rows + 1) : row + rows, max(0, column - columns + 1) : column + columns] = False
        squared = (y - row) ** 2 + (x - column) ** 2
        wanted *= 1 - NEARNESS * np.exp(-squared / (2 * reach**2))


def _window_scores(quality: QualityMap, rows: int, columns: int) -> NDArray[np.float32] | None:
    """Return the score of the window that begins at each grid cell; 0 where it is unfit."""
    avoided = quality.reason != Reason.NONE
    unfit = np.isin(quality.reason, (Reason.PEN, Reason.UNREADABLE)) | np.isnan(quality.score)
    score = np.where(avoided, 0.0, np.nan_to_num(quality.score)) * _by_trails(quality)

    def windows(values: NDArray[Any]) -> NDArray[Any]:
        inside = np.lib.stride_tricks.sliding_window_view(values, (rows, columns))
        return inside.reshape(*inside.shape[:2], -1)

    fit = (windows(avoided).mean(axis=2) <= MOST_AVOIDED) & ~windows(unfit).any(axis=2)
    # An even region is better than one with a useless part.
    value = (windows(score).mean(axis=2) + np.quantile(windows(score), 0.25, axis=2)) / 2
    return np.asarray(value * fit, np.float32) if fit.any() else None


def _by_trails(quality: QualityMap) -> NDArray[np.float64]:
    """Return weights by the distance to a particle; 1 everywhere on a slide without particles."""
    from scipy import ndimage as ndi

    if not quality.particle.any():
        return np.ones(quality.score.shape)
    away = ndi.distance_transform_edt(~quality.particle) * CELL_UM
    return np.asarray(AWAY_FROM_TRAILS + (1 - AWAY_FROM_TRAILS) * np.exp(-away / TRAIL_UM))


def _reach(quality: QualityMap) -> float:
    """Return the reach of a chosen region, grid cells: an eighth of the side of the countable area."""
    usable = np.sqrt(max(1, int((quality.reason == Reason.NONE).sum()))) * CELL_UM
    return float(np.clip(usable / 8, *NEAR_UM)) / CELL_UM
