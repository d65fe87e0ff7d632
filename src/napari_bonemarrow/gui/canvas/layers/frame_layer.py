"""Layer of the counting frame: a thin dashed line, not editable."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from napari.layers import Vectors
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Region
from napari_bonemarrow.gui.canvas.layers.reusable_layer import ReusableLayer

LAYER_NAME = "counted frame"
_TONES = np.array([(0.06, 0.06, 0.08, 0.8), (1.0, 1.0, 1.0, 0.8)], np.float32)
"""Alternating dark and light, visible over background, cells and outside the smear."""
_DASH_PX, _WIDTH_PX = 8.0, 1.5
_MOST_DASHES = 6000
"""Most dashes, which napari draws in 10 ms; for many fields dashes become longer."""
_STEP = 2.0
"""Change of zoom after which dashes are updated."""


class DashLayer(Vectors):
    """A Vectors layer without thumbnail, which napari draws line by line at each change."""

    @property
    def _type_string(self) -> str:
        """Return the type for napari's files, icons and menus."""
        return "vectors"

    def _update_thumbnail(self) -> None:
        """Do nothing: dashes at a border are invisible at the thumbnail's size."""


class FrameLayer(ReusableLayer[Vectors]):
    """The layer of the counting frame."""

    def __init__(self) -> None:
        super().__init__()
        self.regions: tuple[Region, ...] = ()
        self._scale = self._zoom = 1.0

    def draw(self, regions: Sequence[Region], microns_per_pixel: float, zoom: float) -> Vectors:
        """Draw the borders of the counted regions instead of earlier ones.

        Parameters
        ----------
        regions : sequence of Region
            Level-0 pixels, without the margin.
        microns_per_pixel : float
            Scale of the slide.
        zoom : float
            Screen pixels per µm.

        Returns
        -------
        Vectors
            The same layer until it is forgotten.
        """
        same = (self.regions, self._scale) == (tuple(regions), microns_per_pixel)
        if self.layer is not None and same:
            self.show()
            return self.layer
        self.regions, self._scale, self._zoom = tuple(regions), microns_per_pixel, zoom
        layer = self.layer
        if layer is None:
            layer = self.layer = DashLayer(
                ndim=2, name=LAYER_NAME, vector_style="line", opacity=1.0, blending="translucent_no_depth"
            )
        layer.scale, layer.units = np.full(2, microns_per_pixel), ("um", "um")
        self._write()
        self.show()
        return layer

    def forget(self) -> None:
        """Reset the layer for the next smear."""
        super().forget()
        self.regions = ()

    def follow_view(self, zoom: float) -> None:
        """Keep the size of line and dashes on the screen."""
        if self.layer is None or not self.layer.visible or 1 / _STEP < zoom / self._zoom < _STEP:
            return
        self._zoom = zoom
        self._write()

    def _write(self) -> None:
        assert self.layer is not None
        pixel = 1 / max(self._zoom, 1e-9) / self._scale
        lines = dashes(self.regions, _DASH_PX * pixel)
        with self.layer.events.blocker_all():  # drawn once, not at each of the three
            self.layer.data = lines
            self.layer.edge_width = _WIDTH_PX * pixel
            if len(lines):  # napari warns about colours without reason
                self.layer.edge_color = _TONES[np.arange(len(lines)) % 2]
        self.layer.refresh()


def dashes(regions: Sequence[Region], length: float, most: int = _MOST_DASHES) -> NDArray[np.float64]:
    """Return the borders of regions as dashes.

    Parameters
    ----------
    regions : sequence of Region
    length : float
        Length of a dash, level-0 pixels; longer if there would be more than ``most``, and adjusted on each
        side to a whole number.
    most : int

    Returns
    -------
    ndarray of float64, shape (n, 2, 2)
        Start and extent of each, (y, x).
    """
    around = sum(2 * (region.width + region.height) for region in regions)
    length = max(length, around / most)
    made = [np.zeros((0, 2, 2))]
    for region in regions:
        top, left = region.y, region.x
        bottom, right = top + region.height, left + region.width
        corners = np.array([(top, left), (top, right), (bottom, right), (bottom, left), (top, left)], float)
        for begin, end in pairwise(corners):
            # An even number, so that every side begins with the same colour.
            count = 2 * max(1, round(float(np.abs(end - begin).sum()) / length / 2))
            step = (end - begin) / count
            starts = begin + np.arange(count)[:, None] * step
            made.append(np.stack([starts, np.broadcast_to(step, starts.shape)], axis=1))
    return np.concatenate(made)
