"""The heatmap that explains the class of the selected cell."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.engine import Engine, SlideSource
from napari_bonemarrow.gui.canvas.layers.heatmap_layer import layer_name
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.inspector.cell_models import CellInfo
from napari_bonemarrow.gui.inspector.explanation_buttons import WHY
from napari_bonemarrow.gui.inspector.review_tab import ReviewTab
from napari_bonemarrow.gui.widgets.notices import LOOKING, Notices

_METHODS = tuple(WHY)

_Wanted = tuple[int, str, str, float, float]
"""Cell, method, class, and the centre of the cell in level-0 pixels."""


class HeatmapRequest(SmearPart):
    """Requests of heatmaps from the engine; one is shown if still wanted when it arrives."""

    shown = Signal()

    def __init__(
        self,
        session: Session,
        smear_viewer: SmearViewer,
        tab: ReviewTab,
        engine: Engine,
        tasks: Tasks,
        notices: Notices,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._smear_viewer, self._tab, self._engine, self._tasks = smear_viewer, tab, engine, tasks
        self._notices = notices
        self.method = "off"
        self._wanted: _Wanted | None = None
        self._worker: Any = None

    def close(self) -> None:
        """Remove the heatmap; the next smear begins with none."""
        super().close()
        self.hide()
        self.set_method("off")

    def set_method(self, method: str) -> None:
        """Choose a method, or ``off``."""
        self.method = method
        self._tab.show_why(method)

    def next_method(self) -> str:
        """Return the method after the current one."""
        return _METHODS[(_METHODS.index(self.method) + 1) % len(_METHODS)]

    def explain(self, info: CellInfo, x: float, y: float) -> None:
        """Explain the first guess of a cell, if an explanation is on."""
        session, scale = self.session, self.session.slide.microns_per_pixel
        if self.method == "off" or not info.guesses or not scale:
            self.hide()
            return
        target = info.guesses[0].code
        wanted = (info.cell_id, self.method, target, x, y)
        if wanted == self._wanted:
            return
        self._stop()
        self._take_away()
        self._wanted = wanted
        self._tab.show_why(self.method, "computing…")
        source = SlideSource.of(session.slide)
        try:
            future = self._engine.explain(source, x, y, self.method, target=target)
        except BoneMarrowError as error:
            self._fail(error)
            return
        self._worker = self._tasks.wait_for(
            future, lambda heatmap: self._show(wanted, heatmap, scale), self._fail
        )

    def _show(self, wanted: _Wanted, heatmap: Any, scale: float) -> None:
        if wanted != self._wanted:
            return
        _cell, method, target, x, y = wanted
        self._tab.show_why(method, f"for {target}")
        self._smear_viewer.show_heatmap(
            heatmap.values,
            name=layer_name(target, method),
            x=x,
            y=y,
            slide_microns_per_pixel=scale,
            microns_per_pixel=heatmap.microns_per_pixel,
        )
        self._tab.crop.show_heat(heatmap.values, heatmap.microns_per_pixel, target)
        self._notices.settle(LOOKING)
        self.shown.emit()

    def _fail(self, error: BoneMarrowError) -> None:
        self._wanted = None
        self.set_method("off")
        self._notices.fail(error, LOOKING)

    def _stop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            self._tasks.cancel(worker)
            self._engine.drop_stale("explain")
        self._wanted = None

    def hide(self) -> None:
        """Remove the heatmap."""
        self._stop()
        self._take_away()
        self._tab.show_why(self.method)

    def _take_away(self) -> None:
        self._smear_viewer.heat.hide()
        self._tab.crop.show_heat(None)
