"""What is written before and between reviews: scale, frame, and what detector and model found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_bonemarrow.cytology import CLASSES, Cells, Features, Frame, Predictions
from napari_bonemarrow.cytology.defaults import TARGET
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.review.case.redetection import FOUND_AGAIN_UM, superseded
from napari_bonemarrow.review.case.statistics import CaseNumbers
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.arrays import cells_to_arrays, pack
from napari_bonemarrow.review.journal.events import OF_READINGS, READING, RESHAPING, Change, Draft, Kind
from napari_bonemarrow.review.journal.journal_json import frame_to_json, scale_to_json
from napari_bonemarrow.review.state.fold import apply
from napari_bonemarrow.review.state.permission import refusal

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Scale

_MOVES_CELLS = RESHAPING | {Kind.FRAME_SET, Kind.SCALE_CONFIRMED}
"""What changes `Case.cells`."""
_MOVES_PREDICTIONS = RESHAPING | OF_READINGS | {Kind.MODEL_RUN}
"""What changes `Case.predictions`."""


class CaseRuns(CaseNumbers):
    """Scale, frame, detector and model of a case. Use it as `Case`."""

    changed = Signal(Change)
    """Emitted after an act is on the disk, with a `Change`."""

    def confirm_scale(self, scale: Scale) -> Change | None:
        """Say how large a pixel is; None where just that was said before.

        Raises
        ------
        CaseError
            Where cells were found at another scale, unless `discard_search` has put them out of force.
        """
        before = self._state.scale
        if before == scale:
            return None
        rests = self._state.classes_seen or (self._state.detected and len(self._state.table) > 0)
        if rests and before and before.microns_per_pixel != scale.microns_per_pixel:
            raise CaseError(
                f"cells were found at {before.microns_per_pixel:g} µm per pixel: "
                f"start a new case to count at {scale.microns_per_pixel:g}"
            )
        new = scale_to_json(scale)
        return self._act(Draft(Kind.SCALE_CONFIRMED, old=scale_to_json(before), new=new))

    def set_frame(self, frame: Frame, target: int = TARGET) -> Change | None:
        """Say what is counted, before classes are seen; None where just that was said before.

        Raises
        ------
        CaseError
            Where the scale is not known, the target is not positive, the frame is of another image or holds
            nothing, or another frame or a lower target is asked for after classes have been seen. The target
            alone may still be raised near a threshold, and taken back to what it was.
        """
        if self._state.scale is None:
            raise CaseError("the scale is not known: confirm the µm per pixel before setting the frame")
        if target < 1:
            raise CaseError(f"a target of {count_of(target, 'cell')} is none: give a positive number")
        slide = self.slide_record
        if (frame.width, frame.height) != (slide.width, slide.height):
            raise CaseError(
                f"the frame is of an image of {frame.width}×{frame.height} pixels, the slide has "
                f"{slide.width}×{slide.height}: set it anew"
            )
        if not frame.counted_regions(self._state.scale.microns_per_pixel):
            raise CaseError(
                f"nothing is left to count inside the margin of {frame.margin_um:g} µm: "
                "use a larger field or region"
            )
        if (frame, target) == (self._state.frame, self._state.target):
            return None
        if self._state.classes_seen and self._state.frame not in (None, frame):
            raise CaseError(
                "classes have been seen, so the frame stays as it is: start a new case to change it"
            )
        if target < self.least_target:
            raise CaseError(
                f"classes have been seen with a target of {self.least_target} cells: it can be raised, not "
                "lowered"
            )
        old = frame_to_json(self._state.frame, self._state.target)
        return self._act(Draft(Kind.FRAME_SET, old=old, new=frame_to_json(frame, int(target))))

    def discard_search(self) -> Change | None:
        """Put a search for cells out of force before classes are seen; None where there is none.

        The cells of a search, one under way among them, leave the case; the journal keeps them. Those that
        carry a reviewer's work, such as added ones, stay. Do this before the scale is changed.

        Raises
        ------
        CaseError
            Where classes have been seen.
        """
        if not self._state.detected and self._state.search is None:
            return None
        if self._state.classes_seen:
            raise CaseError("classes have been seen, so the cells that were found stay: start a new case")
        kept = sorted(self._state.corrections())
        gone = self.cells.cell_id[~np.isin(self.cells.cell_id, kept)]
        draft = Draft(Kind.SEARCH_DISCARDED, old={"cells": len(gone)}, new={"kept": kept})
        return self._act(draft, cells=tuple(gone.tolist()))

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
        self,
        cells: Cells,
        parameters: Mapping[str, Any] | None = None,
        *,
        carry_over: bool = False,
        extends: bool = False,
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
        extends : bool
            Add to the cells that the case has, all of which stay with what is known of them; what was found
            where the case has a cell already is left out.

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
        if touched and not (carry_over or extends):
            raise CaseError(
                f"this case has corrections on {count_of(len(touched), 'cell')}: carry them over, "
                f"or start a new case"
            )
        columns = cells_to_arrays(cells.select(np.argsort(cells.cell_id)))
        table, scale = self._state.table, self._state.scale.microns_per_pixel
        rows = table.rows(touched)
        dropped = superseded(cells, table.columns["x"][rows], table.columns["y"][rows], scale)
        if extends:
            again = superseded(cells, table.columns["x"], table.columns["y"], scale, FOUND_AGAIN_UM)
            dropped = list({*dropped, *again})
        specs, blobs = pack(columns)
        new: dict[str, Any] = {
            "arrays": specs,
            "found": len(cells),
            "parameters": dict(parameters or {}),
            "kept": touched,
            "dropped": sorted(dropped),
        }
        if extends:
            new["extends"] = True
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
                f"{count_of(len(strange), 'prediction')} of cells that are not in the last detection "
                f"(first: cell {strange[0]}): classify the cells of the case again"
            )
        probabilities = np.asarray(predictions.probabilities, np.float32)
        cell_id = np.asarray(predictions.cell_id, np.int64)
        arrays: dict[str, NDArray[Any]] = {"cell_id": cell_id, "probabilities": probabilities}
        if predictions.strangeness is not None:
            arrays["strangeness"] = np.asarray(predictions.strangeness, np.float32)
        specs, blobs = pack(arrays)
        new: dict[str, Any] = {
            "arrays": specs,
            "classes": list(predictions.classes),
            "support": {code: str(word) for code, word in predictions.support.items()},
            "model": {"name": predictions.model.name, "sha256": predictions.model.sha256},
        }
        if predictions.abstain_below is not None:
            new["abstain_below"] = predictions.abstain_below
        source = f"model:{predictions.model.sha256}"
        return self._act(Draft(Kind.MODEL_RUN, new=new, source=source), blobs, tuple(cell_id.tolist()))

    def record_features(self, features: Features) -> Change:
        """Take in what a network sees of some cells.

        Features of one model on the same axes add up; others put the ones before out of force.

        Raises
        ------
        CaseError
            Where a value is no number or there is none.
        """
        if not len(features) or not np.isfinite(features.values).all():
            raise CaseError(f"{features.model.name} gave no features, or one that is no number")
        arrays = {name: getattr(features, name) for name in ("cell_id", "values", "mean", "axes")}
        specs, blobs = pack(arrays)
        model = {"name": features.model.name, "sha256": features.model.sha256}
        new = {"arrays": specs, "model": model}
        return self._act(Draft(Kind.FEATURES_RECORDED, new=new, source=f"model:{model['sha256']}"), blobs)

    def record_map(
        self,
        cell_ids: NDArray[np.integer],
        xy: NDArray[np.floating],
        parameters: Mapping[str, Any] | None = None,
    ) -> Change:
        """Take in a map of cells, instead of the one before.

        Parameters
        ----------
        cell_ids : ndarray of int, shape (n,)
        xy : ndarray of float, shape (n, 2)
        parameters : mapping, optional
            What it was made with, JSON values.

        Raises
        ------
        CaseError
            Where the shapes do not fit or a place is no number.
        """
        ids, places = np.asarray(cell_ids, np.int64), np.asarray(xy, np.float32)
        if places.shape != (len(ids), 2) or not np.isfinite(places).all():
            raise CaseError(f"a map of {count_of(len(ids), 'cell')} needs as many places in two dimensions")
        specs, blobs = pack({"cell_id": ids, "xy": places})
        new = {"arrays": specs, "parameters": dict(parameters or {})}
        return self._act(Draft(Kind.MAP_RECORDED, new=new, source="model"), blobs)

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

    def _act(
        self,
        draft: Draft,
        blobs: Mapping[str, bytes] | None = None,
        cells: tuple[int, ...] | None = None,
        of: str | None = None,
    ) -> Change:
        """Write an event durably, take it into the state, and only then tell.

        Raises
        ------
        CaseError
            Where the act is not allowed now, or could not be written.
        """
        kind = of or draft.kind
        refused = refusal(self._state, kind, self.reviewer)
        if refused:
            raise CaseError(refused)
        if draft.kind in READING and self._state.reading != draft.reading:
            draft = replace(draft, reading=self._state.reading)
        event = self._journal.append(draft, self.reviewer, blobs)
        apply(self._state, event)
        self._follow(kind)
        if draft.kind is Kind.DETECTOR_RUN or draft.kind in OF_READINGS:  # any cell may look different
            cells = tuple(self.cells.cell_id.tolist())
        change = Change(event.kind, event.cells if cells is None else cells, of)
        self.changed.emit(change)
        return change

    def _follow(self, kind: str) -> None:
        """Make anew only what an act of this kind can have changed."""
        if kind in _MOVES_CELLS:
            self._cells = None
        if kind in _MOVES_PREDICTIONS:
            self._predictions = None
        self._snapshots.forget(fixed=kind in _MOVES_CELLS | _MOVES_PREDICTIONS)
