"""The controller of the review: it connects clicks, keys and buttons with the selection and the case."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from qtpy.QtCore import QObject

from napari_bonemarrow.cytology.defaults import CROP_MICRONS_PER_PIXEL, CROP_SIZE
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.correction.bulk_accept import BulkAccept
from napari_bonemarrow.gui.correction.bulk_caution import BulkCaution
from napari_bonemarrow.gui.correction.case_acts import CaseActs
from napari_bonemarrow.gui.correction.case_learning import CaseLearning
from napari_bonemarrow.gui.correction.case_sync import CaseSync
from napari_bonemarrow.gui.correction.cell_menu import cell_menu
from napari_bonemarrow.gui.correction.corrections import Corrections
from napari_bonemarrow.gui.correction.heatmap_request import HeatmapRequest
from napari_bonemarrow.gui.correction.navigation import Navigation
from napari_bonemarrow.gui.correction.outline_request import OutlineRequest
from napari_bonemarrow.gui.correction.sample_progress import SampleProgress
from napari_bonemarrow.gui.correction.selected_cell import SelectedCell
from napari_bonemarrow.gui.correction.split_merge import SplitMerge
from napari_bonemarrow.gui.inspector.review_tab import ReviewTab
from napari_bonemarrow.gui.keys.bindings import Binding
from napari_bonemarrow.gui.widgets.notices import REVIEW, Notices
from napari_bonemarrow.gui.widgets.reviewer_name import ReviewerName
from napari_bonemarrow.review.worklist.worklist import WorkList


class ReviewController(SmearPart):
    """The controller of the Review tab, the rings and the keys, which follow the case."""

    def __init__(
        self,
        session: Session,
        smear_viewer: SmearViewer,
        tab: ReviewTab,
        selection: Selection,
        heatmap: HeatmapRequest,
        outline: OutlineRequest,
        reviewer: ReviewerName,
        tasks: Tasks,
        notices: Notices,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self.smear_viewer, self.tab, self.selection = smear_viewer, tab, selection
        self.heatmap, self.outline, self._notices = heatmap, outline, notices
        self.worklist = work = WorkList(session.case)
        self.shown_cell = shown = SelectedCell(
            session, smear_viewer, tab, selection, work, heatmap, outline, self
        )
        self.case_sync = CaseSync(session, smear_viewer, tab, selection, work, shown, self)
        self.acts = CaseActs(session, shown, reviewer, notices, self)
        self.caution = BulkCaution(session, tab, self)
        self.navigation = Navigation(session, tab, selection, work, shown, self)
        self.corrections = Corrections(
            session, tab, selection, self.case_sync, self.navigation, self.acts, self.caution, self
        )
        self.split_merge = SplitMerge(
            session, smear_viewer.rings, tab, selection, self.corrections, self.acts, self.caution, self
        )
        self.bulk_accept = BulkAccept(session, tab, selection, self.acts, self)
        self.sample_progress = SampleProgress(session, work, shown, self.acts, tasks, self)
        self.navigation.ask_for_more = self.sample_progress.hand_out
        self.learning = CaseLearning(session, tab, self.acts, tasks, notices, self)
        self.case_sync.cells_changed.connect(self._on_cells_changed)
        self._connect_tab()
        self.follow(smear_viewer.mouse.clicked, self._on_clicked)
        self.follow(smear_viewer.mouse.added_to_selection, self._on_added)
        self.follow(smear_viewer.mouse.menu_requested, self._on_menu)
        self.follow(smear_viewer.selected_outside, self._on_selected_outside)
        self.follow(selection.changed, self._on_selection)
        self.case_sync.refresh()

    def _connect_tab(self) -> None:
        tab, corrections, navigation = self.tab, self.corrections, self.navigation
        for signal, slot in (
            (tab.label_chosen, corrections.label),
            (tab.tag_toggled, corrections.tag),
            (tab.comment_written, corrections.comment),
            (tab.accept_requested, corrections.accept),
            (tab.undo_requested, corrections.undo),
            (tab.redo_requested, corrections.redo),
            (tab.remove_requested, corrections.remove),
            (tab.flag_toggled, corrections.flag),
            (tab.next_requested, navigation.next),
            (tab.back_requested, navigation.back),
            (tab.goes_on_toggled, navigation.set_goes_on),
            (tab.split_requested, self.split_merge.split),
            (tab.merge_requested, self.split_merge.merge),
            (tab.why_chosen, self._explain),
            (tab.outline_toggled, self._outline),
        ):
            self.follow(signal, slot)

    def close(self) -> None:
        """Clear the selection, which belongs to this smear."""
        super().close()
        self.selection.clear()

    def _on_cells_changed(self, _changed: object) -> None:
        self._notices.settle(REVIEW)

    # selecting ------------------------------------------------------------------------------------

    def _on_clicked(self, x: float, y: float) -> None:
        if not self.split_merge.click(x, y):
            self.navigation.select(self.smear_viewer.rings.nearest(x, y), go=False)
        self.smear_viewer.make_active()

    def _on_added(self, x: float, y: float) -> None:
        """Add a cell to the selection or remove it."""
        cell = self.smear_viewer.rings.nearest(x, y)
        if cell is not None and self.session.case.has_cell(cell):
            self.selection.toggle(cell)
            self.smear_viewer.make_active()

    def _on_menu(self, x: float, y: float) -> None:
        if self.session.case.read_only:
            return
        cell = self.smear_viewer.rings.nearest(x, y)
        if cell is None or cell not in self.selection.ids:
            self.navigation.select(cell, go=False)
        cell_menu(self.tab, self.selection, self.corrections, self.split_merge, self.bulk_accept, (x, y))

    def _on_selected_outside(self) -> None:
        """Follow a selection of points with napari's own tools, such as its features table."""
        selected = np.array(self.smear_viewer.rings.selected_outside(), np.int64)
        self.selection.set(self.case_sync.existing(selected))

    def _on_selection(self, go: bool) -> None:
        """Show a new selection."""
        self.split_merge.cancel()
        cell, rings = self.selection.current, self.smear_viewer.rings
        if rings.exists:
            rings.select(cell, self.selection.array)
        if cell is not None:
            self.worklist.visit(cell)
            if go:
                self.smear_viewer.view.go_to(*self.shown_cell.place(cell))
        self.shown_cell.show()

    # keys and explanations ------------------------------------------------------------------------

    def _explain(self, method: str) -> None:
        self.heatmap.set_method(method)
        self.shown_cell.show()

    def _outline(self, on: bool) -> None:
        self.outline.set_on(on)
        self.shown_cell.show()

    @property
    def asks(self) -> bool:
        """Return whether a question is open, during which all keys are ignored."""
        return self.caution.dialog is not None

    def press(self, binding: Binding) -> bool:
        """Run the command of a key; return whether it belongs to the review."""
        corrections, navigation = self.corrections, self.navigation
        acts: dict[str, Callable[[], object]] = {
            "next": navigation.next,
            "back": navigation.back,
            "accept": corrections.accept,
            "undo": corrections.undo,
            "redo": corrections.redo,
            "remove": corrections.remove,
            "split": self.split_merge.split,
            "merge": self.split_merge.merge,
            "bulk": self.bulk_accept.ask,
            "add": lambda: corrections.add(self.smear_viewer.mouse.place()),
            "clear": lambda: corrections.label(""),
            "label": lambda: corrections.label(binding.argument),
            "tag": lambda: corrections.tag(binding.argument),
            "flag": corrections.flag,
            "go_on": navigation.turn_goes_on,
            "select_class": navigation.select_class,
            "comment": self.tab.comment_box.setFocus,
            "guess": lambda: corrections.guess(int(binding.argument)),
            "explain": lambda: self._explain(self.heatmap.next_method()),
            "outline": lambda: self._outline(not self.outline.on),
            "full_crop": self._full_crop,
        }
        act = acts.get(binding.act)
        if act is None:
            return not self.asks and self.learning.press(binding)
        if not self.asks:
            act()
        return True

    def _full_crop(self) -> None:
        cell = self.selection.current
        if cell is not None:
            width_um = CROP_SIZE * CROP_MICRONS_PER_PIXEL
            self.smear_viewer.view.fill_view(*self.shown_cell.place(cell), width_um)
