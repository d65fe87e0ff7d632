"""The outline of the selected cell, measured off the main thread once the selection stops changing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core import preload
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.inspector.review_tab import ReviewTab
from napari_bonemarrow.gui.widgets.notices import LOOKING, Notices
from napari_bonemarrow.slides import Slide, SlideError
from napari_bonemarrow.slides.detection.outlines import Outline, outline
from napari_bonemarrow.slides.detection.stain_profile import StainProfile
from napari_bonemarrow.slides.detection.stain_samples import image_profile
from napari_bonemarrow.slides.pixels.photographs import photograph
from napari_bonemarrow.slides.pixels.working_grid import working_shape

_REST_MS = 120
"""Time from selection to outline: a key held down moves on faster than this."""


class OutlineRequest(SmearPart):
    """Requests of the selected cell's outline, while switched on, and of its size.

    Parameters
    ----------
    session : Session
    smear_viewer : SmearViewer
    tab : ReviewTab
    tasks : Tasks
    notices : Notices
        Shows problems that do not concern a single cell.
    parent : QObject
    """

    shown = Signal()

    def __init__(
        self,
        session: Session,
        smear_viewer: SmearViewer,
        tab: ReviewTab,
        tasks: Tasks,
        notices: Notices,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._smear_viewer, self._tab, self._tasks, self._notices = smear_viewer, tab, tasks, notices
        self.on = tab.outline_box.isChecked()  # as on the previous smear
        self._wanted: tuple[float, float, float] | None = None
        self._worker: Any = None
        self._profiles: dict[int, StainProfile] = {}
        self._rest = self.timer(_REST_MS, self._measure)

    def close(self) -> None:
        """Remove the outline."""
        super().close()
        self.hide()

    def set_on(self, on: bool) -> None:
        """Switch outlines on or off."""
        self.on = on
        self._tab.show_outline(on)
        if not on:
            self.hide()

    def outline(self, x: float, y: float) -> None:
        """Outline the cell at a place in level-0 pixels, if outlines are on and it has none yet."""
        scale = self.session.slide.microns_per_pixel
        if not self.on or not scale:
            self.hide()
            return
        wanted = (scale, x, y)
        if wanted != self._wanted:
            self.hide()
            self._wanted = wanted
            self._rest.start()

    def hide(self) -> None:
        """Remove the outline, and cancel a running measurement."""
        self._rest.stop()
        worker, self._worker = self._worker, None
        if worker is not None:
            self._tasks.cancel(worker)
        self._wanted = None
        self._smear_viewer.outline.hide()
        self._tab.show_outline(self.on)

    def _measure(self) -> None:
        wanted, slide, profiles = self._wanted, self.session.slide, self._profiles
        if wanted is None:
            return
        scale, x, y = wanted

        def receive(found: Outline | str) -> None:
            if wanted == self._wanted:
                self._show(found, scale)

        def fail(error: BoneMarrowError) -> None:
            self.set_on(False)
            self._notices.fail(error, LOOKING)

        def done() -> None:
            self._worker = None

        self._worker = self._tasks.run(
            lambda: _outlined(slide, x, y, profiles), on_step=receive, on_done=done, on_failed=fail
        )

    def _show(self, found: Outline | str, microns_per_pixel: float) -> None:
        if isinstance(found, str):
            self._tab.show_outline(self.on, found)
        else:
            self._tab.show_outline(self.on, size_text(found))
            self._smear_viewer.show_outline(found, microns_per_pixel)
        self.shown.emit()


def size_text(found: Outline) -> str:
    """Return the size of a cell and its nucleus in words.

    Both are given as the diameter of the disc of their area.
    """
    nucleus = float(np.sqrt(4 / np.pi * found.nucleus_area_um2))
    text = f"nucleus {nucleus:.1f} µm, cell {found.cell_diameter_um:.1f} µm across, N:C {found.nc_ratio:.2f}"
    return f"{text}, cut by the border" if found.cut else text


def _outlined(
    slide: Slide, x: float, y: float, profiles: dict[int, StainProfile]
) -> Iterator[Outline | str | None]:
    """Outline a cell by the stain of its image, which is measured only once."""
    preload.prepare_shapes()  # used to draw the outline
    [number] = slide.images_at(x, y).tolist()
    profile = profiles.get(number)
    if profile is None:
        alone = photograph(slide, number)
        profile = profiles[number] = image_profile(alone, (0, 0, *working_shape(alone)))
        yield None  # a step at which it can be stopped
    try:
        yield outline(slide, x, y, profile)
    except SlideError:
        yield "no outline here"
