"""The outline of one cell and of its nucleus, as a Shapes layer that can only be looked at."""

from __future__ import annotations

import numpy as np
from napari.layers import Shapes

from napari_bonemarrow.gui.canvas.layers.reusable_layer import ReusableLayer
from napari_bonemarrow.slides.detection.outlines import Outline

LAYER_NAME = "outline"
_TONES = (("#101014", 3.0), ("#ffffff", 1.2))
"""Dark below light, so that the line is seen over chromatin and over pale cytoplasm; screen pixels."""
_STEP = 1.25
"""Lines are fitted to the screen again once the zoom has changed by so much."""


class OutlineLayer(ReusableLayer[Shapes]):
    """The layer of the outline that is shown."""

    def __init__(self) -> None:
        super().__init__()
        self._zoom = self._scale = 1.0

    def draw(self, outline: Outline, microns_per_pixel: float, zoom: float) -> Shapes:
        """Draw a cell's outline instead of the one before.

        Parameters
        ----------
        outline : Outline
        microns_per_pixel : float
            Of the slide.
        zoom : float
            Screen pixels per µm.

        Returns
        -------
        Shapes
            Always the same until it is forgotten.
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
        # A closed polygon's last point is its first, which napari draws by itself.
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
        """Napari makes a layer editable again when it shows it."""
        if self.layer is not None and self.layer.editable:
            self.layer.editable = False

    def follow_view(self, zoom: float) -> None:
        """Keep the lines as wide on the screen as they are."""
        layer = self.layer
        if layer is None or not layer.visible or 1 / _STEP < zoom / self._zoom < _STEP:
            return
        self._zoom = zoom
        layer.edge_width = self._widths()

    def _widths(self) -> list[float]:
        """Widths of the lines in level-0 pixels."""
        return [width / max(self._zoom, 1e-9) / self._scale for _color, width in _TONES for _line in range(2)]
