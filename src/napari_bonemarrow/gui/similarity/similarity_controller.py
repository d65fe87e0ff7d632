"""Which cells the network sees alike: look-alikes in the inspector, and the map in a dock of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.keys.bindings import Binding
from napari_bonemarrow.gui.similarity.cell_features import Embedding
from napari_bonemarrow.gui.similarity.cell_map_controller import Mapping
from napari_bonemarrow.gui.similarity.lookalike_finder import Comparing
from napari_bonemarrow.gui.similarity.map_dock import CellMap
from napari_bonemarrow.gui.widgets.theme import theme_colors

if TYPE_CHECKING:
    from napari_bonemarrow.gui.window.app_controller import Coordinator

DOCK = "Map of cells"


class Likeness(QObject):
    """Brings features, look-alikes and map together for one panel."""

    def __init__(self, coordinator: Coordinator) -> None:
        super().__init__(coordinator)
        self._coordinator, self._viewer = coordinator, coordinator.stage.viewer
        review, engine, runner = coordinator.review, coordinator.engine, coordinator.runner
        analysis, view = coordinator.analysis, coordinator.panel.review_tab.lookalikes
        self.embedding = Embedding(engine, runner, lambda: analysis.running)
        self.comparing = Comparing(view, review.selection, self.embedding)
        viewer = self._viewer
        self.map = CellMap(lambda: theme_colors(str(viewer.theme)))
        self.map.hide()
        self.map.setParent(coordinator.panel)  # until it has a dock, it ends with the panel
        self.mapping = Mapping(self.map, review, self.embedding, engine, runner)
        analysis.stopped.connect(self.embedding.follow_analysis)
        review.cells_changed.connect(self.comparing.follow)
        view.map_requested.connect(self.show_map)

    def open(self, session: Session) -> None:
        """Begin a session."""
        self.embedding.model = self._coordinator.analysis.model
        self.comparing.open(session)
        self.mapping.open(session)
        self.embedding.open(session)

    def close(self) -> None:
        """Forget the session."""
        self.mapping.close()
        self.embedding.close()
        self.comparing.close()

    def press(self, binding: Binding) -> bool:
        """Do what a key stands for, if it is one of these."""
        if binding.act == "map":
            self.show_map()
        elif binding.act == "lookalikes":
            self.comparing.go_to_most_alike()
        else:
            return False
        return True

    def show_map(self) -> None:
        """Bring the map to the front, in a dock below the smear, and give it the keyboard."""
        if self.map.parent() in (None, self._coordinator.panel):
            dock = self._viewer.window.add_dock_widget(self.map, name=DOCK, area="bottom", tabify=True)
            self._coordinator.keys.serve(self.map)
        else:
            dock = self.map.parentWidget()
        dock.show()
        dock.raise_()
        self.map.canvas.setFocus()

    def leave(self) -> None:
        """Take the map away: the panel is closed."""
        self.comparing.end()
        if self.map.parent() not in (None, self._coordinator.panel):
            self._viewer.window.remove_dock_widget(self.map)
        self.map.deleteLater()
