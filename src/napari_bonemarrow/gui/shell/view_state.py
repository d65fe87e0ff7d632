"""A case is opened again where one stopped: current cell, view, tab, order and filter of the work list."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from math import isfinite
from typing import Any

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QTabWidget

from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.review import CaseError
from napari_bonemarrow.review.worklist.worklist import WorkList
from napari_bonemarrow.workflow import was_detected

_REST_MS = 1500
"""Written once nothing has been touched for so long: never while keys come one after another."""


class ViewState(SmearPart):
    """Keeps in the case what the window shows, a moment after the reviewer pauses and when it closes.

    It is not an act: it lies outside the journal, and losing it costs nothing but a few steps. Of several
    selected cells only the current one is kept: the next day nobody knows which the others were.

    Parameters
    ----------
    session : Session
    smear_viewer : SmearViewer
    selection : Selection
    worklist : WorkList
    tabs : QTabWidget
    parent : QObject
    """

    def __init__(
        self,
        session: Session,
        smear_viewer: SmearViewer,
        selection: Selection,
        worklist: WorkList,
        tabs: QTabWidget,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._smear_viewer, self._selection, self._worklist, self._tabs = (
            smear_viewer,
            selection,
            worklist,
            tabs,
        )
        self._kept: dict[str, Any] | None = None
        self._rest = self.timer(_REST_MS, self.save)
        for signal in (selection.changed, tabs.currentChanged, smear_viewer.moved):
            self.follow(signal, self.touch)

    def touch(self, *_ignored: object) -> None:
        """Something is shown otherwise: keep it once the reviewer pauses."""
        if self._kept is not None:
            self._rest.start()

    def restore(self) -> None:
        """Show the case as it was shown last."""
        view = self.session.case.view_memory.remembered
        self._restore(view)
        self._kept = view

    def close(self) -> None:
        """Keep what is shown, and end."""
        self.save()
        self._kept = None
        super().close()

    def save(self) -> None:
        """Keep what is shown now, where it is not what was kept last."""
        self._rest.stop()
        case = self.session.case
        if self._kept is None or case.read_only:
            return
        view = self._view()
        if view == self._kept:
            return
        try:
            case.view_memory.remember(view)
        except CaseError as error:  # a full disk is told of where an act fails: of this, nothing is lost
            logging.getLogger(__name__).info("the view was not kept: %s", error)
            return
        self._kept = view

    def _view(self) -> dict[str, Any]:
        selection, camera = self._selection, self._smear_viewer.camera
        return {
            "current": selection.current,
            "centre": [round(float(value), 3) for value in camera.center[-2:]],
            "zoom": float(camera.zoom),
            "tab": self._tabs.tabText(self._tabs.currentIndex()),
            "list": self._worklist.asked,
        }

    def _restore(self, view: Mapping[str, Any]) -> None:
        """Take up what is understood; another version may have kept something else."""
        asked, current = view.get("list"), view.get("current")
        if isinstance(asked, Mapping):
            self._worklist.restore(asked)
        if type(current) is int and current in self.session.case.cells.cell_id.tolist():
            self._selection.set((current,), current)
        names = [self._tabs.tabText(at) for at in range(self._tabs.count())]
        if view.get("tab") in names:
            self._tabs.setCurrentIndex(names.index(view["tab"]))
        elif not was_detected(self.session.case):  # cells are found in the first tab
            self._tabs.setCurrentIndex(0)
        centre, zoom = _numbers(view.get("centre")), _numbers([view.get("zoom")])
        if len(centre) == 2 and zoom and zoom[0] > 0:
            self._smear_viewer.view.look((centre[0], centre[1]), zoom[0])


def _numbers(values: Any) -> list[float]:
    """Return values if they are a list of finite numbers, else none."""
    if not isinstance(values, list) or not all(isinstance(value, int | float) for value in values):
        return []
    try:
        return [float(value) for value in values] if all(map(isfinite, values)) else []
    except OverflowError:  # a whole number beyond every float
        return []
