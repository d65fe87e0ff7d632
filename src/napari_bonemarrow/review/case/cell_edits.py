"""Cells that a reviewer adds, removes, splits or merges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_bonemarrow.cytology import Cells, images_at
from napari_bonemarrow.review.case.regions import CaseRegions
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.events import Change, Draft, Kind

CellIds = int | Iterable[int] | NDArray[np.integer]

_DOUBLE_UM = 2.0
_LARGEST_CELL_UM = 60.0
"""Largest span of the centres of one cell's parts: only a megakaryocyte's nucleus comes near to it."""
_DIAMETER_UM = 10.0


class CaseReshaping(CaseRegions):
    """Which cells there are. Refused once a second reading has begun. Use it as `Case`."""

    def add_cell(self, x: float, y: float, diameter_um: float | None = None) -> int:
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
            Where it lies outside the image, or within 2 µm of another cell: it would be counted twice.
        """
        cells = self.cells
        self._check_place(x, y, cells)
        if diameter_um is None:
            diameter_um = float(np.median(cells.diameter_um)) if len(cells) else _DIAMETER_UM
        number = self._state.next_cell_id
        new = {"x": float(x), "y": float(y), "diameter_um": float(diameter_um)}
        self._act(Draft(Kind.CELL_ADDED, (number,), new=new))
        return number

    def remove_cells(self, cell_ids: CellIds) -> Change:
        """Take out what is no cell; its labels wait in case it comes back.

        Raises
        ------
        CaseError
            Where a cell does not exist.
        """
        return self._act(Draft(Kind.CELL_REMOVED, self._existing_ids(cell_ids), old=True, new=False))

    def split_cell(self, cell_id: int, places: Sequence[tuple[float, float]]) -> tuple[int, ...]:
        """Make several cells of one that the detector took together; its label waits in case it comes back.

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
            Where the cell does not exist, there are fewer than two places, one lies outside the image, or
            two of them or one and another cell are less than 2 µm apart.
        """
        (cell,) = self._existing_ids(cell_id)
        if len(places) < 2:
            raise CaseError("a cell is split into two or more: give the centre of each")
        cells = self.cells
        others = cells.select(cells.cell_id != cell)
        microns = self._known_scale()
        for number, (x, y) in enumerate(places):
            self._check_place(x, y, others)
            if any(np.hypot(x - u, y - v) * microns < _DOUBLE_UM for u, v in places[:number]):
                raise CaseError(f"two of the places are less than {_DOUBLE_UM:g} µm apart: move one")
        whole = float(cells.diameter_um[cells.cell_id == cell][0])
        # Nuclei of equal area that add up to that of the cell they were taken for.
        diameter = whole / float(np.sqrt(len(places)))
        new = [{"x": float(x), "y": float(y), "diameter_um": diameter} for x, y in places]
        first = self._state.next_cell_id
        numbers = tuple(range(first, first + len(places)))
        self._act(Draft(Kind.CELL_SPLIT, (cell, *numbers), new=new))
        return numbers

    def merge_cells(self, cell_ids: CellIds) -> int:
        """Make one cell of several that are parts of one; their labels wait in case they come back.

        Returns
        -------
        int
            Its number. It lies at their common centre, weighed by area, and has their area together.

        Raises
        ------
        CaseError
            Where a cell does not exist, there are fewer than two, or they lie too far apart to be one.
        """
        ids = self._existing_ids(cell_ids)
        if len(ids) < 2:
            raise CaseError("only one cell is selected: select the parts of the cell")
        parts = self.cells.select(np.isin(self.cells.cell_id, ids))
        microns = self._known_scale()
        span = float(np.hypot(np.ptp(parts.x), np.ptp(parts.y))) * microns
        if span > _LARGEST_CELL_UM:
            raise CaseError(f"the selected cells lie {span:.0f} µm apart: they cannot be one cell")
        if len(set(self._fields_at(parts.x, parts.y).tolist())) > 1:
            raise CaseError("the selected cells lie in different photographs: they cannot be one cell")
        area = parts.diameter_um.astype(float) ** 2
        new = {
            "x": float(np.average(parts.x, weights=area)),
            "y": float(np.average(parts.y, weights=area)),
            "diameter_um": float(np.sqrt(area.sum())),
        }
        number = self._state.next_cell_id
        self._act(Draft(Kind.CELLS_MERGED, (*ids, number), new=[new]))
        return number

    def _known_scale(self) -> float:
        scale = self._state.scale
        if scale is None:
            raise CaseError("the scale is not known: confirm the µm per pixel before changing cells")
        return scale.microns_per_pixel

    def _fields_at(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.intp]:
        """Tell in which photographs of a folder points lie; -1 between them, and in one image."""
        return images_at([field.region for field in self.slide_record.fields], x, y)

    def _check_place(self, x: float, y: float, cells: Cells) -> None:
        """See that a new cell would lie in the image and on none of these cells."""
        slide, microns = self.slide_record, self._known_scale()
        if not (-0.5 <= x <= slide.width - 0.5 and -0.5 <= y <= slide.height - 0.5):
            raise CaseError(
                f"({x:.0f}, {y:.0f}) lies outside the image of {slide.width}×{slide.height} pixels"
            )
        if slide.fields and self._fields_at(x, y)[0] < 0:
            raise CaseError("between the photographs there is no cell: point at one of them")
        apart = np.hypot(cells.x - x, cells.y - y) * microns
        if len(apart) and apart.min() < _DOUBLE_UM:
            raise CaseError(f"cell {cells.cell_id[apart.argmin()]} is there already: relabel it instead")

    def _existing_ids(self, cell_ids: CellIds) -> tuple[int, ...]:
        """Return cells by number, each once; the table is asked for all of them together."""
        table = self._state.table
        if isinstance(cell_ids, int | np.integer):
            cells: tuple[int, ...] = (int(cell_ids),)
        elif isinstance(cell_ids, np.ndarray):
            cells = tuple(dict.fromkeys(cell_ids.tolist()))
        else:
            cells = tuple(dict.fromkeys(map(int, cell_ids)))
        if not cells:
            raise CaseError("no cell is selected: select one first")
        rows = table.rows(cells)
        there = (rows >= 0) & table.present[rows] if len(table) else np.zeros(len(cells), bool)
        if not there.all():
            raise CaseError(f"{self.path.name} has no cell {cells[int(np.argmin(there))]}")
        return cells
