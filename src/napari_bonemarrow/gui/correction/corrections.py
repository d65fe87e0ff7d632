"""What a reviewer does to the selected cells: each key is one act, on the disk before it is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from qtpy.QtCore import Signal

from napari_bonemarrow.cytology import CLASSES, CODES, BoneMarrowError
from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.correction import bulk_caution
from napari_bonemarrow.gui.correction.bulk_caution import BulkAct, BulkCaution
from napari_bonemarrow.gui.correction.case_sync import CaseSync
from napari_bonemarrow.gui.correction.split_merge import SplitMerge
from napari_bonemarrow.gui.inspector import cell_info
from napari_bonemarrow.gui.keys.bindings import key_of


class Corrections(CaseSync):
    """Acts on the selected cells, and the way through them. Use it as `ReviewController`."""

    cell_added = Signal()

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.split_merge = SplitMerge(self)
        self.caution = BulkCaution(self.tab)
        self.goes_on = settings.goes_on()

    def act(self, act: Callable[[], Any]) -> bool:
        """Do something to the case; what could not be written is not shown.

        Nothing is written under a name that nobody has given: the name is asked for, and False returned.
        """
        if not self.reviewer.known:
            self.reviewer.ask()
            return False
        try:
            act()
        except BoneMarrowError as error:
            self.on_error(error)
            self._show_selected()  # a box that was ticked says again what the case says
            return False
        return True

    def _act_on(self, many: BulkAct, *acts: Callable[[], Any], leaves: bool = False) -> None:
        """Do something to the selected cells, asked for first where they are many; say so where several."""
        session = self.session

        def do() -> None:
            if self.session is session and self._give(acts, leaves) and len(many.cells) > 1:
                self.tab.show_toast(many.done, key_of("undo"))

        self.caution.over(many, partial(self.reviewer.over, do))

    # classes, tags, comments ----------------------------------------------------------------------

    def label(self, code: str, *, go_on: bool | None = None) -> None:
        """Give the selected cells a class; ``""`` takes their labels off.

        Parameters
        ----------
        code : str
        go_on : bool, optional
            Go on to the next cell of the work list where one cell was selected; left out, as the reviewer
            has chosen it.
        """
        cells = self.selection.ids
        if not cells or (code and code not in CLASSES):
            return
        wanted = self.goes_on if go_on is None else go_on
        leaves = wanted and bool(code) and len(cells) == 1
        case = self.session.case
        many = bulk_caution.giving(case, cells, code)
        self._act_on(many, lambda: case.set_label(cells, code or None), leaves=leaves)

    def tag(self, tag: str, on: bool | None = None) -> None:
        """Put a tag on the selected cells or take it off; None is the other of what the current cell has."""
        cells = self.selection.ids
        if cells:
            case = self.session.case
            wanted = tag not in case.tags.get(self.selected, frozenset()) if on is None else on
            self._act_on(bulk_caution.tagging(cells, tag, wanted), lambda: case.set_tag(cells, tag, wanted))

    def flag(self, on: bool | None = None) -> None:
        """Flag the selected cells to be looked at again; None is the other of what the current cell has."""
        cells = self.selection.ids
        if cells:
            case = self.session.case
            wanted = self.selected not in case.flags if on is None else on
            self._act_on(bulk_caution.flagging(cells, wanted), lambda: case.edits.set_flag(cells, wanted))

    def comment(self, text: str) -> None:
        """Write a comment on the current cell."""
        cell = self.selected
        if cell is not None:
            self.act(lambda: self.session.case.edits.comment(cell, text))

    def guess(self, rank: int) -> None:
        """Give the selected cells the model's guess of this rank on the current one, from 1.

        Where two readers differ and are being settled, 1 and 2 are their classes.
        """
        if self.selected is None:
            return
        case = self.session.case
        ranked = cell_info.readers_classes(case, self.selected) or cell_info.guesses(case, self.selected)
        if len(ranked) >= rank:
            self.label(ranked[rank - 1].code)

    def accept(self) -> None:
        """Confirm the class that the selected cells have; a single one, and go on.

        Of several cells each class is an act of its own, so that undo takes back one after the other.
        """
        if self.selected is None:
            self.next()
            return
        case, groups = self.session.case, {}
        if any(cell_info.readers_classes(case, cell) for cell in self.selection.ids):
            self.tab.show_notice("The readers differ: 1 or 2 settles it, or any class key.")
            return
        for cell in self.selection.ids:
            groups.setdefault(case.effective_code(cell), []).append(cell)
        groups.pop("", None)
        acts = [partial(case.set_label, cells, code) for code, cells in groups.items()]
        if acts:
            self._act_on(bulk_caution.accepting(case, groups), *acts, leaves=len(self.selection) == 1)

    def _give(self, acts: Sequence[Callable[[], Any]], leaves: bool) -> bool:
        """Act; where one leaves the cell for the next, the inspector shows that one alone."""
        self._leaving = leaves
        try:
            done = all(self.act(act) for act in acts)
        finally:
            self._leaving = False
        if done and leaves:
            self.next()
        return done

    def set_goes_on(self, on: bool) -> None:
        """Choose whether a class key goes on to the next cell."""
        self.goes_on = on
        settings.set_goes_on(on)
        self.tab.show_goes_on(on)

    # the way through the cells --------------------------------------------------------------------

    def select(self, cell_id: int | None, *, go: bool) -> None:
        """Select a cell, or none; ``go`` brings it into view."""
        self.selection.set(() if cell_id is None else (cell_id,), cell_id, go)

    def next(self) -> None:
        """Go to the next cell of the work list."""
        if self.session is None:
            return
        cell = self.worklist.next(self.selected)
        if cell is None:
            reviewed, counted = self.worklist.progress
            self.selection.keep_one()
            self._show_selected()
            self.tab.show_done(everything=reviewed >= counted)
        else:
            self.select(cell, go=True)

    def back(self) -> None:
        """Go back to the cell before."""
        cell = None if self.session is None else self.worklist.back()
        if cell is not None:
            self.select(cell, go=True)

    def select_class(self) -> None:
        """Select every cell of the work list that is of the current one's class.

        A cell that only keeps its place in the list, since it was relabelled there and the filter no longer
        asks for it, is left out.
        """
        if self.selected is None:
            return
        columns, rows = self.worklist.columns, self.worklist.asked_rows
        wanted = CODES.index(self.session.case.effective_code(self.selected))
        found = columns.cell_id[rows[columns.code[rows] == wanted]]
        if len(found):
            self.selection.set(found, self.selected)

    # undo, and other cells ------------------------------------------------------------------------

    def undo(self) -> None:
        """Take the last correction back, and go where it was made."""
        if self.session is not None and self.session.case.can_undo:
            self.act(self.session.case.undo)

    def redo(self) -> None:
        """Repeat what was taken back."""
        if self.session is not None and self.session.case.can_redo:
            self.act(self.session.case.redo)

    def add(self, place: tuple[float, float] | None) -> None:
        """Add a cell that was missed."""
        if self.session is None or place is None:
            return
        made: list[int] = []
        if self.act(lambda: made.append(self.session.case.cell_edits.add(*place))):
            self.show_reshaped(made[0])
            self.cell_added.emit()

    def remove(self) -> None:
        """Remove the selected cells: they are none."""
        cells = self.selection.ids
        if cells:
            case = self.session.case
            self._act_on(bulk_caution.removing(case, cells), lambda: case.cell_edits.remove(cells))

    def split(self) -> None:
        """Make two cells of the current one."""
        self.split_merge.split(key_of("split"))

    def show_reshaped(self, cell: int) -> None:
        """Show at once what was made of other cells, and select it."""
        self._reshaped = True
        self.refresh()
        self.select(cell, go=False)
