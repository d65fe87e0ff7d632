"""Rings and inspector follow the case: every change that is on the disk is shown, and only that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from napari_bonemarrow.cytology import BoneMarrowError, Cells
from napari_bonemarrow.cytology.arrays import row_of
from napari_bonemarrow.cytology.defaults import CROP_MICRONS_PER_PIXEL, CROP_SIZE
from napari_bonemarrow.gui.canvas.rings.features_table import features, features_of
from napari_bonemarrow.gui.canvas.rings.found_cells import with_preview
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core import case_info
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.correction.heatmap_request import HeatmapRequest
from napari_bonemarrow.gui.correction.outline_request import OutlineRequest
from napari_bonemarrow.gui.inspector import cell_info
from napari_bonemarrow.gui.inspector.cell_models import ProgressInfo
from napari_bonemarrow.gui.inspector.review_tab import ReviewTab
from napari_bonemarrow.gui.widgets.crop_cache import CropCache
from napari_bonemarrow.gui.widgets.reviewer_name import ReviewerName
from napari_bonemarrow.review import EVENT_SPECS, Change, EventKind, Shown
from napari_bonemarrow.review.worklist.worklist import WorkList

_WHILE_SEARCHING_MS = 1500
_WHILE_CLASSIFYING_MS = 300
"""Chunks of classes come many times a second: drawing each would take the core that makes the next."""

_CROPS_BYTES = 24 * 2**20
_AHEAD = 4
"""Crops of so many cells of the work list are cut before they are asked for."""


@dataclass(frozen=True, slots=True)
class CellsChanged:
    """What views of cells must look up anew in the case.

    Attributes
    ----------
    ids : tuple of int or None
        The cells concerned; None where anything may be new.
    reshaped : bool
        There are other cells, or others in the frame, and not only other classes.
    """

    ids: tuple[int, ...] | None
    reshaped: bool = False


class CaseSync(QObject):
    """The Review tab and the rings, kept equal to the case. Use it as `ReviewController`."""

    cells_changed = Signal(object)  # CellsChanged, after rings and inspector show it
    counted_anew = Signal()

    def __init__(
        self,
        smear_viewer: SmearViewer,
        tab: ReviewTab,
        heatmap: HeatmapRequest,
        outline: OutlineRequest,
        reviewer: ReviewerName,
        on_error: Callable[[BoneMarrowError], None],
    ) -> None:
        super().__init__(smear_viewer)
        self.reviewer = reviewer
        self.smear_viewer, self.tab = smear_viewer, tab
        self.heatmap, self.outline = heatmap, outline
        self.on_error = on_error
        self.session: Session | None = None
        self.selection = Selection(self)
        self.worklist: WorkList | None = None
        self.crops = CropCache(self, _CROPS_BYTES)
        self.crops.arrived.connect(self._on_crops)
        self._crops_timer = QTimer(self)
        self._crops_timer.setSingleShot(True)
        self._crops_timer.setInterval(0)
        self._crops_timer.timeout.connect(self._want_crops)
        self._leaving = False
        self._reshaped = False
        self._preview: list[Cells] = []
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.timeout.connect(self.refresh)

    @property
    def selected(self) -> int | None:
        """The current cell."""
        return self.selection.current

    @property
    def marked(self) -> frozenset[int]:
        """The cells that are selected beside the current one."""
        return frozenset(self.selection.ids) - {self.selection.current}

    # the session ----------------------------------------------------------------------------------

    def open(self, session: Session) -> None:
        """Show a session's cells."""
        self.close()
        self.session = session
        self.worklist = WorkList(session.case)
        session.case.changed.connect(self._on_changed)
        self._reshaped = True
        self.refresh()

    def close(self) -> None:
        """Forget the session."""
        if self.session is not None:
            self.session.case.changed.disconnect(self._on_changed)
        self.session = self.worklist = None
        self.crops.open(None)
        self.selection.clear()
        self._preview.clear()
        self._refresh.stop()
        self._crops_timer.stop()
        self.heatmap.forget()
        self.outline.forget()
        self.smear_viewer.say("")
        self.tab.show_toast("")
        self.tab.show_progress(ProgressInfo())
        self.tab.show_cell(None, "Open a smear and find its cells first.")
        self.tab.show_unlike("")
        self.tab.show_journal(False, False, False)

    def _on_changed(self, change: Change) -> None:
        """The case has it on disk: now the screen may show it."""
        shown = EVENT_SPECS[change.act].shown
        if shown is Shown.NONE:
            return
        self.tab.show_toast("")
        if shown is Shown.NAMED and not self._refresh.isActive() and not self._preview:
            self._follow(change.cell_ids)
        else:
            self._refresh_soon(change.act)
        if change.of is not None:  # an undo or redo
            self._return_to(change.cell_ids)

    def _refresh_soon(self, kind: EventKind) -> None:
        """Look up everything anew, once for all that comes together."""
        if kind == EventKind.DETECTOR_RUN:
            self._preview.clear()
        # Other cells, or others in the frame, and not only other classes.
        self._reshaped = self._reshaped or EVENT_SPECS[kind].reshapes or kind == EventKind.FRAME_SET
        delay = _WHILE_CLASSIFYING_MS if kind == EventKind.MODEL_RUN else 0
        if not self._refresh.isActive() or self._refresh.remainingTime() > delay:
            self._refresh.start(delay)

    def _follow(self, cell_ids: tuple[int, ...]) -> None:
        """Show what was done to some cells, at once."""
        case = self.session.case
        ids = np.array(cell_ids, np.int64)
        columns = features_of(case, ids)
        self.smear_viewer.rings.update(ids, columns["class"], columns)
        self.smear_viewer.tell_features_soon()
        self.worklist.update(cell_ids)
        if self.selected in cell_ids and not self._leaving:
            self._show_selected()
        else:
            self.tab.show_progress(cell_info.progress(case, *self.worklist.progress))
        self._show_journal()
        self.cells_changed.emit(CellsChanged(cell_ids))

    def _return_to(self, cell_ids: tuple[int, ...]) -> None:
        """Select what an undo or redo was about: it is shown where it was made."""
        there = self._there(np.array(cell_ids, np.int64))
        if len(there):
            self.selection.set(there, int(there[0]), go=True)

    def _there(self, cell_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of some cells that exist."""
        return cell_ids[np.isin(cell_ids, self.session.case.cells.cell_id)]

    def preview(self, cells: Cells) -> None:
        """Show rings of cells as they are found; they are the case's, and can be chosen, at the end."""
        self._preview.append(cells)
        if not self._refresh.isActive():
            self._refresh.start(_WHILE_SEARCHING_MS)

    def end_preview(self) -> None:
        """Show the case's cells alone: the search was stopped."""
        if self._preview:
            self._preview.clear()
            self._reshaped = True
            self.refresh()

    def settle(self) -> None:
        """Show at once what still waits to be shown."""
        if self._refresh.isActive():
            self._refresh.stop()
            self.refresh()

    def refresh(self) -> None:
        """Show what the case says."""
        if self.session is None:
            return
        case, reshaped = self.session.case, self._reshaped
        if self._preview:
            self.smear_viewer.rings.show(*with_preview(case, self._preview))
            self.smear_viewer.refresh_view()
        elif reshaped:
            self.smear_viewer.rings.show(case.cells, case.effective_codes(), features(case))
            self.smear_viewer.refresh_view()
            self._reshaped = False
        else:
            self.smear_viewer.rings.recolour(case.effective_codes(), features(case))
        self.worklist.update()
        if reshaped:
            self.crops.forget()
        self._drop_gone()
        self._show_selected()
        self._show_journal()
        self.counted_anew.emit()
        self.cells_changed.emit(CellsChanged(None, reshaped))

    def _show_journal(self) -> None:
        case = self.session.case
        writable = not case.read_only
        self.tab.show_journal(case.can_undo and writable, case.can_redo and writable, bool(len(case.cells)))

    def _drop_gone(self) -> None:
        """Deselect cells that are no more."""
        there = self._there(self.selection.array)
        if len(there) < len(self.selection):
            self.selection.set(there)

    # the inspector --------------------------------------------------------------------------------

    def place(self, cell_id: int) -> tuple[float, float]:
        """Return a cell's centre in level-0 pixels (x, y)."""
        cells = self.session.case.cells
        at = row_of(cells.cell_id, cell_id)
        return float(cells.x[at]), float(cells.y[at])

    def _show_selected(self) -> None:
        session = self.session
        if session is None:
            return
        case, cell = session.case, self.selected
        info = None if cell is None else cell_info.cell_info(session, cell)
        tab = self.tab
        tab.show_marked(max(len(self.selection) - 1, 0))
        tab.show_blind(case.is_blind)
        tab.show_unlike(*case_info.unlike_texts(case))
        tab.show_locked(case_info.locked_text(case))
        tab.show_progress(cell_info.progress(case, *self.worklist.progress))
        self.smear_viewer.say(f"{len(self.selection)} selected" if len(self.selection) > 1 else "")
        if not len(case.cells):
            hint = "No cells yet: find them in the Slide tab."
        else:
            hint = "Click a cell on the smear, or press Space for the first of the work list."
        tab.show_cell(info, hint)
        if info is None:
            self.heatmap.hide()
            self.outline.hide()
            return
        place, total = self.worklist.place_of(info.cell_id), len(self.worklist.ids)
        tab.show_heading(*cell_info.heading(info, place, total, len(self.selection)))
        tab.show_flag(info.cell_id in case.flags)
        place = self.place(info.cell_id)
        self._show_crop(info.cell_id)
        self.heatmap.follow(session, info, *place)
        self.outline.follow(session, *place)

    def _show_crop(self, cell_id: int) -> None:
        """Show the crop that is there, never that of another cell; have it and the next ones cut."""
        self.tab.crop.show_pixmap(self.crops.get(cell_id), CROP_MICRONS_PER_PIXEL)
        self._crops_timer.start()  # cutting shares the interpreter with the key that is just at work

    def _want_crops(self) -> None:
        cell = self.selected
        if cell is None or self.worklist is None or not self.session.case.has_cell(cell):
            return
        self.crops.follow(self.session.slide)
        at = self.worklist.place_of(cell)
        ahead = self.worklist.ids[at + 1 : at + 1 + _AHEAD].tolist()
        coming = [each for each in ahead if self.session.case.has_cell(each)]
        self.crops.want({each: self.place(each) for each in (cell, *coming)}, CROP_SIZE)

    def _on_crops(self, cell_ids: tuple[int, ...]) -> None:
        if self.selected in cell_ids:
            self.tab.crop.show_pixmap(self.crops.get(self.selected), CROP_MICRONS_PER_PIXEL)
