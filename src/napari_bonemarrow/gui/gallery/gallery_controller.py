"""The controller of the open smear's gallery, in a dock below the smear."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.correction.case_sync import CellsChanged
from napari_bonemarrow.gui.correction.review_controller import ReviewController
from napari_bonemarrow.gui.gallery.gallery_dock import GalleryDock
from napari_bonemarrow.gui.keys.bindings import Binding
from napari_bonemarrow.gui.widgets.docked import DockHost
from napari_bonemarrow.review import SETTLING

DOCK = "Cells"


class GalleryController(SmearPart):
    """The controller that connects work list, selection and gallery.

    The work list is updated before `CaseSync.cells_changed`; here it is only read.
    """

    inspector_wanted = Signal()

    def __init__(
        self,
        session: Session,
        dock: GalleryDock,
        review: ReviewController,
        docks: DockHost,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self.dock, self._review, self._docks = dock, review, docks
        self._arranged: object = None
        tab = review.tab
        for signal, slot in (
            (dock.became_visible, self.refresh),
            (dock.asked, review.selection.keep_one),
            (dock.view.cells_dropped, self._on_dropped),
            (tab.grid.cells_dropped, self._on_dropped),
            (tab.gallery_requested, self.show),
            (review.selection.changed, self._on_selection),
        ):
            self.follow(signal, slot)
        review.case_sync.cells_changed.connect(self._on_cells)
        self.refresh()

    def close(self) -> None:
        """Show that no smear is open."""
        super().close()
        self.dock.store.open(None)
        self.dock.show_list(None, "Open a smear to see its cells.")

    def press(self, binding: Binding) -> bool:
        """Run the command of a key, if it is one of these."""
        if binding.act == "gallery":
            self.show()
        elif binding.act == "inspector":
            self.inspector_wanted.emit()
        else:
            return False
        return True

    def refresh(self) -> None:
        """Show the current list; nothing is done while the gallery is hidden."""
        case, work = self.session.case, self._review.worklist
        if not self.dock.isVisible():
            return
        self.dock.store.follow(self.session.slide)
        none = "" if len(case.cells) else "No cells yet: find them in the Slide tab."
        self._arranged = work.rows
        self.dock.show_list(work, none)
        self.dock.show_settling(case.reading == SETTLING)

    def _on_cells(self, changed: CellsChanged) -> None:
        if changed.reshaped:
            self.dock.store.forget()
        if not self.dock.isVisible():
            return
        if changed.ids is None or changed.reshaped or changed.arranged:
            self.refresh()
        else:
            self.dock.follow(changed.ids)
            if changed.guessed:  # percentages in view
                existing(self.dock.view.viewport()).update()

    def _on_selection(self, _go: bool = False) -> None:
        """Follow the selection and a list arranged elsewhere, as when settling begins."""
        if self._review.worklist.rows is not self._arranged:
            self.refresh()
        else:
            self.dock.view.follow_selection()

    def _on_dropped(self, code: str, cell_ids: tuple[int, ...]) -> None:
        """Give cells dragged onto a class, or into its group, that class, in one act."""
        there = tuple(cell for cell in cell_ids if self.session.case.has_cell(cell))
        if there:
            self._review.selection.set(there)
            self._review.corrections.label(code, go_on=False)

    def show(self) -> None:
        """Bring the gallery to the front and give it the keyboard focus."""
        # The panel keeps its height: the classes on which cells are dropped stay visible.
        self._docks.bring(self.dock, DOCK, below_panel=False)
        self.dock.view.setFocus()
