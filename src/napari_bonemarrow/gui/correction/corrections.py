"""A reviewer's corrections of the selected cells: each key is one act, on the disk before it is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.correction import bulk_caution
from napari_bonemarrow.gui.correction.bulk_caution import BulkAct, BulkCaution
from napari_bonemarrow.gui.correction.case_acts import CaseActs
from napari_bonemarrow.gui.correction.case_sync import CaseSync
from napari_bonemarrow.gui.correction.navigation import Navigation
from napari_bonemarrow.gui.inspector import cell_info
from napari_bonemarrow.gui.inspector.review_tab import ReviewTab
from napari_bonemarrow.gui.keys.bindings import key_of


class Corrections(SmearPart):
    """Acts on the selected cells, and their addition and removal."""

    cell_added = Signal()

    def __init__(
        self,
        session: Session,
        tab: ReviewTab,
        selection: Selection,
        case_sync: CaseSync,
        navigation: Navigation,
        acts: CaseActs,
        caution: BulkCaution,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._tab, self._selection = tab, selection
        self._case_sync, self._navigation, self._acts, self._caution = case_sync, navigation, acts, caution

    def _act_on(self, many: BulkAct, *acts: Callable[[], object], leaves: bool = False) -> None:
        """Do an act on the selected cells, after a question if many; show a notice for several."""

        def do() -> None:
            if self._give(acts, leaves) and len(many.cells) > 1:
                self._tab.show_toast(many.done, key_of("undo"))

        self._caution.over(many, partial(self._acts.reviewer.over, do))

    def _give(self, acts: Sequence[Callable[[], object]], leaves: bool) -> bool:
        """Do an act; when moving on to the next cell, the inspector shows only that one."""
        self._case_sync.leaving = leaves
        try:
            done = all(self._acts.act(act) for act in acts)
        finally:
            self._case_sync.leaving = False
        if done and leaves:
            self._navigation.go_on()
        return done

    # classes, tags, comments ----------------------------------------------------------------------

    def label(self, code: str, *, go_on: bool | None = None) -> None:
        """Give the selected cells a class; ``""`` removes their labels.

        Parameters
        ----------
        code : str
        go_on : bool, optional
            Move on to the next cell of the work list if one cell was selected; by default as the reviewer
            has chosen.
        """
        cells = self._selection.ids
        if not cells or (code and code not in CLASSES):
            return
        wanted = self._navigation.goes_on if go_on is None else go_on
        leaves = wanted and bool(code) and len(cells) == 1
        case = self.session.case
        many = bulk_caution.giving(case, cells, code)
        self._act_on(many, lambda: case.set_label(cells, code or None), leaves=leaves)

    def tag(self, tag: str, on: bool | None = None) -> None:
        """Add a tag to the selected cells or remove it; None toggles the state of the current cell."""
        cells, current, case = self._selection.ids, self._selection.current, self.session.case
        if current is not None:
            wanted = tag not in case.tags.get(current, frozenset()) if on is None else on
            self._act_on(bulk_caution.tagging(cells, tag, wanted), lambda: case.set_tag(cells, tag, wanted))

    def flag(self, on: bool | None = None) -> None:
        """Flag the selected cells to be looked at again; None toggles the state of the current cell."""
        cells, case = self._selection.ids, self.session.case
        if cells:
            wanted = self._selection.current not in case.flags if on is None else on
            self._act_on(bulk_caution.flagging(cells, wanted), lambda: case.edits.set_flag(cells, wanted))

    def comment(self, text: str) -> None:
        """Write a comment on the current cell."""
        cell = self._selection.current
        if cell is not None:
            self._acts.act(lambda: self.session.case.edits.comment(cell, text))

    def guess(self, rank: int) -> None:
        """Give the selected cells the model's guess of this rank, from 1, for the current cell.

        While disagreements of two readers are settled, 1 and 2 are their classes.
        """
        case, cell = self.session.case, self._selection.current
        if cell is None:
            return
        ranked = cell_info.readers_classes(case, cell) or cell_info.guesses(case, cell)
        if len(ranked) >= rank:
            self.label(ranked[rank - 1].code)

    def accept(self) -> None:
        """Confirm the class of the selected cells; after a single cell, move on.

        With several cells each class is a separate act, so that undo takes back one after the other.
        """
        case, cells = self.session.case, self._selection.ids
        if not cells:
            self._navigation.next()
            return
        if any(cell_info.readers_classes(case, cell) for cell in cells):
            self._tab.show_notice("The readers differ: 1 or 2 settles it, or any class key.")
            return
        groups: dict[str, list[int]] = {}
        for cell in cells:
            groups.setdefault(case.effective_code(cell), []).append(cell)
        groups.pop("", None)
        acts = [partial(case.set_label, group, code) for code, group in groups.items()]
        if acts:
            self._act_on(bulk_caution.accepting(case, groups), *acts, leaves=len(cells) == 1)

    # undo, and other cells ------------------------------------------------------------------------

    def undo(self) -> None:
        """Take back the last correction, and go to its place."""
        if self.session.case.can_undo:
            self._acts.act(self.session.case.undo)

    def redo(self) -> None:
        """Repeat the act that was taken back."""
        if self.session.case.can_redo:
            self._acts.act(self.session.case.redo)

    def add(self, place: tuple[float, float] | None) -> None:
        """Add a missed cell."""
        if place is not None:
            self.reshape(lambda: self.session.case.cell_edits.add(*place))

    def reshape(self, act: Callable[[], int]) -> None:
        """Do an act that makes a cell, and show and select the cell at once."""
        made: list[int] = []
        if self._acts.act(lambda: made.append(act())):
            self._case_sync.refresh_reshaped()
            self._navigation.select(made[0], go=False)
            self.cell_added.emit()  # the model has not seen the new cell

    def remove(self) -> None:
        """Remove the selected cells, which are false detections."""
        cells = self._selection.ids
        if cells:
            case = self.session.case
            self._act_on(bulk_caution.removing(case, cells), lambda: case.cell_edits.remove(cells))
