"""Where one is: the overview in a corner of the smear, and how far the review is in each field."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, QTimer, Signal
from qtpy.QtWidgets import QWidget

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.core.case_info import field_infos
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.correction.review_controller import ReviewController
from napari_bonemarrow.gui.overview.overview_view import LONG_SIDE, OverviewView
from napari_bonemarrow.slides import Slide
from napari_bonemarrow.slides.pixels.overview import overview

_FOLLOW_MS, _COUNT_MS = 60, 400
_ALL_SEEN = 0.9
"""Where so much of the slide is seen there is nothing to look up."""
_MARGIN = 10


class OverviewController(QObject):
    """Keeps the map equal to the view, the frame and the review.

    Parameters
    ----------
    smear_viewer : SmearViewer
    review : ReviewController
    tasks : Tasks
    panel : QWidget
        Holds the map until it lies over a canvas, and ends with it.
    """

    fields_counted = Signal(object)  # tuple of FieldInfo

    def __init__(
        self, smear_viewer: SmearViewer, review: ReviewController, tasks: Tasks, panel: QWidget
    ) -> None:
        super().__init__(smear_viewer)
        self._smear_viewer, self._tasks = smear_viewer, tasks
        self._session: Session | None = None
        self._holder: QWidget | None = None
        self._worker: Any = None
        self.view = OverviewView(panel)
        self.view.hide()
        self.view.place_wanted.connect(self._go)
        self._follow_timer, self._count_timer = QTimer(self), QTimer(self)
        for timer, wait, then in (
            (self._follow_timer, _FOLLOW_MS, self.follow),
            (self._count_timer, _COUNT_MS, self._count_fields),
        ):
            timer.setSingleShot(True)
            timer.setInterval(wait)
            timer.timeout.connect(then)
        smear_viewer.moved.connect(self._on_moved)
        review.cells_changed.connect(lambda _changed: self._count_timer.start())

    def hold_in(self, holder: QWidget | None) -> None:
        """Lay the map over a widget, the one that holds the canvas."""
        if holder is None or holder is self._holder:
            return
        if self._holder is not None and isalive(self._holder):
            self._holder.removeEventFilter(self)
        self._holder = holder
        holder.installEventFilter(self)
        self.view.setParent(holder)
        self._settle()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep to the corner when the canvas changes its size."""
        if watched is self._holder and event.type() == QEvent.Type.Resize:
            self._settle()
        return False

    def _settle(self) -> None:
        if self._holder is not None:
            self.view.move(_MARGIN, max(_MARGIN, self._holder.height() - self.view.height() - _MARGIN))

    def open(self, session: Session) -> None:
        """Take up a session; what the slide looks like is read in a thread."""
        self.close()
        self._session, slide = session, session.slide
        self.view.show_slide(slide.width, slide.height)
        self._settle()
        self._count_fields()
        self._worker = self._tasks.run(
            lambda: _read(slide), on_step=self._on_read, on_done=_nothing, on_failed=_nothing
        )
        self._on_moved()

    def close(self) -> None:
        """Forget the session."""
        if self._worker is not None:
            self._tasks.cancel(self._worker)
            self._worker = None
        self._session = None
        self._follow_timer.stop()
        self._count_timer.stop()
        self.view.hide()

    def leave(self) -> None:
        """Take the map away: the panel is closed."""
        self.close()
        if self._holder is not None and isalive(self._holder):
            self._holder.removeEventFilter(self)
        if isalive(self.view):
            self.view.setParent(None)
            self.view.deleteLater()

    def toggle(self) -> None:
        """Show the map, or put it away until it is asked for again."""
        settings.change(overview=not settings.load().overview)
        self.follow()

    def _on_read(self, pixels: np.ndarray) -> None:
        self.view.show_picture(pixels)

    def _on_moved(self) -> None:
        if self._session is not None and not self._follow_timer.isActive():
            self._follow_timer.start()

    def follow(self) -> None:
        """Show which part is seen, and the map itself where it tells something."""
        session, seen = self._session, self._smear_viewer.seen()
        if session is None or seen is None or self._holder is None:
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
        smear = self._smear_viewer.smear
        if smear is not None:
            scale = float(smear.scale[-1])
            self._smear_viewer.camera.center = (y * scale, x * scale)

    def _count_fields(self) -> None:
        if self._session is None:
            return
        fields = field_infos(self._session.slide, self._session.case)
        self.view.show_fields(fields)
        self.fields_counted.emit(fields)


def _read(slide: Slide) -> Iterator[np.ndarray]:
    with suppress(BoneMarrowError, OSError):  # a slide that cannot be read says so where it is looked at
        yield overview(slide, 2 * LONG_SIDE)


def _nothing(*_ignored: object) -> None:
    """The map is there without its picture."""
