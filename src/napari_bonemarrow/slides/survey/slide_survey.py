"""Survey of a slide: its overview, then patches where it may be good, most where it is best."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from napari_bonemarrow.slides.pixels.colour import background_colour, optical_density
from napari_bonemarrow.slides.pixels.overview import overview
from napari_bonemarrow.slides.slide import Slide
from napari_bonemarrow.slides.survey.patch_measures import MEASURES, PatchMeasures, ink, survey_tile
from napari_bonemarrow.slides.survey.quality_map import QualityMap, Reason, judge
from napari_bonemarrow.slides.survey.region_ranking import best_windows
from napari_bonemarrow.slides.survey.survey_grid import Grid

FIRST, MORE = 1500, 1500
"""Patches read evenly over the eligible area, and then where these were best: about a minute on one core,
whatever the slide's size."""

PER_ITEM = 24
"""Patches read by one call: about half a second, after which it can be cancelled."""

_PIXELS_PER_CELL = 12
_LONGEST_OVERVIEW = 4096
_STAINED = 0.08
_GLASS = 0.04
_BLANK_SHARE = 0.01
_PEN_SHARE = 0.05
_PARTICLE = 0.75
_OPAQUE = 1.3


@dataclass(frozen=True, slots=True)
class SurveyItem:
    """A batch of patches, measured by one call.

    Attributes
    ----------
    which : ndarray of int64, shape (n,)
        Their grid cells.
    boxes : ndarray of int64, shape (n, 4)
        Left, top, right, bottom, level-0 pixels.
    background : ndarray of uint8, shape (3,)
    """

    which: NDArray[np.int64]
    boxes: NDArray[np.int64]
    background: NDArray[np.uint8]


class Survey:
    """A survey of one slide, reproducible.

    Measure the items of `first` and `add` them, then those of `second`, then take the `quality_map`.

    Parameters
    ----------
    slide : Slide
        With its scale.

    Raises
    ------
    ScaleError
        If the slide has no scale.
    SlideError
        If its overview cannot be read.
    """

    def __init__(self, slide: Slide) -> None:
        self.grid = Grid.over(slide)
        longest = max(self.grid.rows, self.grid.columns) * _PIXELS_PER_CELL
        small = overview(slide, min(longest, _LONGEST_OVERVIEW))
        self.background = background_colour(small)
        self.glanced, self.particle, self._empty = _glance(small, self.background, self.grid)
        self._which = np.empty(0, np.int64)
        self._table = np.empty((0, len(MEASURES)), np.float32)

    def first(self) -> list[SurveyItem]:
        """Return patches spread evenly over the eligible area."""
        candidates = np.flatnonzero(self.glanced.ravel() == Reason.NONE)
        if len(candidates) <= FIRST + MORE:
            return self._items(candidates)
        step = int(np.ceil(np.sqrt(len(candidates) / FIRST)))
        row, column = np.divmod(candidates, self.grid.columns)
        # Every other row is shifted by half a step, so that no trail runs between the points.
        on = (row % step == step // 2) & ((column + (row // step % 2) * (step // 2)) % step == step // 2)
        return self._items(candidates[on])

    def second(self) -> list[SurveyItem]:
        """Return the patches of the best windows so far."""
        wanted: list[int] = []
        known = np.zeros(self.glanced.shape, bool)
        known.ravel()[self._which] = True
        if known.sum() >= (self.glanced == Reason.NONE).sum():
            return []
        for row, column, rows, columns, _score in best_windows(_spread(self.quality_map())):
            cells = np.zeros_like(known)
            cells[row : row + rows, column : column + columns] = True
            new = np.flatnonzero((cells & ~known & (self.glanced == Reason.NONE)).ravel())
            if len(wanted) + len(new) > MORE:
                break
            known |= cells
            wanted += new.tolist()
        return self._items(np.sort(np.asarray(wanted, np.int64)))

    def add(self, item: SurveyItem, table: NDArray[np.float32]) -> None:
        """Add the measures of an item, in any order.

        Parameters
        ----------
        item : SurveyItem
        table : ndarray of float32, shape (n, 11)
            From `survey_tile`.
        """
        self._which = np.concatenate([self._which, item.which])
        self._table = np.concatenate([self._table, table])

    def quality_map(self) -> QualityMap:
        """Return the map of the patches measured so far."""
        order = np.argsort(self._which)
        measures = PatchMeasures.from_table(self._table[order])
        return judge(self.grid, self._which[order], measures, self.glanced, self.particle, self._empty)

    def _items(self, which: NDArray[np.int64]) -> list[SurveyItem]:
        parts = (which[start : start + PER_ITEM] for start in range(0, len(which), PER_ITEM))
        return [SurveyItem(part, self.grid.boxes(part), self.background) for part in parts]


def survey_item(slide: Slide, item: SurveyItem) -> NDArray[np.float32]:
    """Return measures of an item's patches; see `survey_tile`."""
    return survey_tile(slide, item.boxes, item.background)


def _glance(
    small: NDArray[np.uint8], background: NDArray[np.uint8], grid: Grid
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.float32]]:
    """Return what is blank, ink or too dark in the overview, and where particles are."""
    density = optical_density(small, background)
    green = density[..., 1]
    stained = _means((green > _STAINED).astype(np.float32), grid)
    dark = _means(green, grid)
    pen = _means(ink(density).astype(np.float32), grid)
    reason = np.zeros((grid.rows, grid.columns), np.uint8)
    reason[dark > _OPAQUE] = Reason.THICK
    reason[pen > _PEN_SHARE] = Reason.PEN
    reason[(stained < _BLANK_SHARE) & (dark < _STAINED)] = Reason.BLANK
    particle = (dark > _PARTICLE) & (reason != Reason.PEN)
    particle = np.asarray(ndi.binary_opening(particle, np.ones((2, 2))) | (particle & (dark > 1)))
    empty = _means((ndi.uniform_filter(green, 3) < _GLASS).astype(np.float32), grid).astype(np.float32)
    return reason, particle, empty


def _means(values: NDArray[np.float32], grid: Grid) -> NDArray[np.float64]:
    """Return the mean over each grid cell, shape (rows, columns)."""
    sums: NDArray[np.float64] = values.astype(np.float64)
    for axis, count in ((0, grid.rows), (1, grid.columns)):
        length = sums.shape[axis]
        edges = np.minimum(np.arange(count) * length // count, length - 1)
        number = np.maximum(np.diff(np.append(edges, length)), 1)
        shape = (-1, 1) if axis == 0 else (1, -1)
        sums = np.add.reduceat(sums, edges, axis=axis) / number.reshape(shape)
    return sums


def _spread(quality: QualityMap) -> QualityMap:
    """Return scores in which unmeasured grid cells get the mean of measured ones nearby."""
    score, known = quality.score, quality.measured
    gap = max(1.0, np.sqrt(max(1, (quality.reason == 0).sum()) / max(1, known.sum())))
    total = ndi.gaussian_filter(np.where(known, np.nan_to_num(score), 0).astype(np.float64), gap)
    number = ndi.gaussian_filter(known.astype(np.float64), gap)
    near = np.where(number > 1e-4, total / np.maximum(number, 1e-9), 0.0)
    filled = np.where(np.isnan(score), near, score).astype(np.float32)
    return replace(quality, score=filled)
