"""The look-alikes of the selected cell, found once the selection stops changing."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import CODES
from napari_bonemarrow.cytology.arrays import row_of, rows_of
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.inspector.lookalike_row import SIDE, LookalikeRow, Shown
from napari_bonemarrow.gui.similarity.cell_features import CellFeatures
from napari_bonemarrow.gui.widgets.crop_cache import CropCache
from napari_bonemarrow.workflow.lookalikes import Neighbours

_REST_MS = 60
"""Time from selection to the search for look-alikes: a key held down moves on faster."""

_CROPS_BYTES = 12 * 2**20


class LookalikeFinder(SmearPart):
    """The reviewed cells whose features are most similar to the current one's.

    In a second reading the row, like the case, shows only that reader's own labels.
    """

    shown = Signal()

    def __init__(
        self,
        session: Session,
        view: LookalikeRow,
        selection: Selection,
        cell_features: CellFeatures,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._view, self._selection, self._cell_features = view, selection, cell_features
        self._neighbours: Neighbours | None = None
        self._features: object = None
        self._crops = CropCache(self, _CROPS_BYTES)
        self._crops.arrived.connect(self._on_crops)
        self._rest = self.timer(_REST_MS, self._show)
        cell_features.changed.connect(self.refresh)
        self.follow(selection.changed, self.refresh)
        self.follow(view.chosen, self._on_chosen)
        self.follow(view.compare_requested, cell_features.start)

    def close(self) -> None:
        """Clear the row and release the crops."""
        super().close()
        self._crops.close()
        self._view.show_text("")

    def refresh(self, *_ignored: object) -> None:
        """Search again after a change of the selection or of classes."""
        self._rest.start()

    def go_to_most_alike(self) -> None:
        """Select the most similar of the shown cells."""
        if self._rest.isActive():
            self._rest.stop()
            self._show()
        if self._view.cell_ids:
            self._on_chosen(self._view.cell_ids[0])

    def _on_chosen(self, cell_id: int) -> None:
        self._selection.set((cell_id,), cell_id, True)

    def _show(self) -> None:
        session, cell = self.session, self._selection.current
        if cell is None:
            self._view.show_text("")
            return
        features = self._cell_features.features
        if features is None:
            self._say_why_not()
            return
        if self._neighbours is None or features is not self._features:
            self._neighbours, self._features = Neighbours(features), features
        table = session.case.table_view()
        rows = rows_of(table.cell_id, features.cell_id)
        found = self._neighbours.nearest(cell, table.reviewed[rows] & (rows >= 0))
        if not found:
            self._view.show_text(
                "This cell has not been compared with others."
                if found is None
                else "No other cell is reviewed yet: look-alikes show once some are.",
                can_compare=found is None and not self._cell_features.running,
            )
            return
        at = {each.cell_id: row_of(table.cell_id, each.cell_id) for each in found}
        shown = [Shown(each.cell_id, CODES[table.code[at[each.cell_id]]], each.distance) for each in found]
        self._view.show_cells(shown, {cell: self._crops.get(cell) for cell in at})
        self._crops.follow(session.slide)
        side = round(SIDE * self._view.devicePixelRatioF())
        self._crops.want({cell: (float(table.x[row]), float(table.y[row])) for cell, row in at.items()}, side)
        self.shown.emit()

    def _say_why_not(self) -> None:
        if self._cell_features.problem:
            self._view.show_text(self._cell_features.problem)
        elif self._cell_features.running:
            self._view.show_text("Comparing cells…")
        elif self._cell_features.missing:
            self._view.show_text("The cells have not been compared with one another.", can_compare=True)
        else:
            self._view.show_text("")

    def _on_crops(self, cell_ids: tuple[int, ...]) -> None:
        for cell in cell_ids:
            image = self._crops.get(cell)
            if image is not None:
                self._view.set_image(cell, image)
