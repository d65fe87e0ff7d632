"""The view to which a reopened case returns: current cell, view, tab, order and filter of the work list."""

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
"""Time without a change after which the view is written: never while keys follow one another."""


class ViewState(SmearPart):
    """The window's view, stored in the case soon after the reviewer pauses and when it closes.

    It is not an act: it is outside the journal, and losing it costs only a few steps. Of several
    selected cells only the current one is kept: the reviewer may not remember the others the next day.
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
        """Store the changed view once the reviewer pauses."""
        if self._kept is not None:
            self._rest.start()

    def restore(self) -> bool:
        """Restore the last view of the case; return whether it says which part of the smear was seen."""
        view = self.session.case.view_memory.remembered
        self._restore_list(view)
        self._restore_tab(view)
        placed = self._restore_place(view)
        self._kept = view
        return placed

    def close(self) -> None:
        """Store the view, and end."""
        self.save()
        self._kept = None
        super().close()

    def save(self) -> None:
        """Store the view if it has changed."""
        self._rest.stop()
        case = self.session.case
        if self._kept is None or case.read_only:
            return
        view = self._view()
        if view == self._kept:
            return
        try:
            case.view_memory.remember(view)
        except CaseError as error:  # a full disk is reported when an act fails: here nothing is lost
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

    # Only the valid values are restored: another version may have stored others.

    def _restore_list(self, view: Mapping[str, Any]) -> None:
        """Restore the work list and the current cell."""
        asked, current = view.get("list"), view.get("current")
        if isinstance(asked, Mapping):
            self._worklist.restore(asked)
        if type(current) is int and current in self.session.case.cells.cell_id.tolist():
            self._selection.set((current,), current)

    def _restore_tab(self, view: Mapping[str, Any]) -> None:
        """Restore the tab; a new smear begins in the first, whichever tab the last smear was left in."""
        names = [self._tabs.tabText(at) for at in range(self._tabs.count())]
        if view.get("tab") in names:
            self._tabs.setCurrentIndex(names.index(view["tab"]))
        elif not was_detected(self.session.case):
            self._tabs.setCurrentIndex(0)  # the cells are found there

    def _restore_place(self, view: Mapping[str, Any]) -> bool:
        """Restore which part of the smear is seen; return whether the view states it."""
        centre, zoom = _numbers(view.get("centre")), _numbers([view.get("zoom")])
        if len(centre) != 2 or not zoom or zoom[0] <= 0:
            return False
        self._smear_viewer.view.look((centre[0], centre[1]), zoom[0])
        return True


def _numbers(values: Any) -> list[float]:
    """Return values if they are a list of finite numbers, else an empty list."""
    if not isinstance(values, list) or not all(isinstance(value, int | float) for value in values):
        return []
    try:
        return [float(value) for value in values] if all(map(isfinite, values)) else []
    except OverflowError:  # an integer larger than any float
        return []
