"""Synchronisation of rings and inspector with the case: they show exactly the changes on the disk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import Cells
from napari_bonemarrow.gui.canvas.rings.features_table import features, features_of
from napari_bonemarrow.gui.canvas.rings.found_cells import with_preview
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.correction.guessed_rings import GuessedRings
from napari_bonemarrow.gui.correction.selected_cell import SelectedCell
from napari_bonemarrow.gui.inspector.review_tab import ReviewTab
from napari_bonemarrow.review import EVENT_SPECS, Change, EventKind, Shown, Topic
from napari_bonemarrow.review.worklist.worklist import WorkList

_WHILE_SEARCHING_MS = 1500
_WHILE_CLASSIFYING_MS = 300
"""Chunks of classes arrive many times a second: drawing each would occupy the core that computes the next."""


@dataclass(frozen=True, slots=True)
class CellsChanged:
    """The cells that views must look up again in the case.

    Attributes
    ----------
    ids : tuple of int or None
        The cells concerned; None if any cell may have changed.
    reshaped : bool
        Whether the cells, or those in the frame, are different, and not only their classes.
    arranged : bool
        Whether the work list was arranged again or has more cells.
    guessed : bool
        Whether the probabilities of other cells may have changed too, but not their first guesses.
    """

    ids: tuple[int, ...] | None
    reshaped: bool = False
    arranged: bool = False
    guessed: bool = False


class CaseSync(SmearPart):
    """Updates of the rings, the work list and the inspector from the case."""

    cells_changed = Signal(object)  # CellsChanged, after rings and inspector are updated

    def __init__(
        self,
        session: Session,
        smear_viewer: SmearViewer,
        tab: ReviewTab,
        selection: Selection,
        worklist: WorkList,
        shown_cell: SelectedCell,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._smear_viewer, self._tab = smear_viewer, tab
        self._selection, self._worklist, self._shown_cell = selection, worklist, shown_cell
        self.leaving = False
        """Whether the inspector shows only the next cell, while moving on to it."""
        self._reshaped = True
        self._preview: list[Cells] = []
        self.guessed_rings = GuessedRings(session, smear_viewer, self)
        self._refresh = self.timer(0, self.refresh)
        self.follow(session.case.changed, self._on_changed)

    def _on_changed(self, change: Change) -> None:
        """Show a change, now that it is on the disk."""
        spec = EVENT_SPECS[change.act]
        shown = spec.shown
        if spec.topic is Topic.LEARNING:
            self._follow_guesses(change.cell_ids)
            return
        if spec.topic is Topic.SAMPLE:
            self._follow_sample(change.act)
            return
        if shown is Shown.NONE:
            return
        self._tab.show_toast("")
        if shown is Shown.NAMED and not self._refresh.isActive() and not self._preview:
            self._follow(change.cell_ids)
        else:
            self._refresh_soon(change.act)
        if change.of is not None:  # an undo or redo
            self._return_to(change.cell_ids)

    def _refresh_soon(self, kind: EventKind) -> None:
        """Update everything soon, once for several changes."""
        if kind == EventKind.DETECTOR_RUN:
            self._preview.clear()
        # Other cells, or others in the frame, and not only other classes.
        self._reshaped = self._reshaped or EVENT_SPECS[kind].reshapes or kind == EventKind.FRAME_SET
        delay = _WHILE_CLASSIFYING_MS if kind == EventKind.MODEL_RUN else 0
        if not self._refresh.isActive() or self._refresh.remainingTime() > delay:
            self._refresh.start(delay)

    def _follow(self, cell_ids: tuple[int, ...]) -> None:
        """Show a change of some cells at once."""
        case, ids = self.session.case, np.array(cell_ids, np.int64)
        columns = features_of(case, ids)
        self._smear_viewer.rings.update(ids, columns["class"], columns)
        self._smear_viewer.tell_features_soon()
        self._worklist.update(cell_ids)
        if self._selection.current in cell_ids and not self.leaving:
            self._shown_cell.show()
        else:
            self._shown_cell.show_progress()
        self._shown_cell.show_journal()
        self.cells_changed.emit(CellsChanged(cell_ids))

    def _follow_guesses(self, cell_ids: tuple[int, ...]) -> None:
        """Show what is predicted now. Every cell keeps its place, and an undo can still be offered."""
        self._worklist.follow_guesses()
        if not self._refresh.isActive() and not self._preview:
            self.guessed_rings.show(np.array(cell_ids, np.int64))
        if not self.leaving:
            self._shown_cell.show()
        self.cells_changed.emit(CellsChanged(cell_ids, guessed=True))

    def _follow_sample(self, kind: EventKind) -> None:
        """Show a sample review that begins, a new wave, or that all cells are reviewed instead."""
        self._worklist.follow_sample(begun=kind == EventKind.SAMPLE_BEGUN)
        if not self.leaving:
            self._shown_cell.show()
        self.cells_changed.emit(CellsChanged((), arranged=True))

    def _return_to(self, cell_ids: tuple[int, ...]) -> None:
        """Select the cells of an undo or redo, to show it in its place."""
        there = self.existing(np.array(cell_ids, np.int64))
        if len(there):
            self._selection.set(there, int(there[0]), go=True)

    def existing(self, cell_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the existing ones of some cells."""
        return cell_ids[np.isin(cell_ids, self.session.case.cells.cell_id)]

    def preview(self, cells: Cells) -> None:
        """Show rings of cells as they are found; only at the end they join the case and can be selected."""
        self._preview.append(cells)
        if not self._refresh.isActive():
            self._refresh.start(_WHILE_SEARCHING_MS)

    def end_preview(self) -> None:
        """Show only the cells of the case, after the search was stopped."""
        if self._preview:
            self._preview.clear()
            self.refresh_reshaped()

    def settle(self) -> None:
        """Show pending changes at once."""
        if self._refresh.isActive():
            self._refresh.stop()
            self.refresh()

    def refresh_reshaped(self) -> None:
        """Show the current case after cells were added or removed."""
        self._reshaped = True
        self.refresh()

    def refresh(self) -> None:
        """Show the current case."""
        case, reshaped, rings = self.session.case, self._reshaped, self._smear_viewer.rings
        self.guessed_rings.forget()
        if self._preview:
            rings.show(*with_preview(case, self._preview))
            self._smear_viewer.refresh_view()
        elif reshaped:
            rings.show(case.cells, case.effective_codes(), features(case))
            self._smear_viewer.refresh_view()
            self._reshaped = False
        else:
            rings.recolour(case.effective_codes(), features(case))
        self._worklist.update()
        if reshaped:
            self._shown_cell.crops.forget()
        self._drop_gone()
        self._shown_cell.show()
        self._shown_cell.show_journal()
        self.cells_changed.emit(CellsChanged(None, reshaped))

    def _drop_gone(self) -> None:
        """Deselect cells that no longer exist."""
        there = self.existing(self._selection.array)
        if len(there) < len(self._selection):
            self._selection.set(there)
