"""The start of napari with the docked panel, for the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QApplication

from napari_bonemarrow import workflow
from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.splash import NAME, Splash
from napari_bonemarrow.gui.window.panel_dock import bring_panel, size_on_screen
from napari_bonemarrow.models.explanation.methods import DEFAULT_METHOD
from napari_bonemarrow.report import USUAL, export, make_folder
from napari_bonemarrow.system.home import home

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_bonemarrow.gui.window.app_controller import AppController
    from napari_bonemarrow.gui.window.open_smear import OpenSmear
    from napari_bonemarrow.gui.window.plugin import DockedPanel

_SETTLE_MS = 600
"""Time for napari to draw the last change before a picture is taken."""
_SIZE = (1500, 940)


def open_window(
    paths: Sequence[Path] = (), *, screenshot: Path | None = None, splash: Splash | None = None
) -> None:
    """Open napari with the panel and some smears or cases, and return when it is closed.

    Parameters
    ----------
    paths : sequence of Path
        The first is reviewed; the others wait in the layer list.
    screenshot : Path, optional
        Write a picture of the window when the first is open, and close it.
    splash : Splash, optional
        Shown until the window is ready.

    Raises
    ------
    BoneMarrowError
        With ``screenshot``, if a smear cannot be opened. Otherwise the window shows the error.
    """
    viewer, panel = docked_window(splash)
    controller = panel.controller
    script = _Script(viewer, controller, screenshot)
    controller.queue.all_opened.connect(script.finish)
    controller.open_paths([Path(path) for path in paths])
    _run(script)


def run_demo(
    screenshot: Path | None = None, out: Path | None = None, *, splash: Splash | None = None
) -> None:
    """Show the plugin on the drawn sample smear: find, classify, explain a cell, count.

    Parameters
    ----------
    screenshot : Path, optional
        Write a picture of the window, export the count into ``out`` and close.
    out : Path, optional
        Folder of the sample, its case and its count.
    splash : Splash, optional
        Shown until the window is ready.

    Raises
    ------
    BoneMarrowError
        With ``screenshot``, if a step fails. Otherwise the window shows the error.
    """
    folder = out if out is not None else home() / "samples"
    slide = workflow.write_sample_slide(folder)
    viewer, panel = docked_window(splash)
    panel.controller.reviewer.use("demo")  # a made-up smear: no name is asked for
    script = _Demo(viewer, panel, screenshot, folder)
    panel.controller.open_path(slide)
    _run(script)


def docked_window(splash: Splash | None = None) -> tuple[Viewer, DockedPanel]:
    """Open napari with the panel docked; return the viewer and the panel.

    Parameters
    ----------
    splash : Splash, optional
        Shows the current step, and is closed when the window is ready.
    """
    splash = splash if splash is not None else Splash(wanted=False)
    import napari

    splash.say("Opening the window…")
    viewer = napari.Viewer(title=NAME)
    viewer.window.resize(*size_on_screen(_SIZE))
    QApplication.processEvents()  # visible before importing the panel takes a second or more
    splash.say("Getting the panel ready…")
    panel = bring_panel(viewer)
    splash.close()
    return viewer, panel


def _run(script: _Script) -> None:
    import napari

    napari.run()
    if script.problem:
        raise BoneMarrowError(script.problem)


class _Script(QObject):
    """The final picture of the window, after which it closes; without a picture it does nothing."""

    def __init__(self, viewer: Viewer, controller: AppController, screenshot: Path | None) -> None:
        super().__init__(controller)
        self.viewer, self.controller, self.screenshot = viewer, controller, screenshot
        self.problem = ""
        if screenshot is not None:
            controller.notices.failed.connect(self._fail)

    def finish(self) -> None:
        """Let napari draw, then take the picture."""
        if self.screenshot is not None and not self.problem:
            QTimer.singleShot(_SETTLE_MS, self._take_picture)

    def _take_picture(self) -> None:
        if self.screenshot is None:
            return
        make_folder(self.screenshot.absolute().parent)
        self.viewer.window.screenshot(str(self.screenshot), canvas_only=False, flash=False)
        self._close()

    def _fail(self, text: str) -> None:
        self.problem = text
        self._close()

    def _close(self) -> None:
        QTimer.singleShot(0, self.viewer.close)


class _Demo(_Script):
    """A walk through the sample as a reviewer would do it."""

    def __init__(self, viewer: Viewer, panel: DockedPanel, screenshot: Path | None, folder: Path) -> None:
        super().__init__(viewer, panel.controller, screenshot)
        self.panel, self.folder = panel, folder
        self._explained = self._counted = False
        panel.controller.opened.connect(self._find)

    @property
    def smear(self) -> OpenSmear:
        """Return the sample."""
        smear = self.controller.smear
        if smear is None:
            raise BoneMarrowError("the sample smear was closed")
        return smear

    def _find(self) -> None:
        self.smear.setup.analysed.connect(self._explain)
        self.smear.heatmap.shown.connect(self._count)
        self.smear.setup.find_cells()

    def _explain(self) -> None:
        if self._explained:
            return
        self._explained = True
        smear = self.smear
        try:
            cell = workflow.surest_cell(smear.session.case)
        except BoneMarrowError as error:
            self.controller.notices.fail(error)
            return
        self.panel.show_review()
        smear.heatmap.set_method(DEFAULT_METHOD)
        smear.review.navigation.select(cell, go=True)

    def _count(self) -> None:
        if self._counted:
            return
        self._counted = True
        self.panel.show_count()
        if self.screenshot is None:
            return
        case = self.smear.session.case
        try:
            for each in USUAL:
                export(case, each.key, self.folder / each.name)
        except BoneMarrowError as error:
            self.controller.notices.fail(error)
            return
        self.finish()
