"""The controller of the overview in a corner of the smear, and of the progress in each field."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.core.case_info import field_infos
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.correction.case_sync import CaseSync
from napari_bonemarrow.gui.overview.overview_view import LONG_SIDE, OverviewView
from napari_bonemarrow.slides import Slide
from napari_bonemarrow.slides.pixels.overview import overview

_FOLLOW_MS, _COUNT_MS = 60, 400
_ALL_SEEN = 0.9
"""Visible share of the slide from which the overview is not needed."""


class OverviewController(SmearPart):
    """The controller that updates the overview from the view, the frame and the review.

    Parameters
    ----------
    session : Session
    smear_viewer : SmearViewer
    view : OverviewView
    case_sync : CaseSync
    tasks : Tasks
        Reads the picture of the slide in a thread.
    parent : QObject
    """

    fields_counted = Signal(object)  # tuple of FieldInfo

    def __init__(
        self,
        session: Session,
        smear_viewer: SmearViewer,
        view: OverviewView,
        case_sync: CaseSync,
        tasks: Tasks,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._smear_viewer, self.view = smear_viewer, view
        self._follow_timer = self.timer(_FOLLOW_MS, self.show_seen)
        self._count_timer = self.timer(_COUNT_MS, self.count_fields)
        self.follow(view.place_wanted, self._go)
        self.follow(smear_viewer.moved, self._on_moved)
        case_sync.cells_changed.connect(self._on_cells_changed)
        slide = session.slide
        view.show_slide(slide.width, slide.height)
        tasks.run(lambda: _read(slide), on_step=view.show_picture, on_done=_nothing, on_failed=_nothing)
        self._on_moved()

    def close(self) -> None:
        """Remove the map."""
        super().close()
        self.view.hide()

    def toggle(self) -> None:
        """Show the map, or hide it until it is requested again."""
        settings.change(overview=not settings.load().overview)
        self.show_seen()

    def _on_moved(self) -> None:
        if not self._follow_timer.isActive():
            self._follow_timer.start()

    def _on_cells_changed(self, _changed: object) -> None:
        self._count_timer.start()

    def show_seen(self) -> None:
        """Show the visible part, and the map itself if it is useful."""
        session, seen = self.session, self._smear_viewer.view.seen()
        if seen is None or not self.view.is_held:
            self.view.hide()
            return
        slide = session.slide
        left, top = max(seen[0], 0.0), max(seen[1], 0.0)
        right, bottom = min(seen[2], slide.width), min(seen[3], slide.height)
        share = max(right - left, 0) * max(bottom - top, 0) / (slide.width * slide.height)
        self.view.show_seen(left, top, max(right, left), max(bottom, top))
        whole = session.whole or session.slide.fields
        self.view.show_regions(() if whole else session.frame().regions)
        wanted = bool(share < _ALL_SEEN and settings.load().overview)
        self.view.setVisible(wanted)
        if wanted:
            self.view.raise_()

    def _go(self, x: float, y: float) -> None:
        self._smear_viewer.view.centre_on(x, y)

    def count_fields(self) -> None:
        """Show the review's progress in each field."""
        fields = field_infos(self.session.slide, self.session.case)
        self.view.show_fields(fields)
        self.fields_counted.emit(fields)


def _read(slide: Slide) -> Iterator[NDArray[np.uint8]]:
    with suppress(BoneMarrowError, OSError):  # an unreadable slide is reported when it is viewed
        yield overview(slide, 2 * LONG_SIDE)


def _nothing(*_ignored: object) -> None:
    """Do nothing: the map works without its picture."""
