"""A heatmap as napari's Image layer, lying exactly on its cell."""

from __future__ import annotations

import numpy as np
from napari.layers import Image
from napari.utils.colormaps import Colormap
from numpy.typing import NDArray

from napari_bonemarrow.gui import palette

METHOD_NAMES = {"gradcam": "Grad-CAM", "smoothgrad": "SmoothGrad"}


def layer_name(target: str, method: str) -> str:
    """Return the name in the layer list, such as ``why? BLA (Grad-CAM)``."""
    return f"why? {target} ({METHOD_NAMES[method]})"


def heatmap_layer(
    values: NDArray[np.float32],
    *,
    name: str,
    x: float,
    y: float,
    slide_microns_per_pixel: float,
    microns_per_pixel: float,
) -> Image:
    """Make the layer.

    A crop's centre, pixel coordinate ``(s - 1) / 2``, is its cell's centre; napari, too, counts from the
    centre of the first pixel, so that only this offset is needed.

    Parameters
    ----------
    values : ndarray of float32, shape (s, s)
        0 to 1.
    name : str
    x, y : float
        The cell's centre in level-0 pixels.
    slide_microns_per_pixel, microns_per_pixel : float
        Of the slide and of the heatmap.
    """
    rows, columns = values.shape
    centre = np.array([(rows - 1) / 2, (columns - 1) / 2]) * microns_per_pixel
    return Image(
        values,
        name=name,
        scale=(microns_per_pixel, microns_per_pixel),
        translate=np.array([y, x]) * slide_microns_per_pixel - centre,
        units=("um", "um"),
        contrast_limits=(0.0, 1.0),
        colormap=Colormap(palette.heat_colors(), name="bone marrow heat"),
        blending="translucent_no_depth",
        interpolation2d="linear",
    )
