"""Rings and inspector follow the case: every change that is on the disk is shown, and only that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_bonemarrow.cytology import BoneMarrowError, Cells
from napari_bonemarrow.gui import describe
from napari_bonemarrow.gui.describe import Session
from napari_bonemarrow.gui.explaining import Explaining
from napari_bonemarrow.gui.outlining import Outlining
from napari_bonemarrow.gui.preview import with_preview
from napari_bonemarrow.gui.selection import Selection
from napari_bonemarrow.gui.stage import Stage
from napari_bonemarrow.gui.views.review_tab import ReviewTab

RESHAPING = frozenset(
    {"cell added", "cell removed", "cell split", "cells merged", "detector run", "region and target set"}
)
"""Changes after which there are other cells, or others in the frame, and not only other classes."""

_WHILE_SEARCHING_MS = 1500
_WHILE_CLASSIFYING_MS = 300
"""Chunks of classes come many times a second: drawing each would take the core that makes the next."""


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


class Showing(QObject):
    """The Review tab and the rings, kept equal to the case. Use it as `Review`."""

    cells_changed = Signal(object)  # CellsChanged, after rings and inspector show it
    counted_anew = Signal()

    def __init__(
        self,
        stage: Stage,
        tab: ReviewTab,
        explaining: Explaining,
        outlining: Outlining,
        on_error: Callable[[BoneMarrowError], None],
    ) -> None:
        super().__init__(stage)
        self.stage, self.tab = stage, tab
        self.explaining, self.outlining = explaining, outlining
        self.on_error = on_error
        self.session: Session | None = None
        self.selection = Selection(self)
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
        session.case.changed.connect(self._on_changed)
        self._reshaped = True
        self.refresh()

    def close(self) -> None:
        """Forget the session."""
        if self.session is not None:
            self.session.case.changed.disconnect(self._on_changed)
        self.session = None
        self.selection.clear()
        self._preview.clear()
        self._refresh.stop()
        self.explaining.forget()
        self.outlining.forget()
        self.tab.show_cell(None, "Open a smear and find its cells first.")
        self.tab.show_journal(False, False, False)

    def _on_changed(self, change: Any) -> None:
        """The case has it on disk: now the screen may show it."""
        kind = str(getattr(change, "of", None) or change.kind)
        if kind == "tiles searched":
            return
        if kind == "detector run":
            self._preview.clear()
        self._reshaped = self._reshaped or kind in RESHAPING
        if str(change.kind) in {"undo", "redo"} and change.cell_ids:
            self._return_to(change.cell_ids)
        delay = _WHILE_CLASSIFYING_MS if kind == "model run" else 0
        if not self._refresh.isActive() or self._refresh.remainingTime() > delay:
            self._refresh.start(delay)

    def _return_to(self, cell_ids: tuple[int, ...]) -> None:
        """Select what an undo or redo was about: it is shown where it was made."""
        case = self.session.case
        there = [cell for cell in cell_ids if case.has_cell(cell)]
        if there:
            self.selection.set(there, there[0], go=True)

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
            self.stage.overlay.show(*with_preview(case, self._preview))
            self.stage.refresh_view()
        elif reshaped:
            self.stage.overlay.show(case.cells, case.effective_codes(), describe.features(case))
            self.stage.refresh_view()
            self._reshaped = False
        else:
            self.stage.overlay.recolour(case.effective_codes(), describe.features(case))
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
        chosen = self.selection.array
        there = np.isin(chosen, self.session.case.cells.cell_id)
        if not there.all():
            self.selection.set(chosen[there])

    # the inspector --------------------------------------------------------------------------------

    def place(self, cell_id: int) -> tuple[float, float]:
        """Return a cell's centre in level-0 pixels (x, y)."""
        cells = self.session.case.cells
        at = int(np.searchsorted(cells.cell_id, cell_id))
        return float(cells.x[at]), float(cells.y[at])

    def _show_selected(self) -> None:
        session = self.session
        if session is None:
            return
        info = None if self.selected is None else describe.cell_info(session, self.selected)
        self.tab.show_marked(max(len(self.selection) - 1, 0))
        if not len(session.case.cells):
            hint = "No cells yet: find them in the Slide tab."
        else:
            hint = "Click a cell on the smear, or press Space for the one that is least certain."
        self.tab.show_cell(info, hint)
        if info is None:
            self.explaining.hide()
            self.outlining.hide()
        else:
            place = self.place(info.cell_id)
            self.explaining.follow(session, info, *place)
            self.outlining.follow(session, *place)
