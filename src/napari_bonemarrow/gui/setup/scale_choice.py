"""The sources of a scale besides the file: a scale bar, a microscope, the last one of this camera."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from qtpy.QtCore import QObject
from qtpy.QtGui import QKeySequence, QShortcut

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
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
"""Delay until the smear is shown, since Python threads slow each other."""


class ScaleChoice(SmearPart):
    """The offers of scales for the Slide tab, and the storage of confirmed ones.

    Parameters
    ----------
    session : Session
    smear_viewer : SmearViewer
    part : ScalePart
    setup : SetupController
        Receives the confirmed scale.
    tasks : Tasks
    on_started : callable
        Called before the mouse draws on the smear.
    parent : QObject
    """

    def __init__(
        self,
        session: Session,
        smear_viewer: SmearViewer,
        part: ScalePart,
        setup: SetupController,
        tasks: Tasks,
        on_started: Callable[[], None],
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._smear_viewer, self._part, self._setup, self._tasks = smear_viewer, part, setup, tasks
        self._on_started = on_started
        self._escape: QShortcut | None = None
        setup.scaled.connect(self._on_scaled)
        for signal, slot in (
            (smear_viewer.bar_drawn, part.bar.show_line),
            (smear_viewer.bar_removed, self.end_bar),
            (part.bar.started, self.start_bar),
            (part.bar.cancelled, self.end_bar),
            (part.bar.measured, self._on_measured),
            (part.other_microscope_requested, self.ask_for_microscope),
            (part.forget_requested, self._forget),
        ):
            self.follow(signal, slot)
        self._show_presets()
        self.timer(_MEASURE_AFTER_MS, self._measure).start()

    def close(self) -> None:
        """Remove the line along the scale bar."""
        self.end_bar()
        super().close()

    def _on_scaled(self) -> None:
        """Store the confirmed scale for the next image of this camera."""
        self.end_bar()
        session, scale = self.session, self.session.case.scale
        if session.camera and scale is not None and scale.source is not ScaleSource.FILE:
            scale_memory.remember_scale(session.camera, scale.microns_per_pixel)

    # meaning of a scale ---------------------------------------------------------------------------

    def _measure(self) -> None:
        """Measure the nuclei in a thread, unless a scanner gave the scale of its own slide."""
        session, slide = self.session, self.session.slide
        if session.case.sampling.classes_seen:
            return
        if slide.scale is not None and is_whole_slide(slide):
            return

        def steps() -> Iterator[float | None]:
            yield typical_nucleus(slide)

        def receive(diameter: float) -> None:
            session.nucleus_px = diameter
            self._setup.show()

        def failed(_error: BoneMarrowError) -> None:
            """Do nothing: an unreadable part is reported when it is viewed."""

        def done() -> None:
            """Do nothing: no step depends on it."""

        self._tasks.run(steps, on_step=receive, on_done=done, on_failed=failed)

    # a scale bar ----------------------------------------------------------------------------------

    def start_bar(self) -> None:
        """Begin drawing a line along the scale bar in the image."""
        self._on_started()
        self._part.bar.begin()
        self._smear_viewer.start_bar()
        if self._escape is None:
            self._escape = QShortcut(QKeySequence("Escape"), main_window(self._part) or self._part)
            self._escape.activated.connect(self.end_bar)

    def end_bar(self) -> None:
        """Remove the line; the value in the box stays."""
        self._part.bar.end()
        self._smear_viewer.end_bar()
        if self._escape is not None:
            self._escape.setEnabled(False)
            self._escape.deleteLater()
            self._escape = None

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
