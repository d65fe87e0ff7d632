"""The gallery of the open case, kept equal to the case, in a dock below the smear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Qt

from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.correction.case_sync import CellsChanged
from napari_bonemarrow.gui.gallery.gallery_dock import GalleryDock
from napari_bonemarrow.gui.widgets.theme import theme_colors
from napari_bonemarrow.review import SETTLING

if TYPE_CHECKING:
    from napari_bonemarrow.gui.window.app_controller import AppController

DOCK = "Cells"


class GalleryController(QObject):
    """Brings work list, selection and gallery together for one panel.

    The work list follows the case by itself before `cells_changed`; here it is only looked at.
    """

    def __init__(self, controller: AppController) -> None:
        super().__init__(controller)
        self._controller, self._viewer = controller, controller.smear_viewer.viewer
        self._review = review = controller.review
        self._session: Session | None = None
        self._arranged: object = None
        viewer, tab = self._viewer, controller.panel.review_tab
        self.dock = GalleryDock(review.selection, lambda: theme_colors(str(viewer.theme)))
        self.dock.hide()
        self.dock.setParent(controller.panel)  # until it has a dock, it ends with the panel
        self.dock.became_visible.connect(self.refresh)
        self.dock.asked.connect(controller.view_state.touch)
        self.dock.asked.connect(review.selection.keep_one)
        self.dock.view.opened.connect(controller.keys.focus_smear)
        tab.gallery_requested.connect(self.show)
        tab.grid.cells_dropped.connect(self._on_dropped)
        self.dock.view.cells_dropped.connect(self._on_dropped)
        review.cells_changed.connect(self._on_cells)
        review.selection.changed.connect(self._on_selection)
        review.acts["gallery"] = self.show
        review.acts["inspector"] = self._show_inspector

    def open(self, session: Session) -> None:
        """Begin a session."""
        self._session = session
        self.refresh()

    def close(self) -> None:
        """Forget the session."""
        self._session = self._arranged = None
        self.dock.store.open(None)
        self.dock.show_list(None, "Open a smear to see its cells.")

    def refresh(self) -> None:
        """Show the list as it is; nothing is done while nobody sees it."""
        session, work = self._session, self._review.worklist
        if session is None or work is None or not self.dock.isVisible():
            return
        self.dock.store.follow(session.slide)
        none = "" if len(session.case.cells) else "No cells yet: find them in the Slide tab."
        self._arranged = work.rows
        self.dock.show_list(work, none)
        self._show_settling()

    def _show_settling(self) -> None:
        self.dock.show_settling(self._session.case.reading == SETTLING)

    def _on_cells(self, changed: CellsChanged) -> None:
        if self._session is None:
            return
        if changed.reshaped:
            self.dock.store.forget()
        if not self.dock.isVisible():
            return
        if changed.ids is None or changed.reshaped:
            self.refresh()
        else:
            self.dock.follow(changed.ids)

    def _on_selection(self, _go: bool = False) -> None:
        """Follow, and notice where the list was arranged elsewhere, as when settling begins."""
        work = self._review.worklist
        if work is not None and work.rows is not self._arranged:
            self.refresh()
        else:
            self.dock.view.follow_selection()

    def _on_dropped(self, code: str, cell_ids: tuple[int, ...]) -> None:
        """Give cells that were dragged onto a class, or into its group, that class, in one act."""
        if self._session is None:
            return
        there = tuple(cell for cell in cell_ids if self._session.case.has_cell(cell))
        if there:
            self._review.selection.set(there)
            self._review.label(code, go_on=False)

    # the dock -------------------------------------------------------------------------------------

    def show(self) -> None:
        """Bring the gallery to the front, in a dock below the smear, and give it the keyboard."""
        if self.dock.parent() in (None, self._controller.panel):
            dock = self._viewer.window.add_dock_widget(self.dock, name=DOCK, area="bottom", tabify=True)
            self._controller.keys.serve(self.dock)
            # The panel keeps its height: the classes that cells are dragged onto stay in view.
            dock.window().setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        else:
            dock = self.dock.parentWidget()
        dock.show()
        dock.raise_()
        self.dock.view.setFocus()

    def _show_inspector(self) -> None:
        """Give the keyboard to the Review tab."""
        panel = self._controller.panel
        panel.show_review()
        panel.review_tab.next_button.setFocus()

    def leave(self) -> None:
        """Take the gallery away: the panel is closed."""
        self.dock.store.close()
        if self.dock.parent() not in (None, self._controller.panel):
            self._viewer.window.remove_dock_widget(self.dock)
        self.dock.deleteLater()
