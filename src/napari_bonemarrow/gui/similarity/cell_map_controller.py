"""The controller of the map of cells: made on request, kept in the case, linked with the selection."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.cytology.arrays import rows_of
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.engine import Engine, layout_method
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.correction.case_sync import CellsChanged
from napari_bonemarrow.gui.similarity.cell_features import CellFeatures
from napari_bonemarrow.gui.similarity.map_dock import MapDock

FEWEST = 10
"""Least number of cells for a map."""
_SEED = 0
_TICK_MS = 1000


class CellMapController(SmearPart):
    """The controller that updates the map's view from the case and the selection.

    Before a map is made the view shows the cells on the two principal axes of their features, which cost
    nothing, with a note.
    """

    made = Signal()

    def __init__(
        self,
        session: Session,
        view: MapDock,
        selection: Selection,
        cell_features: CellFeatures,
        engine: Engine,
        tasks: Tasks,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self.view, self._selection, self._cell_features = view, selection, cell_features
        self._engine, self._tasks = engine, tasks
        self._ids: NDArray[np.int64] = np.empty(0, np.int64)
        self._loose: tuple[NDArray[np.int64], NDArray[np.float32]] | None = None
        self._worker: Any = None
        self._wanted, self._since, self._problem = False, 0.0, ""
        self._part = 0.0
        self._prepared = False
        self._tick = QTimer(self)
        self._tick.setInterval(_TICK_MS)
        self._tick.timeout.connect(self._say)
        for signal, slot in (
            (view.make_requested, self.make),
            (view.stop_requested, self.stop),
            (view.became_visible, self.refresh),
            (view.canvas.picked, self._on_picked),
            (view.canvas.lassoed, self._on_lassoed),
            (selection.changed, self._on_selection),
        ):
            self.follow(signal, slot)
        cell_features.changed.connect(self.refresh)
        cell_features.stopped.connect(self._on_embedded)
        cell_features.progressed.connect(self._on_progressed)
        self.refresh()

    def close(self) -> None:
        """Stop making a map, and show none."""
        self.stop()
        super().close()
        self.view.canvas.set_points(np.empty((0, 2), np.float32), np.empty(0, np.int8))
        self.view.show_state("")

    # layout -------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Return whether a map is being made."""
        return self._wanted

    def make(self) -> None:
        """Make the map, after computing missing features."""
        if self._wanted:
            return
        self._wanted, self._since, self._problem, self._part = True, time.monotonic(), "", 0.0
        self._tick.start()
        if self._cell_features.missing:
            self._cell_features.start()
        if not self._cell_features.running:
            self._lay_out()
        self._say()

    def stop(self) -> None:
        """Stop making the map, and end its child process."""
        self._tick.stop()
        wanted, self._wanted = self._wanted, False
        worker, self._worker = self._worker, None
        if worker is not None:
            self._tasks.cancel(worker)
        self._end_layout()
        if wanted:
            self._say()

    def _prepare(self) -> None:
        """Start the child process while a map could be requested: its start is half the wait."""
        count = len(self.session.case.cells)
        few = count >= FEWEST and layout_method(count) == "t-SNE"
        if few and self._map() is None and not self._prepared:
            self._prepared = True
            self._engine.prepare_layout()

    def _end_layout(self) -> None:
        """End the child process to release its memory."""
        if self._prepared:
            self._prepared = False
            self._engine.end_layout()

    def _on_progressed(self, _text: str, part: float) -> None:
        self._part = part
        if self._wanted:
            self._say()

    def _on_embedded(self) -> None:
        if self._wanted and self._worker is None:
            self._lay_out()

    def _lay_out(self) -> None:
        features = self._cell_features.features
        if features is None or len(features) < FEWEST:
            count = 0 if features is None else len(features)
            self._fail_with(self._cell_features.problem or f"{count_of(count, 'cell')}: too few for a map.")
            return
        ids = features.cell_id
        self._prepared = True
        try:
            future = self._engine.lay_out(features.values, _SEED)
        except BoneMarrowError as error:
            self._on_failed(error)
            return
        self._worker = self._tasks.wait_for(future, lambda xy: self._take(ids, xy), self._on_failed)

    def _take(self, ids: NDArray[np.int64], xy: NDArray[np.float32]) -> None:
        self._worker, self._wanted = None, False
        self._tick.stop()
        self._end_layout()
        case = self.session.case
        try:
            if case.read_only or case.is_signed:
                self._loose = (ids, xy)
            else:
                case.model.record_map(ids, xy, {"method": layout_method(len(ids)), "seed": _SEED})
        except BoneMarrowError as error:
            self._on_failed(error)
            return
        self.refresh()
        self.made.emit()

    def _on_failed(self, error: BoneMarrowError) -> None:
        self._fail_with(" ".join(str(error).split()))

    def _fail_with(self, text: str) -> None:
        self._worker, self._wanted, self._problem = None, False, text
        self._tick.stop()
        self._say()

    # display -------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the current map of the case; nothing is done while it is hidden."""
        if not self.view.isVisible():
            return
        ids, xy = self._placed()
        table = self.session.case.table_view()
        there = np.isin(ids, table.cell_id)
        self._ids = ids[there]
        codes = table.code[rows_of(table.cell_id, self._ids)]
        self.view.canvas.set_points(xy[there], codes)
        self._on_selection()
        self._say()
        self._prepare()

    def _map(self) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None:
        return self._loose or self.session.case.model.cell_map

    def _placed(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the cells with a place, ascending, and their places."""
        known = self._map()
        if known is not None:
            return known
        features = self._cell_features.features
        if features is None or features.values.shape[1] < 2:
            return np.empty(0, np.int64), np.empty((0, 2), np.float32)
        return features.cell_id, features.values[:, :2].astype(np.float32)

    def _say(self) -> None:
        if self._wanted:
            seconds = int(time.monotonic() - self._since)
            self.view.show_state(f"{self._doing()} · {seconds} s", running=True)
        elif self._problem:
            self.view.show_state(self._problem, can_make=True, warning=True)
        else:
            self._say_what_is_shown()

    def _doing(self) -> str:
        if self._worker is None:
            return f"Comparing cells · {self._part:.0%}"
        method = layout_method(len(self._cell_features.features or ()))
        long = "" if method == "t-SNE" else ", usually about a minute"
        return f"Laying cells out ({method}{long})"

    def _method(self) -> str:
        """Return the method of the shown map."""
        return layout_method(len(self._loose[0])) if self._loose else self.session.case.model.map_method

    def _say_what_is_shown(self) -> None:
        total, known = len(self.session.case.cells), self._map()
        if known is not None:
            without = total - len(known[0])
            text = f"{count_of(len(known[0]), 'cell')} by what the network sees ({self._method()}). "
            text += "Drag around a cluster to select it."
            if without > 0:
                text += f" Not on it: {count_of(without, 'cell')} that came later."
            self.view.show_state(text, can_make=without > 0)
        elif len(self._ids):
            text = (
                f"{count_of(len(self._ids), 'cell')} on their two principal axes: a sketch "
                f"until the map is made."
            )
            self.view.show_state(text, can_make=len(self._ids) >= FEWEST)
        elif self._cell_features.missing:
            self.view.show_state("The network has not compared these cells yet.", can_make=True)
        else:
            self.view.show_state(self._cell_features.problem or "Find and classify the cells first.")

    # link with the selection ----------------------------------------------------------------------

    def follow_cells(self, changed: CellsChanged) -> None:
        """Show the current classes of some cells."""
        if not self.view.isVisible():
            return
        table = self.session.case.table_view()
        rows = self._rows(changed.ids if changed.ids is not None else self._ids)
        if changed.reshaped or not np.isin(self._ids, table.cell_id).all():
            self.refresh()
        elif len(rows):
            codes = table.code[rows_of(table.cell_id, self._ids[rows])]
            self.view.canvas.set_codes(rows, codes)

    def _on_selection(self, _go: bool = False) -> None:
        if not self.view.isVisible():
            return
        selection = self._selection
        current = self._rows(() if selection.current is None else (selection.current,))
        self.view.canvas.set_selected(self._rows(selection.array), int(current[0]) if len(current) else -1)

    def _rows(self, cell_ids: Any) -> NDArray[np.intp]:
        """Return the rows of cells on the map; cells that are not on it are skipped."""
        rows = rows_of(self._ids, cell_ids)
        return rows[rows >= 0]

    def _on_picked(self, row: int, more: bool) -> None:
        selection = self._selection
        if row < 0:
            selection.clear()
        elif more:
            selection.toggle(int(self._ids[row]))
        else:
            cell = int(self._ids[row])
            selection.set((cell,), cell, True)

    def _on_lassoed(self, rows: NDArray[np.intp]) -> None:
        self._selection.set(self._ids[rows])
