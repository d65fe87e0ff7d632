"""The rectangle that is counted, drawn by the user on a Shapes layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from napari.layers import Shapes

from napari_bonemarrow.cytology import Region
from napari_bonemarrow.slides import Slide

LAYER_NAME = "counted region"


class RegionLayer:
    """Makes the layer when it is wanted; the last rectangle drawn is the region."""

    def __init__(self, on_changed: Callable[[], None]) -> None:
        self._on_changed = on_changed
        self.layer: Shapes | None = None

    def start(self, slide: Slide) -> Shapes:
        """Return the layer to draw on."""
        if self.layer is None:
            scale = slide.microns_per_pixel
            self.layer = Shapes(
                ndim=2,
                name=LAYER_NAME,
                scale=(scale or 1.0,) * 2,
                units=("um", "um") if scale else ("pixel", "pixel"),
                edge_color="#101014",
                face_color="transparent",
                edge_width=2.0 / (scale or 1.0) * 0.3,
            )
            self.layer.events.data.connect(self._on_data)
        return self.layer

    def forget(self) -> None:
        """Begin anew with the next smear."""
        if self.layer is not None:
            self.layer.events.data.disconnect(self._on_data)
        self.layer = None

    def rectangle(self) -> Region | None:
        """Return what was drawn, in level-0 pixels.

        A region is half-open and counts from pixel edges; the centre of the first pixel is 0.
        """
        if self.layer is None or not len(self.layer.data):
            return None
        corners = np.asarray(self.layer.data[-1])[:, -2:]
        (top, left), (bottom, right) = corners.min(axis=0), corners.max(axis=0)
        if right - left < 1 or bottom - top < 1:
            return None
        return Region(float(left), float(top), float(right - left), float(bottom - top))

    def _on_data(self, event) -> None:
        if str(event.action) in {"added", "changed", "removed"}:
            self._on_changed()
