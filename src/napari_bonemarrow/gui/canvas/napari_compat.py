"""Compatibility with versions of napari: 0.9 has moved parts of the viewer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer
from numpy.typing import NDArray
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

from napari_bonemarrow.gui.canvas.smear_layer import METADATA_KEY

if TYPE_CHECKING:
    from napari._app_model._app import NapariApplication
    from napari.components import Camera
    from napari.components.overlays import CanvasOverlay
    from napari.utils.events import EventEmitter
    from napari.viewer import Viewer


def camera_and_scale_bar(viewer: Viewer) -> tuple[Camera, CanvasOverlay]:
    """Return camera and scale bar, which napari 0.9 has moved into scene and canvas."""
    if hasattr(viewer, "scene"):
        return viewer.scene.camera, viewer.canvas.overlays.scale_bar
    return viewer.camera, viewer.scale_bar


def text_overlay(viewer: Viewer) -> CanvasOverlay:
    """Return napari's text overlay in the upper left corner of the canvas."""
    overlay = viewer.canvas.overlays.text if hasattr(viewer, "scene") else viewer.text_overlay
    overlay.position = "top_left"
    overlay.font_size = 14
    return overlay


def layer_docks(window: QWidget) -> tuple[QDockWidget, ...]:
    """Return the docks of layer controls and layer list; none if napari has other names for them."""
    docks = window.findChildren(QDockWidget)
    return tuple(dock for dock in docks if dock.objectName() in {"layer controls", "layer list"})


def canvas_px(viewer: Viewer) -> tuple[float, float]:
    """Return height and width of the canvas, screen pixels."""
    before: Any = viewer  # as napari 0.8 has it
    size = viewer.canvas.size if hasattr(viewer, "scene") else before._canvas_size
    return float(size[0]), float(size[1])


def smear_path(layer: Layer) -> Path | None:
    """Return the file (smear or case) of a layer made by our reader, else None."""
    metadata = layer.metadata.get(METADATA_KEY) if isinstance(layer.metadata, dict) else None
    if metadata is None:
        return None
    return Path(metadata.get("case") or metadata["path"])


def view_corners(viewer: Viewer, layer: Layer) -> NDArray[np.float64]:
    """Return the visible part of a smear: top left and bottom right (y, x) in level-0 pixels.

    Computed from the camera: napari's value in the layer is from the last drawing, and a resized window is
    not drawn yet.
    """
    camera, _bar = camera_and_scale_bar(viewer)
    half = np.array(canvas_px(viewer)) / 2 / float(camera.zoom)
    centre = np.array(camera.center[-2:], float)
    return np.array([layer.world_to_data(corner)[-2:] for corner in (centre - half, centre + half)])


def resized(viewer: Viewer) -> EventEmitter:
    """Return the emitter for a new size of the canvas."""
    before: Any = viewer  # as napari 0.8 has it
    emitter: EventEmitter = (
        viewer.canvas.events.size
        if hasattr(viewer, "scene")
        else before.window._qt_viewer.canvas._scene_canvas.events.resize
    )
    return emitter


def canvas_holder(window: QWidget) -> QWidget | None:
    """Return the widget that contains the canvas of a napari window, None for another window."""
    return window.centralWidget() if isinstance(window, QMainWindow) else None


def napari_application() -> NapariApplication | None:
    """Return napari's app-model application with its menus; None if a version has it elsewhere."""
    try:
        from napari._app_model import get_app_model
    except ImportError:
        return None
    return get_app_model()
