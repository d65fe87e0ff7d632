"""What a reviewer does to a case. Each act is in the journal on disk before anybody is told of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CLASSES, TAGS
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.events import Change, Draft, Event, Kind
from napari_bonemarrow.review.runs import CaseRuns

CellIds = int | Iterable[int] | NDArray[np.integer]

_DOUBLE_UM = 2.0
_DIAMETER_UM = 10.0


class CaseActs(CaseRuns):
    """The reviewer's acts on a case. Use it as `Case`."""

    def set_label(self, cell_ids: CellIds, code: str | None, *, source: str = "reviewer") -> Change | None:
        """Give cells a class, or take a label back with None: one event, however many cells.

        Returns
        -------
        Change or None
            None where nothing changes: the same reviewer gave all of them that class before.

        Raises
        ------
        CaseError
            Where a cell does not exist or the code is no class.
        """
        cells = self._existing_ids(cell_ids)
        if code is not None and code not in CLASSES:
            raise CaseError(f"{code!r} is no class: choose one of {', '.join(CLASSES)}")
        before = [self._state.labels.get(cell) for cell in cells]
        wanted = (None, None, None) if code is None else (code, self.reviewer, source)
        if all((old and (old.code, old.by, old.source)) == wanted if old else code is None for old in before):
            return None
        kind = Kind.LABEL_CLEARED if code is None else Kind.LABEL_SET
        old = [label and [label.code, label.by, label.at, label.source] for label in before]
        return self._act(Draft(kind, cells, old, code, source))

    def set_tag(self, cell_ids: CellIds, tag: str, on: bool) -> Change | None:
        """Give cells a tag or take it; None where nothing changes.

        Raises
        ------
        CaseError
            Where a cell does not exist or there is no such tag.
        """
        if tag not in TAGS:
            raise CaseError(f"{tag!r} is no tag: choose one of {', '.join(TAGS)}")
        tagged = self._state.tags
        cells = tuple(
            cell for cell in self._existing_ids(cell_ids) if (tag in tagged.get(cell, frozenset())) != on
        )
        if not cells:
            return None
        if on:
            return self._act(Draft(Kind.TAG_SET, cells, old=None, new=tag))
        return self._act(Draft(Kind.TAG_CLEARED, cells, old=tag, new=None))

    def comment(self, cell_id: int | None, text: str) -> Change:
        """Write a remark on a cell, or on the slide with None.

        Raises
        ------
        CaseError
            Where the cell does not exist or the text is empty.
        """
        if not text.strip():
            raise CaseError("an empty comment says nothing: write something")
        cells = () if cell_id is None else self._existing_ids(cell_id)
        return self._act(Draft(Kind.COMMENT, cells, new=text))

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
        slide, cells, scale = self.slide_record, self.cells, self._state.scale
        if scale is None:
            raise CaseError("the scale is not known: confirm the µm per pixel before adding cells")
        if not (-0.5 <= x <= slide.width - 0.5 and -0.5 <= y <= slide.height - 0.5):
            raise CaseError(
                f"({x:.0f}, {y:.0f}) lies outside the image of {slide.width}×{slide.height} pixels"
            )
        apart = np.hypot(cells.x - x, cells.y - y) * scale.microns_per_pixel
        if len(apart) and apart.min() < _DOUBLE_UM:
            raise CaseError(f"cell {cells.cell_id[apart.argmin()]} is there already: relabel it instead")
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

    def undo(self) -> Change | None:
        """Take back the last act that a reviewer did; None where there is none.

        The journal keeps the act and adds a line that takes it back, so it works after reopening too.
        """
        return self._turn(Kind.UNDO, self._state.undoable)

    def redo(self) -> Change | None:
        """Repeat the act last taken back, under the name and time it had; None where there is none."""
        return self._turn(Kind.REDO, self._state.redoable)

    def _turn(self, kind: Kind, stack: list[Event]) -> Change | None:
        if not stack:
            return None
        act = stack[-1]
        old, new = (act.new, act.old) if kind is Kind.UNDO else (act.old, act.new)
        return self._act(Draft(kind, act.cells, old, new, refers=act.seq), of=act.kind)

    def _existing_ids(self, cell_ids: CellIds) -> tuple[int, ...]:
        given = [cell_ids] if isinstance(cell_ids, int | np.integer) else list(cell_ids)
        cells = tuple(dict.fromkeys(int(cell) for cell in given))
        if not cells:
            raise CaseError("no cell is selected: select one first")
        table = self._state.table
        rows = table.rows(cells)
        there = (rows >= 0) & table.present[rows] if len(table) else np.zeros(len(cells), bool)
        if not there.all():
            raise CaseError(f"{self.path.name} has no cell {cells[int(np.argmin(there))]}")
        return cells
