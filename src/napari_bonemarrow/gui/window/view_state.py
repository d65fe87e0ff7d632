"""A case is opened again where one stopped: current cell, view, tab, order and filter of the work list."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from math import isfinite
from typing import Any

from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QTabWidget

from napari_bonemarrow.gui.correction.review_controller import ReviewController
from napari_bonemarrow.review import CaseError

_REST_MS = 1500
"""Written once nothing has been touched for so long: never while keys come one after another."""


class ViewState(QObject):
    """Keeps in the case what the window shows, a moment after the reviewer pauses and when it closes.

    It is not an act: it lies outside the journal, and losing it costs nothing but a few steps. Of several
    selected cells only the current one is kept: the next day nobody knows which the others were.

    Parameters
    ----------
    review : ReviewController
    tabs : QTabWidget
    """

    def __init__(self, review: ReviewController, tabs: QTabWidget) -> None:
        super().__init__(review)
        self._review, self._smear_viewer, self._tabs = review, review.smear_viewer, tabs
        self._kept: dict[str, Any] | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self.save)
        review.selection.changed.connect(self.touch)
        tabs.currentChanged.connect(self.touch)
        self._smear_viewer.moved.connect(self.touch)

    def touch(self, *_ignored: object) -> None:
        """Something is shown otherwise: keep it once the reviewer pauses."""
        if self._kept is not None:
            self._rest.start()

    def open(self) -> None:
        """Show the open case as it was shown last."""
        case = self._review.session.case
        view = case.view_memory.remembered
        self._restore(view)
        self._kept = view

    def close(self) -> None:
        """Keep what is shown, and end."""
        self.save()
        self._kept = None

    def save(self) -> None:
        """Keep what is shown now, where it is not what was kept last."""
        self._rest.stop()
        session = self._review.session
        if self._kept is None or session is None or session.case.read_only:
            return
        view = self._view()
        if view == self._kept:
            return
        try:
            session.case.view_memory.remember(view)
        except CaseError as error:  # a full disk is told of where an act fails: of this, nothing is lost
            logging.getLogger(__name__).info("the view was not kept: %s", error)
            return
        self._kept = view

    def _view(self) -> dict[str, Any]:
        selection, camera = self._review.selection, self._smear_viewer.camera
        return {
            "current": selection.current,
            "centre": [round(float(value), 3) for value in camera.center[-2:]],
            "zoom": float(camera.zoom),
            "tab": self._tabs.tabText(self._tabs.currentIndex()),
            "list": self._review.worklist.asked,
        }

    def _restore(self, view: Mapping[str, Any]) -> None:
        """Take up what is understood; another version may have kept something else."""
        asked, current = view.get("list"), view.get("current")
        if isinstance(asked, Mapping):
            self._review.worklist.restore(asked)
        if type(current) is int and current in self._review.session.case.cells.cell_id.tolist():
            self._review.selection.set((current,), current)
        names = [self._tabs.tabText(at) for at in range(self._tabs.count())]
        if view.get("tab") in names:
            self._tabs.setCurrentIndex(names.index(view["tab"]))
        centre, zoom = _numbers(view.get("centre")), _numbers([view.get("zoom")])
        if len(centre) == 2 and zoom and zoom[0] > 0:
            self._smear_viewer.look(tuple(centre), zoom[0])


def _numbers(values: Any) -> list[float]:
    """Return values if they are a list of finite numbers, else none."""
    if not isinstance(values, list) or not all(isinstance(value, int | float) for value in values):
        return []
    try:
        return [float(value) for value in values] if all(map(isfinite, values)) else []
    except OverflowError:  # a whole number beyond every float
        return []
