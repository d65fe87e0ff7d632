"""Layer of one cell's outline and nucleus, a Shapes layer, not editable."""

from __future__ import annotations

import numpy as np
from napari.layers import Shapes

from napari_bonemarrow.gui.canvas.layers.reusable_layer import ReusableLayer
from napari_bonemarrow.slides.detection.outlines import Outline

LAYER_NAME = "outline"
_TONES = (("#101014", 3.0), ("#ffffff", 1.2))
"""Widths of a dark line below a light one, visible over chromatin and pale cytoplasm; screen pixels."""
_STEP = 1.25
"""Change of zoom after which line widths are updated."""


class OutlineLayer(ReusableLayer[Shapes]):
    """The layer of the outline."""

    def __init__(self) -> None:
        super().__init__()
        self._zoom = self._scale = 1.0

    def draw(self, outline: Outline, microns_per_pixel: float, zoom: float) -> Shapes:
        """Draw a cell's outline instead of an earlier one.

        Parameters
        ----------
        outline : Outline
        microns_per_pixel : float
            Scale of the slide.
        zoom : float
            Screen pixels per µm.

        Returns
        -------
        Shapes
            The same layer until it is forgotten.
        """
        self._scale, self._zoom = microns_per_pixel, zoom
        layer = self.layer
        if layer is None:
            layer = self.layer = Shapes(
                ndim=2,
                name=LAYER_NAME,
                scale=(microns_per_pixel,) * 2,
                units=("um", "um"),
                opacity=1.0,
                blending="translucent_no_depth",
            )
            layer.events.editable.connect(self._keep_locked)
        layer.scale = np.full(2, microns_per_pixel)
        layer.data = []
        # A closed polygon's last point is its first, which napari adds itself.
        lines = [polygon[:-1, ::-1] for _tone in _TONES for polygon in (outline.cell, outline.nucleus)]
        layer.add_polygons(
            lines,
            edge_width=self._widths(),
            edge_color=[color for color, _width in _TONES for _line in range(2)],
            face_color="transparent",
        )
        layer.selected_data = set()
        layer.editable = False
        self.show()
        return layer

    def _keep_locked(self, _event: object = None) -> None:
        """Lock the layer again, which napari makes editable when it shows it."""
        if self.layer is not None and self.layer.editable:
            self.layer.editable = False

    def follow_view(self, zoom: float) -> None:
        """Keep the line width on the screen."""
        layer = self.layer
        if layer is None or not layer.visible or 1 / _STEP < zoom / self._zoom < _STEP:
            return
        self._zoom = zoom
        layer.edge_width = self._widths()

    def _widths(self) -> list[float]:
        """Return the line widths in level-0 pixels."""
        return [width / max(self._zoom, 1e-9) / self._scale for _color, width in _TONES for _line in range(2)]
