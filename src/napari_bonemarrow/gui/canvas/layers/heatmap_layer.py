"""Layer of one cell's heatmap, an Image layer exactly on its cell."""

from __future__ import annotations

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_bonemarrow.gui.canvas.layers.reusable_layer import ReusableLayer
from napari_bonemarrow.gui.widgets import class_style
from napari_bonemarrow.models.explanation.methods import METHODS


def layer_name(target: str, method: str) -> str:
    """Return the name in the layer list, such as ``why? BLA (Grad-CAM)``."""
    return f"why? {target} ({METHODS[method]})"


class HeatmapLayer(ReusableLayer[Image]):
    """The layer of the heatmap."""

    def draw(
        self,
        values: NDArray[np.float32],
        *,
        name: str,
        x: float,
        y: float,
        slide_microns_per_pixel: float,
        microns_per_pixel: float,
    ) -> Image:
        """Show a heatmap that fades out towards its border, instead of an earlier one.

        A crop's centre, pixel coordinate ``(s - 1) / 2``, is its cell's centre; napari also counts from the
        centre of the first pixel, so only this offset is needed.

        Parameters
        ----------
        values : ndarray of float32, shape (s, s)
            0 to 1.
        name : str
        x, y : float
            The cell's centre in level-0 pixels.
        slide_microns_per_pixel, microns_per_pixel : float
            Scales of the slide and of the heatmap.

        Returns
        -------
        Image
            The same layer until it is forgotten.
        """
        colors = class_style.heat_image(values)
        rows, columns = values.shape
        centre = np.array([(rows - 1) / 2, (columns - 1) / 2]) * microns_per_pixel
        corner = np.array([y, x]) * slide_microns_per_pixel - centre
        scale = np.full(2, microns_per_pixel)
        if self.layer is None:
            self.layer = Image(
                colors,
                rgb=True,
                name=name,
                scale=scale.tolist(),
                translate=corner.tolist(),
                units=("um", "um"),
                blending="translucent_no_depth",
                interpolation2d="linear",
            )
        else:
            self.hide()  # a hidden layer is not redrawn at each step
            self.layer.data, self.layer.name = colors, name
            self.layer.scale, self.layer.translate = scale, corner
        self.show()
        return self.layer
