"""Which cells the network sees alike: look-alikes in the inspector, and the map in a dock of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.keys.bindings import Binding
from napari_bonemarrow.gui.similarity.cell_features import CellFeatures
from napari_bonemarrow.gui.similarity.cell_map_controller import CellMapController
from napari_bonemarrow.gui.similarity.lookalike_finder import LookalikeFinder
from napari_bonemarrow.gui.similarity.map_dock import MapDock
from napari_bonemarrow.gui.widgets.theme import theme_colors

if TYPE_CHECKING:
    from napari_bonemarrow.gui.window.app_controller import AppController

DOCK = "Map of cells"


class SimilarityController(QObject):
    """Brings features, look-alikes and map together for one panel."""

    def __init__(self, controller: AppController) -> None:
        super().__init__(controller)
        self._controller, self._viewer = controller, controller.smear_viewer.viewer
        review, engine, tasks = controller.review, controller.engine, controller.tasks
        cell_search, view = controller.cell_search, controller.panel.review_tab.lookalikes
        self.cell_features = CellFeatures(engine, tasks, lambda: cell_search.running)
        self.lookalike_finder = LookalikeFinder(view, review.selection, self.cell_features)
        viewer = self._viewer
        self.map = MapDock(lambda: theme_colors(str(viewer.theme)))
        self.map.hide()
        self.map.setParent(controller.panel)  # until it has a dock, it ends with the panel
        self.map_controller = CellMapController(self.map, review, self.cell_features, engine, tasks)
        cell_search.stopped.connect(self.cell_features.follow_analysis)
        review.cells_changed.connect(self.lookalike_finder.follow)
        view.map_requested.connect(self.show_map)

    def open(self, session: Session) -> None:
        """Begin a session."""
        self.cell_features.model = self._controller.cell_search.model
        self.lookalike_finder.open(session)
        self.map_controller.open(session)
        self.cell_features.open(session)

    def close(self) -> None:
        """Forget the session."""
        self.map_controller.close()
        self.cell_features.close()
        self.lookalike_finder.close()

    def press(self, binding: Binding) -> bool:
        """Do what a key stands for, if it is one of these."""
        if binding.act == "map":
            self.show_map()
        elif binding.act == "lookalikes":
            self.lookalike_finder.go_to_most_alike()
        else:
            return False
        return True

    def show_map(self) -> None:
        """Bring the map to the front, in a dock below the smear, and give it the keyboard."""
        if self.map.parent() in (None, self._controller.panel):
            dock = self._viewer.window.add_dock_widget(self.map, name=DOCK, area="bottom", tabify=True)
            self._controller.keys.serve(self.map)
        else:
            dock = self.map.parentWidget()
        dock.show()
        dock.raise_()
        self.map.canvas.setFocus()

    def leave(self) -> None:
        """Take the map away: the panel is closed."""
        self.lookalike_finder.end()
        if self.map.parent() not in (None, self._controller.panel):
            self._viewer.window.remove_dock_widget(self.map)
        self.map.deleteLater()
