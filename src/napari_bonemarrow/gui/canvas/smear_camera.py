"""Camera of the open smear, in level-0 pixels: the one class that moves napari's camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtCore import QObject

from napari_bonemarrow.cytology import Region
from napari_bonemarrow.gui.canvas.napari_compat import canvas_px
from napari_bonemarrow.gui.canvas.view_glide import ViewGlide
from napari_bonemarrow.gui.canvas.viewport import Viewport
from napari_bonemarrow.gui.core.qt_objects import existing

_NEAR_ZOOM, _FAR_ZOOM = 7.0, 4.0
"""Screen pixels per µm: a distant cell is shown at the first zoom, where its ring is about 80 px wide. Below
the second a nucleus of 8 µm is less than 32 px wide, too small to review."""


class SmearCamera(QObject):
    """A camera that brings cells and regions into view.

    Parameters
    ----------
    viewer : Viewer
    camera : napari's Camera
    smear : callable
        Returns the layer of the open smear, or None.
    parent : QObject
    """

    def __init__(
        self, viewer: Viewer, camera: Any, smear: Callable[[], Image | None], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._viewer, self._camera, self._smear = viewer, camera, smear
        self.glide = ViewGlide(self._centre, self)

    @property
    def _scale(self) -> float | None:
        """Return world units per level-0 pixel: µm if the smear's scale is known; None without a smear."""
        smear = self._smear()
        return None if smear is None else float(smear.scale[-1])

    def _smear_px(self) -> tuple[int, int]:
        smear = existing(self._smear())
        data = smear.data[0] if smear.multiscale else smear.data
        return int(data.shape[0]), int(data.shape[1])

    def viewport(self) -> Viewport:
        """Return the viewport, at the end of a running glide."""
        scale, zoom = existing(self._scale), float(self._camera.zoom)
        high, wide = canvas_px(self._viewer)
        down, across = self.glide.end or self._camera.center[-2:]
        height, width = self._smear_px()
        centre = float(down), float(across)
        return Viewport(centre, (high / zoom, wide / zoom), (height * scale, width * scale))

    def go_to(self, x: float, y: float) -> None:
        """Bring a cell into view, large enough to see it.

        The view does not move while the cell is well inside it. It glides if old and new view overlap, and
        jumps otherwise.
        """
        scale = self._scale
        if scale is None:
            return
        place = (y * scale, x * scale)
        if self._camera.zoom < _FAR_ZOOM:
            self._show_at(place, _NEAR_ZOOM)
            return
        seen = self.viewport()
        centre = seen.towards(place)
        if centre is None:
            return
        self.glide.finish()
        if seen.is_near(centre):
            self.glide.start(seen.centre, centre)
        else:
            self._centre(centre)

    def _show_at(self, place: tuple[float, float], zoom: float) -> None:
        """Jump to a place and zoom."""
        self.glide.stop()
        self._camera.zoom = zoom
        self._centre(self.viewport().centred_on(place))

    def _centre(self, centre: tuple[float, float]) -> None:
        self._camera.center = centre

    def centre_on(self, x: float, y: float) -> None:
        """Centre the view on a place, at the present zoom."""
        scale = self._scale
        if scale is not None:
            self._centre((y * scale, x * scale))

    def fill_view(self, x: float, y: float, width_um: float) -> None:
        """Fill the view with a square around a cell, or show the whole smear if it already does."""
        scale = self._scale
        if scale is None:
            return
        zoom = 0.9 * canvas_px(self._viewer)[0] / width_um
        if self._camera.zoom >= zoom * 0.99:
            self.show_all()
        else:
            self._show_at((y * scale, x * scale), zoom)

    def look(self, centre: tuple[float, float], zoom: float) -> None:
        """Restore a view: its centre (y, x) in µm, and screen pixels per µm.

        A place outside the smear, as after a change of scale, shows the whole smear instead of black.
        """
        scale = self._scale
        if scale is not None:
            sides = (side * scale for side in self._smear_px())
            if not all(0 <= at <= side for at, side in zip(centre, sides, strict=True)):
                self.show_all()
                return
        self._camera.center = centre
        self._camera.zoom = zoom

    def show_all(self) -> None:
        """Fit the view to the open smear, even if hidden ones are larger."""
        if self._smear() is not None:
            height, width = self._smear_px()
            self.fit(width, height)

    def fit(self, width: int, height: int) -> None:
        """Fit the view to a smear of this size, level-0 pixels."""
        self._viewer.reset_view()
        self.show_region(Region(0, 0, width, height))  # napari fits the view to all layers

    def show_region(self, region: Region) -> None:
        """Fill the view with a region."""
        scale = self._scale
        if scale is None:
            return
        self._centre(((region.y + region.height / 2) * scale, (region.x + region.width / 2) * scale))
        high, wide = canvas_px(self._viewer)
        self._camera.zoom = 0.9 * min(high / (region.height * scale), wide / (region.width * scale))

    def seen(self) -> tuple[float, float, float, float] | None:
        """Return left, top, right and bottom of the canvas, level-0 pixels, also beyond the smear.

        From the camera: napari's layer contains a slide's whole coarsest level, however little is visible.
        """
        scale = self._scale
        if scale is None:
            return None
        y, x = (float(value) / scale for value in self._camera.center[-2:])
        high, wide = (side / (2 * float(self._camera.zoom) * scale) for side in canvas_px(self._viewer))
        return x - wide, y - high, x + wide, y + high

    def nearest_region(self, regions: Sequence[Region]) -> int | None:
        """Return the region in or nearest to the middle of the view, None without regions."""
        scale = self._scale
        if scale is None or not regions:
            return None
        y, x = (float(value) / scale for value in self._camera.center[-2:])

        def away(at: int) -> float:
            box = regions[at]
            return max(box.x - x, x - box.x - box.width, 0) + max(box.y - y, y - box.y - box.height, 0)

        return min(range(len(regions)), key=away)
