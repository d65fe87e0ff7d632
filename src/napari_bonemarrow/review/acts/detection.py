"""The search for cells: its progress, the cells that a detector found, and discarding a search."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.review.acts.core import CaseCore
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.arrays import cells_to_arrays, pack_cells, unpack_cells
from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.events import Change, Draft, Event, canonical
from napari_bonemarrow.review.journal.payloads import (
    DetectionPayload,
    DetectorParameters,
    DiscardedCells,
    KeptCells,
    TilesPayload,
)
from napari_bonemarrow.review.state.detection_progress import DetectionProgress, TileSearch
from napari_bonemarrow.review.state.effect import Effect, Effects
from napari_bonemarrow.review.state.state import State

SAME_CELL_UM = 4.0
"""Centres nearer than this are one cell: the nuclei of two touching lymphocytes are 6 µm apart."""
FOUND_AGAIN_UM = 1.0
"""At the edge of a region searched before, the detector finds the same cells at the same place."""


class Detection:
    """The search for the cells of a slide."""

    def __init__(self, core: CaseCore) -> None:
        self._core, self._state = core, core.state

    @property
    def was_run(self) -> bool:
        """Return whether a detection was completed, even without cells, and was not discarded."""
        return self._state.detected

    @property
    def unread(self) -> tuple[str, ...]:
        """Return a line for each tile of the slide that the detector could not read."""
        return self._state.unread

    @property
    def progress(self) -> DetectionProgress | None:
        """Return the unfinished detection, or None."""
        return None if self._state.search is None else self._state.search.progress()

    def record_tiles(
        self,
        plan: Mapping[str, Any],
        tiles: Sequence[int],
        cells: Cells,
        failed: Mapping[int, str] | None = None,
    ) -> Change:
        """Record the results of some tiles of a search, so that it can continue after a crash.

        The cells belong to the case only once the search is complete and `record` is
        called. Tiles of another plan replace those of the earlier plan.

        Parameters
        ----------
        plan : mapping
            JSON of the plan.
        tiles : sequence of int
            Tiles that were searched.
        cells : Cells
            Those whose centres lie in them; their numbers are ignored.
        failed : mapping of int to str, optional
            Tiles that could not be read, each with its message.

        Raises
        ------
        CaseError
            If the scale is not known, or a tile was searched before.
        """
        self._core.known_scale("finding cells")
        asked: dict[str, Any] = json.loads(canonical(plan))  # as it will be after the case is reopened
        search = self._state.search
        if search is not None and search.plan == asked and search.done.intersection(tiles):
            tile = min(search.done.intersection(tiles))
            raise CaseError(f"tile {tile} was searched before: its cells would be counted twice")
        specs, blobs = pack_cells(cells_to_arrays(cells))
        new: TilesPayload = {
            "plan": asked,
            "tiles": [int(tile) for tile in tiles],
            "failed": {str(tile): text for tile, text in (failed or {}).items()},
            "arrays": specs,
        }
        return self._core.act(Draft(EventKind.TILES_SEARCHED, new=new, source="detector"), blobs, ())

    def fresh(self, cells: Cells) -> Cells:
        """Assign found cells numbers that the case has never used; the first detection keeps its own.

        Do this to a detection before it is recorded and classified. It only reads one number, so any thread
        may call it.
        """
        offset = self._state.next_cell_id - 1
        return cells.numbered(offset + 1) if offset else cells

    def record(
        self,
        cells: Cells,
        parameters: Mapping[str, Any] | None = None,
        *,
        carry_over: bool = False,
        extends: bool = False,
    ) -> Cells:
        """Record the cells that a detector found.

        Parameters
        ----------
        cells : Cells
            Numbered by `fresh` where the case has had cells before.
        parameters : mapping, optional
            Parameters of the detector, JSON values.
        carry_over : bool
            On a second detection: keep every cell that carries a reviewer's work, with its number and
            that work, and omit detections within 4 µm of one, or of a cell the reviewer removed.
        extends : bool
            Keep all cells of the case with their data and add the new ones; detections at the place of
            an existing cell are omitted.

        Returns
        -------
        Cells
            The cells that the case now has.

        Raises
        ------
        CaseError
            If the scale is not known, a number was used before, or the case has corrections and
            ``carry_over`` is not set.
        """
        scale = self._core.known_scale("finding cells").microns_per_pixel
        self._check_found(cells)
        touched = sorted(self._state.corrections())
        if touched and not (carry_over or extends):
            raise CaseError(
                f"this case has corrections on {count_of(len(touched), 'cell')}: carry them over, "
                f"or start a new case"
            )
        columns = cells_to_arrays(cells.select(np.argsort(cells.cell_id)))
        table = self._state.table
        rows = table.rows(touched)
        dropped = superseded(cells, table.columns["x"][rows], table.columns["y"][rows], scale)
        if extends:
            again = superseded(cells, table.columns["x"], table.columns["y"], scale, FOUND_AGAIN_UM)
            dropped = list({*dropped, *again})
        specs, blobs = pack_cells(columns)
        new: DetectionPayload = {
            "arrays": specs,
            "found": len(cells),
            "parameters": cast(DetectorParameters, dict(parameters or {})),
            "kept": touched,
            "dropped": sorted(dropped),
        }
        if extends:
            new["extends"] = True
        self._core.act(Draft(EventKind.DETECTOR_RUN, new=new, source="detector"), blobs)
        return self._core.cells

    def discard(self) -> Change | None:
        """Discard a search for cells before classes are seen; None if there is none.

        The cells of a search, even an unfinished one, leave the case; the journal keeps them. Cells that
        carry a reviewer's work, such as added ones, stay. Do this before changing the scale.

        Raises
        ------
        CaseError
            If classes have been seen.
        """
        if not self._state.detected and self._state.search is None:
            return None
        if self._state.classes_seen:
            raise CaseError("classes have been seen, so the cells that were found stay: start a new case")
        kept = sorted(self._state.corrections())
        gone = self._core.cells.cell_id[~np.isin(self._core.cells.cell_id, kept)]
        old: DiscardedCells = {"cells": len(gone)}
        new: KeptCells = {"kept": kept}
        return self._core.act(Draft(EventKind.SEARCH_DISCARDED, old=old, new=new), cells=tuple(gone.tolist()))

    def _check_found(self, cells: Cells) -> None:
        if len(np.unique(cells.cell_id)) != len(cells):
            raise CaseError("two cells of the detection have the same number: nothing was recorded")
        if len(cells) and cells.cell_id.min() < self._state.next_cell_id:
            raise CaseError(
                f"cell {cells.cell_id.min()} has been in this case before (was one added while the detector "
                "ran?): find the cells again"
            )
        if not (np.isfinite(cells.x).all() and np.isfinite(cells.y).all()):
            raise CaseError("a found cell has no position: nothing was recorded")


def _add_tiles(state: State, event: Event) -> None:
    new: TilesPayload = event.new
    if state.search is None or state.search.plan != new["plan"]:
        state.search = TileSearch(new["plan"])
    failed = {int(tile): text for tile, text in new["failed"].items()}
    state.search.add(new["tiles"], failed, unpack_cells(new["arrays"], state.blob))


def _take_detection(state: State, event: Event) -> None:
    new: DetectionPayload = event.new
    cells = unpack_cells(new["arrays"], state.blob)
    extends = new.get("extends", False)
    _check_found(state, cells, new["kept"], extends)
    state.search, state.detected = None, True
    unread = tuple(new["parameters"].get("failed_tiles", ()))
    state.unread = state.unread + unread if extends else unread
    if not extends:
        state.table.keep(state.table.rows(new["kept"]))
    state.table.append(cells, ~np.isin(cells.cell_id, new["dropped"]))
    if len(cells):
        state.next_cell_id = max(state.next_cell_id, int(cells.cell_id[-1]) + 1)
    state.place()
    if not extends:  # earlier acts concern cells that may be gone
        state.forget_acts()


def _discard_search(state: State, event: Event) -> None:
    new: KeptCells = event.new
    kept = new["kept"]
    _check_kept(state, kept)
    state.search, state.detected, state.unread = None, False, ()
    state.table.keep(state.table.rows(kept))
    state.forget_acts()


def _check_found(state: State, cells: Cells, kept: Sequence[int], extends: bool) -> None:
    """Check that found cells are numbered as this program does, and that nothing reviewed is lost."""
    ids = cells.cell_id
    if len(ids) and (ids[0] < state.next_cell_id or (np.diff(ids) <= 0).any()):
        raise ValueError("found cells are not numbered in their order")
    if not (np.isfinite(cells.x).all() and np.isfinite(cells.y).all()):
        raise ValueError("a found cell has no position")
    if not extends:
        _check_kept(state, kept)


def _check_kept(state: State, kept: Sequence[int]) -> None:
    """Check that the kept cells are the case's and include all reviewed ones."""
    if not state.corrections() <= set(kept) or (state.table.rows(kept) < 0).any():
        raise ValueError("what was reviewed is lost, or a cell is kept that was never there")


def superseded(
    found: Cells,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    microns_per_pixel: float,
    within_um: float = SAME_CELL_UM,
) -> list[int]:
    """Return the found cells that the case knows already.

    Parameters
    ----------
    found : Cells
        The new detection.
    x, y : ndarray of float64, shape (m,)
        Centres of the known cells, such as those that carry a reviewer's work, level-0 px.
    microns_per_pixel : float
    within_um : float

    Returns
    -------
    list of int
        Numbers of the found cells whose centre lies within that distance of a known one.
    """
    if not len(found) or not len(x):
        return []
    from scipy.spatial import KDTree

    distance, _ = KDTree(np.column_stack([x, y])).query(np.column_stack([found.x, found.y]))
    near: list[int] = found.cell_id[distance * microns_per_pixel <= within_um].tolist()
    return near


EFFECTS: Effects = {
    EventKind.TILES_SEARCHED: Effect(_add_tiles),
    EventKind.DETECTOR_RUN: Effect(_take_detection),
    EventKind.SEARCH_DISCARDED: Effect(_discard_search),
}
