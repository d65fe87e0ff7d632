"""Where napari keeps what the stage needs of its viewer: 0.9 has moved some of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from napari.layers import Layer
from numpy.typing import NDArray
from qtpy.QtWidgets import QWidget

from napari_bonemarrow.gui.reader import METADATA_KEY


def camera_and_scale_bar(viewer):
    """Return both from where napari keeps them: 0.9 has moved them into scene and canvas."""
    if hasattr(viewer, "scene"):
        return viewer.scene.camera, viewer.canvas.overlays.scale_bar
    return viewer.camera, viewer.scale_bar


def canvas_px(viewer) -> tuple[float, float]:
    """Return height and width of the canvas, screen pixels."""
    size = viewer.canvas.size if hasattr(viewer, "scene") else viewer._canvas_size
    return float(size[0]), float(size[1])


def smear_path(layer: Layer) -> Path | None:
    """Return the file (smear or case) of a layer that a reader of ours has made, else None."""
    metadata = layer.metadata.get(METADATA_KEY) if isinstance(layer.metadata, dict) else None
    if metadata is None:
        return None
    return Path(metadata.get("case") or metadata["path"])


def view_corners(layer: Layer) -> NDArray[np.float64]:
    """Return what is seen of a smear: top left and bottom right (y, x) in level-0 pixels."""
    corners = np.asarray(layer.corner_pixels, float)[:, -2:]
    if layer.multiscale:  # napari counts them in pixels of the level that is shown
        corners = corners * layer.downsample_factors[layer.data_level][:2]
    return corners


def canvas_holder(window: QWidget) -> QWidget | None:
    """Return the widget of a napari window that holds the canvas, None where it is no such window."""
    return window.centralWidget() if hasattr(window, "centralWidget") else None


def napari_application():
    """Return napari's app-model application with its menus; None where a version keeps it elsewhere."""
    try:
        from napari._app_model import get_app_model
    except ImportError:
        return None
    return get_app_model()
