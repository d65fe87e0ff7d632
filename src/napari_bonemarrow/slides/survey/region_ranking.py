"""Choose regions by a quality map, blind to every class."""

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
"""Side of a region, grid cells: 300 µm, some six fields under an oil objective."""

MOST_AVOIDED = 0.12
"""Part of a region's grid cells that may be avoided ones."""

LEAST_SCORE = 0.3
"""Score below which a region is not fit for counting."""

NEAR_UM = (400.0, 1500.0)
"""Bounds of the distance within which a region that is taken makes its neighbours less wanted."""

NEARNESS = 0.6
"""How much of its score a region loses right beside one that is taken."""

TRAIL_UM = 1000.0
AWAY_FROM_TRAILS = 0.75
"""What is left of the score far from any particle: aspirates are counted in the trails just behind the
particles (ICSH 2008, Lee et al., Int J Lab Hematol 30:349)."""

RESERVE = 1.1
"""Cells to find for each cell to count: excluded classes are found and not counted."""

LARGE_MM2 = 2.0
"""From this area on a slide is surveyed first: ten fields of a ×10 objective."""

LISTED = 4.0
FEWEST_LISTED = 30
"""Regions are listed until four times the cells needed are expected in them, and thirty at the least."""

Window = tuple[int, int, int, int, float]
"""First row and column, rows, columns, score."""


def rank_regions(
    quality: QualityMap, target: int = TARGET, *, reserve: float = RESERVE, limit: int | None = None
) -> RegionRanking:
    """Rank regions of about 300 µm a side.

    The first is the best; each next one is the best where a region loses score the nearer it lies to
    those taken before, so that the count rests on several trails.

    Parameters
    ----------
    quality : QualityMap
    target : int
        Cells to count.
    reserve : float
    limit : int, optional
        At most so many; by default as many as may be needed for the target.

    Returns
    -------
    RegionRanking
        Level-0 pixels; empty where nothing is fit for counting. It never depends on a class.
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
    """Return how many of the first regions a target is expected to need, going by the survey."""
    expected = np.cumsum(ranking.parameters.get("expected_cells", [0.0] * len(ranking.regions)))
    return min(int(np.searchsorted(expected, target * reserve)) + 1, len(ranking.regions))


def is_whole_slide(slide: Slide) -> bool:
    """Tell whether a slide is too large to be counted as a whole without a thought: over 2 mm².

    A folder of fields is not: each of them was chosen by whoever took it.
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
    """Give non-overlapping windows of grid cells, each the best that is left.

    Parameters
    ----------
    quality : QualityMap
        Its score is taken as it is; unmeasured cells (NaN) make a window unfit.

    Yields
    ------
    Window
        The score lies between the mean and the lowest quarter of its cells, less what lies far from
        particles, before neighbours count against it.
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
    """Return the score of the window that begins at each cell; 0 where it is unfit."""
    avoided = quality.reason != Reason.NONE
    unfit = np.isin(quality.reason, (Reason.PEN, Reason.UNREADABLE)) | np.isnan(quality.score)
    score = np.where(avoided, 0.0, np.nan_to_num(quality.score)) * _by_trails(quality)

    def windows(values: NDArray[Any]) -> NDArray[Any]:
        inside = np.lib.stride_tricks.sliding_window_view(values, (rows, columns))
        return inside.reshape(*inside.shape[:2], -1)

    fit = (windows(avoided).mean(axis=2) <= MOST_AVOIDED) & ~windows(unfit).any(axis=2)
    # An even region is better than one of which a part is useless.
    value = (windows(score).mean(axis=2) + np.quantile(windows(score), 0.25, axis=2)) / 2
    return np.asarray(value * fit, np.float32) if fit.any() else None


def _by_trails(quality: QualityMap) -> NDArray[np.float64]:
    """Weigh each cell by how near it lies to a particle; 1 everywhere on a slide without particles."""
    from scipy import ndimage as ndi

    if not quality.particle.any():
        return np.ones(quality.score.shape)
    away = ndi.distance_transform_edt(~quality.particle) * CELL_UM
    return np.asarray(AWAY_FROM_TRAILS + (1 - AWAY_FROM_TRAILS) * np.exp(-away / TRAIL_UM))


def _reach(quality: QualityMap) -> float:
    """Return how far a taken region is felt, grid cells: an eighth of the side of what may be counted."""
    usable = np.sqrt(max(1, int((quality.reason == Reason.NONE).sum()))) * CELL_UM
    return float(np.clip(usable / 8, *NEAR_UM)) / CELL_UM
