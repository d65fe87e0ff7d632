"""Where a scale may come from besides the file: a scale bar, a microscope, the last one of this camera."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from qtpy.QtCore import QObject, QTimer
from qtpy.QtGui import QKeySequence, QShortcut

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.keys.key_filter import main_window
from napari_bonemarrow.gui.setup import scale_memory
from napari_bonemarrow.gui.setup.microscope_dialog import MicroscopeDialog
from napari_bonemarrow.gui.setup.scale_part import ScalePart
from napari_bonemarrow.gui.setup.scale_text import figures
from napari_bonemarrow.gui.setup.setup_controller import SetupController
from napari_bonemarrow.gui.setup.slide_models import ScaleOffer
from napari_bonemarrow.slides import ScaleSource
from napari_bonemarrow.slides.scale.microscopes import COMMON, Microscope
from napari_bonemarrow.slides.scale.scale_estimate import typical_nucleus
from napari_bonemarrow.slides.survey.region_ranking import is_whole_slide

_MEASURE_AFTER_MS = 400
"""The smear is shown first: threads of Python slow each other."""


class ScaleChoice(QObject):
    """Offers scales to the Slide tab, and remembers those that were confirmed.

    Parameters
    ----------
    smear_viewer : SmearViewer
    part : ScalePart
    setup : SetupController
        Takes the scale that is confirmed.
    tasks : Tasks
    on_started : callable
        Called before the mouse draws on the smear.
    """

    def __init__(
        self,
        smear_viewer: SmearViewer,
        part: ScalePart,
        setup: SetupController,
        tasks: Tasks,
        on_started: Callable[[], None],
    ) -> None:
        super().__init__(smear_viewer)
        self._smear_viewer, self._part, self._setup, self._tasks = smear_viewer, part, setup, tasks
        self._on_started = on_started
        self._session: Session | None = None
        self._worker: Any = None
        self._escape: QShortcut | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_MEASURE_AFTER_MS)
        self._timer.timeout.connect(self._measure)
        setup.opened.connect(self._on_opened)
        setup.closed.connect(self._on_closed)
        setup.scaled.connect(self._on_scaled)
        smear_viewer.bar_drawn.connect(self._on_drawn)
        smear_viewer.bar_removed.connect(self.end_bar)
        part.bar.started.connect(self.start_bar)
        part.bar.cancelled.connect(self.end_bar)
        part.bar.measured.connect(self._on_measured)
        part.other_microscope_requested.connect(self.ask_for_microscope)
        part.forget_requested.connect(self._forget)
        self._show_presets()

    def _on_opened(self, session: Session) -> None:
        self._session = session
        self._timer.start()

    def _on_closed(self) -> None:
        self.end_bar()
        self._timer.stop()
        if self._worker is not None:
            self._tasks.cancel(self._worker)
        self._session = self._worker = None

    def _on_scaled(self, session: Session) -> None:
        """Remember what was confirmed for the next image of this camera."""
        self.end_bar()
        scale = session.case.scale
        if session.camera and scale is not None and scale.source is not ScaleSource.FILE:
            scale_memory.remember_scale(session.camera, scale.microns_per_pixel)

    # what a scale means ---------------------------------------------------------------------------

    def _measure(self) -> None:
        """Measure the nuclei, in a thread; what a scanner says of its own slide is not doubted."""
        session = self._session
        if session is None or session.case.sampling.classes_seen:
            return
        slide = session.slide
        if slide.scale is not None and is_whole_slide(slide):
            return

        def steps() -> Iterator[float | None]:
            yield typical_nucleus(slide)

        def receive(diameter: float) -> None:
            session.nucleus_px = diameter
            if session is self._session:
                self._setup.show()

        def failed(_error: BoneMarrowError) -> None:
            """A part that cannot be read is told of where it is looked at."""

        def done() -> None:
            self._worker = None

        self._worker = self._tasks.run(steps, on_step=receive, on_done=done, on_failed=failed)

    # a scale bar ----------------------------------------------------------------------------------

    def start_bar(self) -> None:
        """Let a line be drawn along the scale bar in the image."""
        if self._session is None:
            return
        self._on_started()
        self._part.bar.begin()
        self._smear_viewer.start_bar()
        if self._escape is None:
            self._escape = QShortcut(QKeySequence("Escape"), main_window(self._part) or self._part)
            self._escape.activated.connect(self.end_bar)

    def end_bar(self) -> None:
        """Take the line away; what stands in the box stays."""
        self._part.bar.end()
        self._smear_viewer.end_bar()
        if self._escape is not None:
            self._escape.setEnabled(False)
            self._escape.deleteLater()
            self._escape = None

    def _on_drawn(self, pixels: float) -> None:
        self._part.bar.show_line(pixels)

    def _on_measured(self, microns: float) -> None:
        pixels = self._smear_viewer.bar_length()
        if pixels < 1:
            self._part.bar.show_line(0.0)
            return
        basis = f"a scale bar of {microns:g} µm is {pixels:.0f} px long"
        self.end_bar()
        self._part.take(ScaleOffer("bar", microns / pixels, "", basis=basis))

    # microscopes ----------------------------------------------------------------------------------

    def ask_for_microscope(self) -> None:
        """Ask for objective, adapter and camera."""
        dialog = MicroscopeDialog(self._part)
        dialog.taken.connect(self._on_microscope)
        dialog.open()

    def _on_microscope(self, microscope: Microscope) -> None:
        if microscope.name:
            scale_memory.keep_microscope(microscope)
            self._show_presets()
        self._part.take(_offer(microscope))

    def _forget(self, name: str) -> None:
        scale_memory.forget_microscope(name)
        self._show_presets()

    def _show_presets(self) -> None:
        own = scale_memory.microscopes()
        self._part.show_presets(
            [_offer(each) for each in (*own, *COMMON)], [microscope.name for microscope in own]
        )


def _offer(microscope: Microscope) -> ScaleOffer:
    value = microscope.microns_per_pixel
    name = f"{microscope.name}: " if microscope.name else ""
    return ScaleOffer(
        "preset",
        value,
        f"{name}{microscope.text} → {figures(value)} µm per pixel",
        "Holds for images as the camera took them, not for those that were made smaller since",
        f"microscope and camera: {microscope.text}",
    )
