"""The widget that napari docks: the panel with its controller."""

from __future__ import annotations

from contextlib import suppress

from napari.viewer import Viewer

from napari_bonemarrow.gui.core.destruction import when_destroyed
from napari_bonemarrow.gui.core.qt_objects import application
from napari_bonemarrow.gui.window.app_controller import AppController
from napari_bonemarrow.gui.window.panel import BoneMarrowPanel
from napari_bonemarrow.gui.window.shutdown import Shutdown


class DockedPanel(BoneMarrowPanel):
    """The panel, a view, and its controller, which lives as long as it does.

    Named by the manifest; a class because napari passes its viewer to no function.

    Parameters
    ----------
    napari_viewer : Viewer
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.controller = AppController(napari_viewer, self)
        _end_with(self, self.controller.shutdown)


def _end_with(panel: DockedPanel, shutdown: Shutdown) -> None:
    """End the engine and the case with the panel, or with the application before it."""
    quitting = application().aboutToQuit

    def end(*_ignored: object) -> None:
        shutdown()
        with suppress(TypeError, RuntimeError):  # it is disconnected already, or Qt has ended
            quitting.disconnect(end)

    when_destroyed(panel, end)
    quitting.connect(end)
