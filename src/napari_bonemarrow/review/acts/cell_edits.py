"""Cells that a reviewer adds, removes, splits or merges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_bonemarrow.cytology import Cells, images_at
from napari_bonemarrow.review.acts.core import CaseCore, CellIds
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.events import Change, Draft, Event
from napari_bonemarrow.review.journal.payloads import PlacePayload
from napari_bonemarrow.review.state.effect import Effect, Effects
from napari_bonemarrow.review.state.state import State

_DOUBLE_UM = 2.0
_LARGEST_CELL_UM = 60.0
"""Largest distance between the centres of one cell's parts; only a megakaryocyte's nucleus is nearly as
large."""
_DIAMETER_UM = 10.0


class CellEdits:
    """Changes to which cells exist. Refused once a second reading has begun."""

    def __init__(self, core: CaseCore) -> None:
        self._core, self._state = core, core.state

    @property
    def added(self) -> frozenset[int]:
        """Return the cells that a reviewer added."""
        return frozenset(self._state.added - self._state.removed)

    @property
    def next_id(self) -> int:
        """Return a number higher than that of any cell the case has ever had."""
        return self._state.next_cell_id

    def add(self, x: float, y: float, diameter_um: float | None = None) -> int:
        """Add a cell that the detector missed.

        Parameters
        ----------
        x, y : float
            Centre in level-0 px.
        diameter_um : float, optional
            Diameter of the nucleus; the median of the other cells if not given.

        Returns
        -------
        int
            Its number.

        Raises
        ------
        CaseError
            If it lies outside the image, or within 2 µm of another cell: it would be counted twice.
        """
        cells = self._core.cells
        self._check_place(x, y, cells)
        if diameter_um is None:
            diameter_um = float(np.median(cells.diameter_um)) if len(cells) else _DIAMETER_UM
        number = self._state.next_cell_id
        new: PlacePayload = {"x": float(x), "y": float(y), "diameter_um": float(diameter_um)}
        self._core.act(Draft(EventKind.CELL_ADDED, (number,), new=new))
        return number

    def remove(self, cell_ids: CellIds) -> Change:
        """Remove a false detection; its labels are kept in case it is restored.

        Raises
        ------
        CaseError
            If a cell does not exist.
        """
        return self._core.act(
            Draft(EventKind.CELL_REMOVED, self._core.existing_ids(cell_ids), old=True, new=False)
        )

    def split(self, cell_id: int, places: Sequence[tuple[float, float]]) -> tuple[int, ...]:
        """Split a cell that the detector merged; its label is kept in case it is restored.

        Parameters
        ----------
        cell_id : int
        places : sequence of (float, float)
            Centres x, y of the new cells in level-0 px, at least two.

        Returns
        -------
        tuple of int
            Their numbers.

        Raises
        ------
        CaseError
            If the cell does not exist, there are fewer than two places, one lies outside the image, or
            two of them or one and another cell are less than 2 µm apart.
        """
        (cell,) = self._core.existing_ids(cell_id)
        if len(places) < 2:
            raise CaseError("a cell is split into two or more: give the centre of each")
        cells = self._core.cells
        others = cells.select(cells.cell_id != cell)
        microns = self._core.known_scale("changing cells").microns_per_pixel
        for number, (x, y) in enumerate(places):
            self._check_place(x, y, others)
            if any(np.hypot(x - u, y - v) * microns < _DOUBLE_UM for u, v in places[:number]):
                raise CaseError(f"two of the places are less than {_DOUBLE_UM:g} µm apart: move one")
        whole = float(cells.diameter_um[cells.cell_id == cell][0])
        # Nuclei of equal area that add up to the area of the cell that was split.
        diameter = whole / float(np.sqrt(len(places)))
        new: list[PlacePayload] = [{"x": float(x), "y": float(y), "diameter_um": diameter} for x, y in places]
        first = self._state.next_cell_id
        numbers = tuple(range(first, first + len(places)))
        self._core.act(Draft(EventKind.CELL_SPLIT, (cell, *numbers), new=new))
        return numbers

    def merge(self, cell_ids: CellIds) -> int:
        """Merge the parts of one cell; their labels are kept in case they are restored.

        Returns
        -------
        int
            Its number. Its centre is theirs weighted by area, its area the sum of theirs.

        Raises
        ------
        CaseError
            If a cell does not exist, there are fewer than two, or they lie too far apart to be one.
        """
        ids = self._core.existing_ids(cell_ids)
        if len(ids) < 2:
            raise CaseError("only one cell is selected: select the parts of the cell")
        parts = self._core.cells.select(np.isin(self._core.cells.cell_id, ids))
        microns = self._core.known_scale("changing cells").microns_per_pixel
        span = float(np.hypot(np.ptp(parts.x), np.ptp(parts.y))) * microns
        if span > _LARGEST_CELL_UM:
            raise CaseError(f"the selected cells lie {span:.0f} µm apart: they cannot be one cell")
        if len(set(self._fields_at(parts.x, parts.y).tolist())) > 1:
            raise CaseError("the selected cells lie in different photographs: they cannot be one cell")
        area = parts.diameter_um.astype(float) ** 2
        new: PlacePayload = {
            "x": float(np.average(parts.x, weights=area)),
            "y": float(np.average(parts.y, weights=area)),
            "diameter_um": float(np.sqrt(area.sum())),
        }
        number = self._state.next_cell_id
        self._core.act(Draft(EventKind.CELLS_MERGED, (*ids, number), new=[new]))
        return number

    def _fields_at(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.intp]:
        """Return the photograph of a folder in which each point lies; -1 between them, and in one image."""
        return images_at([field.region for field in self._core.slide_record.fields], x, y)

    def _check_place(self, x: float, y: float, cells: Cells) -> None:
        """Check that a new cell would lie in the image and on none of these cells."""
        slide = self._core.slide_record
        microns = self._core.known_scale("changing cells").microns_per_pixel
        if not (-0.5 <= x <= slide.width - 0.5 and -0.5 <= y <= slide.height - 0.5):
            raise CaseError(
                f"({x:.0f}, {y:.0f}) lies outside the image of {slide.width}×{slide.height} pixels"
            )
        if slide.fields and self._fields_at(x, y)[0] < 0:
            raise CaseError("between the photographs there is no cell: point at one of them")
        apart = np.hypot(cells.x - x, cells.y - y) * microns
        if len(apart) and apart.min() < _DOUBLE_UM:
            raise CaseError(f"cell {cells.cell_id[apart.argmin()]} is there already: relabel it instead")


def _add(state: State, event: Event) -> None:
    _add_cells(state, event.cells, [event.new])


def _unadd(state: State, event: Event) -> None:
    state.table.set_present(event.cells, False)
    state.added.difference_update(event.cells)


def _remove(state: State, event: Event) -> None:
    _take_out(state, event.cells)


def _unremove(state: State, event: Event) -> None:
    _put_back(state, event.cells)


def _reshape(state: State, event: Event) -> None:
    before, after = _before_and_after(event)
    if not state.table.existing.issuperset(before):
        raise ValueError(f"line {event.seq} is about a cell that is not there")
    _take_out(state, before)
    _add_cells(state, after, event.new)


def _unreshape(state: State, event: Event) -> None:
    before, after = _before_and_after(event)
    state.table.set_present(after, False)
    state.added.difference_update(after)
    _put_back(state, before)


def _take_out(state: State, cells: Sequence[int]) -> None:
    state.table.set_present(cells, False)
    state.removed.update(cells)
    state.read.hide(cells)


def _put_back(state: State, cells: Sequence[int]) -> None:
    state.table.set_present(cells, True)
    state.removed.difference_update(cells)
    state.read.unhide(cells)


def _add_cells(state: State, cells: Sequence[int], places: Sequence[PlacePayload]) -> None:
    _check_new(state, cells, places)
    state.added.update(cells)
    if cells[0] < state.next_cell_id:  # a redo: the rows exist
        state.table.set_present(cells, True)
        return
    state.next_cell_id = cells[-1] + 1
    for cell, place in zip(cells, places, strict=True):
        state.table.append(_one_cell(cell, **place))
    state.place()


def _check_new(state: State, cells: Sequence[int], places: Sequence[PlacePayload]) -> None:
    """Check that cells are numbered on from the last, or are restored, and lie in the image."""
    again, on = cells[0] < state.next_cell_id, range(state.next_cell_id, state.next_cell_id + len(cells))
    if again and ((state.table.rows(cells) < 0).any() or not state.table.existing.isdisjoint(cells)):
        raise ValueError("a cell comes back that was never there, or is there")
    if len(cells) != len(places) or (not again and tuple(cells) != tuple(on)):
        raise ValueError("added cells are not numbered in their order")
    slide = state.slide
    for place in places:
        if slide is None or not (
            -0.5 <= place["x"] <= slide.width - 0.5 and -0.5 <= place["y"] <= slide.height - 0.5
        ):
            raise ValueError("an added cell lies outside the image")


def _before_and_after(event: Event) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the cells that a split or merge removes, and those that replace them."""
    if event.kind == EventKind.CELL_SPLIT:
        return event.cells[:1], event.cells[1:]
    return event.cells[:-1], event.cells[-1:]


def _one_cell(cell_id: int, x: float, y: float, diameter_um: float) -> Cells:
    """Return a cell that a reviewer added: detection score 1, outside the frame until the frame is set."""
    return Cells(
        np.array([cell_id], np.int64),
        np.array([x], np.float64),
        np.array([y], np.float64),
        np.array([diameter_um], np.float32),
        np.array([1.0], np.float32),
        np.array([False]),
    )


EFFECTS: Effects = {
    EventKind.CELL_ADDED: Effect(_add, _unadd),
    EventKind.CELL_REMOVED: Effect(_remove, _unremove),
    EventKind.CELL_SPLIT: Effect(_reshape, _unreshape),
    EventKind.CELLS_MERGED: Effect(_reshape, _unreshape),
}
