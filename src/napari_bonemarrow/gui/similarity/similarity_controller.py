"""The controller of similar cells: look-alikes in the inspector, and the map in its own dock."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject

from napari_bonemarrow.engine import Engine
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.correction.review_controller import ReviewController
from napari_bonemarrow.gui.keys.bindings import Binding
from napari_bonemarrow.gui.similarity.cell_features import CellFeatures
from napari_bonemarrow.gui.similarity.cell_map_controller import CellMapController
from napari_bonemarrow.gui.similarity.lookalike_finder import LookalikeFinder
from napari_bonemarrow.gui.similarity.map_dock import MapDock
from napari_bonemarrow.gui.widgets.docked import DockHost

DOCK = "Map of cells"


class SimilarityController(SmearPart):
    """The controller that connects features, look-alikes and map.

    Parameters
    ----------
    session : Session
    dock : MapDock
    review : ReviewController
    engine : Engine
    tasks : Tasks
    model : callable
        Returns the name of the model bundle in use.
    is_busy : callable
        Returns whether cells are being found or classified.
    docks : DockHost
    parent : QObject
    """

    def __init__(
        self,
        session: Session,
        dock: MapDock,
        review: ReviewController,
        engine: Engine,
        tasks: Tasks,
        model: Callable[[], str],
        is_busy: Callable[[], bool],
        docks: DockHost,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self.map, self._docks = dock, docks
        view, selection = review.tab.lookalikes, review.selection
        self.cell_features = CellFeatures(session, engine, tasks, model, is_busy, self)
        self.lookalike_finder = LookalikeFinder(session, view, selection, self.cell_features, self)
        self.map_controller = CellMapController(
            session, dock, selection, self.cell_features, engine, tasks, self
        )
        review.case_sync.cells_changed.connect(self.lookalike_finder.refresh)
        review.case_sync.cells_changed.connect(self.map_controller.follow_cells)
        self.follow(view.map_requested, self.show_map)
        self.cell_features.complete()

    def press(self, binding: Binding) -> bool:
        """Run the command of a key, if it is one of these."""
        if binding.act == "map":
            self.show_map()
        elif binding.act == "lookalikes":
            self.lookalike_finder.go_to_most_alike()
        else:
            return False
        return True

    def show_map(self) -> None:
        """Bring the map to the front and give it the keyboard focus."""
        self._docks.bring(self.map, DOCK)
        self.map.canvas.setFocus()
