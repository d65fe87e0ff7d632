"""What can be done to a case. Each act is in the journal on disk before anybody is told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_bonemarrow.cytology import CLASSES, TAGS, Cells, Frame, Predictions
from napari_bonemarrow.review.arrays import cells_to_arrays, pack
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.events import Change, Draft, Event, Kind
from napari_bonemarrow.review.records import frame_to_json, scale_to_json
from napari_bonemarrow.review.redetection import superseded
from napari_bonemarrow.review.view import CaseView
from napari_bonemarrow.slides import Scale

CellIds = int | Iterable[int] | NDArray[np.integer]

_LEAVES_CELLS = frozenset({Kind.LABEL_SET, Kind.LABEL_CLEARED, Kind.TAG_SET, Kind.TAG_CLEARED, Kind.COMMENT})
_DOUBLE_UM = 2.0
_DIAMETER_UM = 10.0


class CaseActs(CaseView):
    """The acts on a case. Use it as `Case`."""

    changed = Signal(Change)
    """Emitted after an act is on the disk, with a `Change`."""

    def confirm_scale(self, scale: Scale) -> Change:
        """Say how large a pixel is.

        Raises
        ------
        CaseError
            Where cells were found at another scale.
        """
        before = self._state.scale
        if len(self._state.table) and before and before.microns_per_pixel != scale.microns_per_pixel:
            raise CaseError(
                f"cells were found at {before.microns_per_pixel:g} µm per pixel: "
                f"start a new case to count at {scale.microns_per_pixel:g}"
            )
        new = scale_to_json(scale)
        return self._act(Draft(Kind.SCALE_CONFIRMED, old=scale_to_json(before), new=new))

    def set_frame(self, frame: Frame, target: int = 500) -> Change:
        """Say what is counted, before classes are seen.

        Raises
        ------
        CaseError
            Where the scale is not known, the target is not positive, or another frame is asked for after
            classes have been seen. The target alone may still be raised near a threshold.
        """
        if self._state.scale is None:
            raise CaseError("the scale is not known: confirm the µm per pixel before setting the frame")
        if target < 1:
            raise CaseError(f"a target of {target} cells is none: give a positive number")
        seen = self._state.model is not None or bool(self._state.labels)
        if seen and self._state.frame not in (None, frame):
            raise CaseError(
                "classes have been seen, so the frame stays as it is: start a new case to change it"
            )
        old = frame_to_json(self._state.frame, self._state.target)
        return self._act(Draft(Kind.FRAME_SET, old=old, new=frame_to_json(frame, int(target))))

    def fresh(self, cells: Cells) -> Cells:
        """Give found cells numbers that the case has never used; the first detection keeps its own.

        Do this to a detection before it is recorded and classified. It reads one number and may be called
        from any thread.
        """
        offset = self._state.next_cell_id - 1
        if not offset:
            return cells
        columns = cells_to_arrays(cells)
        columns["cell_id"] = np.arange(1, len(cells) + 1, dtype=np.int64) + offset
        return Cells(**columns)

    def record_detection(
        self, cells: Cells, parameters: Mapping[str, Any] | None = None, *, carry_over: bool = False
    ) -> Cells:
        """Take in the cells that a detector found.

        Parameters
        ----------
        cells : Cells
            Numbered by `fresh` where the case has had cells before.
        parameters : mapping, optional
            What the detector was run with, JSON values.
        carry_over : bool
            On a second detection: keep every cell that carries a reviewer's work, under its number and with
            that work, and leave out what was found within 4 µm of one, or of one the reviewer removed.

        Returns
        -------
        Cells
            The cells that the case has now.

        Raises
        ------
        CaseError
            Where the scale is not known, a number was used before, or the case has corrections and
            ``carry_over`` is not asked for.
        """
        if self._state.scale is None:
            raise CaseError("the scale is not known: confirm the µm per pixel before finding cells")
        self._check_found(cells)
        touched = sorted(self._state.corrections())
        if touched and not carry_over:
            raise CaseError(
                f"this case has corrections on {len(touched)} cells: carry them over, or start a new case"
            )
        columns = cells_to_arrays(cells.select(np.argsort(cells.cell_id)))
        rows = self._state.table.rows(touched)
        x, y = (self._state.table.columns[name][rows] for name in ("x", "y"))
        dropped = superseded(cells, x, y, self._state.scale.microns_per_pixel)
        specs, blobs = pack(columns)
        new = {
            "arrays": specs,
            "found": len(cells),
            "parameters": dict(parameters or {}),
            "kept": touched,
            "dropped": sorted(dropped),
        }
        self._act(Draft(Kind.DETECTOR_RUN, new=new, source="detector"), blobs)
        return self.cells

    def record_predictions(self, predictions: Predictions) -> Change:
        """Take in what a model says of some cells; labels stay as they are.

        Chunks of one model add up. The first chunk of another model replaces all of the one before, which
        stays in the journal.

        Raises
        ------
        CaseError
            Where the frame is not set, a class is not known, a probability is no number, or a cell is not
            of this case's last detection.
        """
        if self._state.frame is None:
            raise CaseError("the frame is not set: say what is counted before classes are seen")
        unknown = [code for code in predictions.classes if code not in CLASSES]
        if unknown:
            raise CaseError(f"{predictions.model.name} predicts {', '.join(unknown)}, which is no class here")
        if not np.isfinite(predictions.probabilities).all():
            raise CaseError(
                f"{predictions.model.name} gave a probability that is no number: check the bundle"
            )
        strange = predictions.cell_id[self._state.table.rows(predictions.cell_id) < 0]
        if len(strange):
            raise CaseError(
                f"{len(strange)} predictions are of cells that are not in the last detection "
                f"(first: cell {strange[0]}): classify the cells of the case again"
            )
        probabilities = np.asarray(predictions.probabilities, np.float32)
        cell_id = np.asarray(predictions.cell_id, np.int64)
        specs, blobs = pack({"cell_id": cell_id, "probabilities": probabilities})
        new = {
            "arrays": specs,
            "classes": list(predictions.classes),
            "support": {code: str(word) for code, word in predictions.support.items()},
            "model": {"name": predictions.model.name, "sha256": predictions.model.sha256},
        }
        source = f"model:{predictions.model.sha256}"
        return self._act(Draft(Kind.MODEL_RUN, new=new, source=source), blobs, tuple(cell_id.tolist()))

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

    def _act(
        self,
        draft: Draft,
        blobs: Mapping[str, bytes] | None = None,
        cells: tuple[int, ...] | None = None,
        of: str | None = None,
    ) -> Change:
        """Write an event durably, take it into the state, and only then tell."""
        event = self._journal.append(draft, self.reviewer, blobs)
        self._state.apply(event, (blobs or {}).__getitem__)
        if (of or draft.kind) not in _LEAVES_CELLS:
            self._cells = self._predictions = None
        if draft.kind is Kind.DETECTOR_RUN:
            cells = tuple(self.cells.cell_id.tolist())
        change = Change(event.kind, event.cells if cells is None else cells, of)
        self.changed.emit(change)
        return change

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

    def _check_found(self, cells: Cells) -> None:
        if len(np.unique(cells.cell_id)) != len(cells):
            raise CaseError("two cells of the detection have the same number: nothing was recorded")
        if len(cells) and cells.cell_id.min() < self._state.next_cell_id:
            raise CaseError(
                f"cell {cells.cell_id.min()} has been in this case before: give the cells fresh numbers first"
            )
        if not (np.isfinite(cells.x).all() and np.isfinite(cells.y).all()):
            raise CaseError("a found cell has no position: nothing was recorded")
