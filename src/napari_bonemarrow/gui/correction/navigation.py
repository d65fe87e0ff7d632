"""Navigation through the cells: to the next of the work list, back, and to all of a class."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject

from napari_bonemarrow.cytology import CODES
from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.core.sample_figures import goal_text
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.correction.selected_cell import SelectedCell
from napari_bonemarrow.gui.inspector.review_tab import ReviewTab
from napari_bonemarrow.gui.keys.bindings import key_of
from napari_bonemarrow.review.worklist.worklist import WorkList


class Navigation(SmearPart):
    """The selection of one cell after another."""

    def __init__(
        self,
        session: Session,
        tab: ReviewTab,
        selection: Selection,
        worklist: WorkList,
        shown_cell: SelectedCell,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._tab, self._selection, self._worklist = tab, selection, worklist
        self._shown_cell = shown_cell
        self.ask_for_more: Callable[[], object] = lambda: None
        """Asks for more cells where none waits: the next wave of a sample."""
        self.goes_on = settings.goes_on()
        tab.show_goes_on(self.goes_on)

    def set_goes_on(self, on: bool) -> None:
        """Set whether a class key moves on to the next cell."""
        self.goes_on = on
        settings.set_goes_on(on)
        self._tab.show_goes_on(on)

    def turn_goes_on(self) -> None:
        """Toggle whether a class key moves on to the next cell."""
        self.set_goes_on(not self.goes_on)

    def select(self, cell_id: int | None, *, go: bool) -> None:
        """Select a cell, or none; ``go`` brings it into view."""
        self._selection.set(() if cell_id is None else (cell_id,), cell_id, go)

    def next(self) -> None:
        """Go to the next cell of the work list; where none waits, to the next wave of a sample."""
        if self._worklist.next(self._selection.current) is None:
            self.ask_for_more()
        self.go_on()

    def go_on(self) -> None:
        """Go to the next cell of the work list, or say that none waits."""
        cell = self._worklist.next(self._selection.current)
        if cell is None:
            self._selection.keep_one()
            self._shown_cell.show()
            self._tab.show_done(self._done_text())
        else:
            self.select(cell, go=True)

    def _done_text(self) -> str:
        """Return that no cell, or no listed cell, is left to review."""
        work, sample = self._worklist, self.session.case.sample
        reviewed, counted = work.progress
        if reviewed >= counted:
            return "Every counted cell has been reviewed."
        if sample.in_progress and not work.sample_left:
            if sample.goal is not None:
                return f"{goal_text(sample.goal)}: count and sign, or take another wave in the Count tab."
            return (
                f"Wave {sample.wave} is done: {key_of('next') or 'Next'} for another one, or count and sign."
            )
        return "No cell of this list waits: change its filter."

    def back(self) -> None:
        """Go back to the previous cell."""
        cell = self._worklist.back()
        if cell is not None:
            self.select(cell, go=True)

    def select_class(self) -> None:
        """Select every cell of the work list that has the current cell's class.

        A cell that only keeps its place in the list, since it was relabelled there and no longer passes the
        filter, is left out.
        """
        cell = self._selection.current
        if cell is None:
            return
        columns, rows = self._worklist.columns, self._worklist.asked_rows
        wanted = CODES.index(self.session.case.effective_code(cell))
        found = columns.cell_id[rows[columns.code[rows] == wanted]]
        if len(found):
            self._selection.set(found, cell)
