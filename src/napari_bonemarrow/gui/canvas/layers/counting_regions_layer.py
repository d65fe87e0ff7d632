"""Layer of the counted rectangles, chosen or drawn, a Shapes layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from napari.layers import Shapes
from napari.utils.events import Event
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Region
from napari_bonemarrow.slides import Slide

LAYER_NAME = "counted regions"
_EDGE_PX = 3.0
_EDGE_COLOR = "#101014"
_STEP = 1.25
"""Change of zoom after which line widths are updated, which redraws everything."""


class CountingRegionsLayer:
    """The layer of regions, made on demand; every rectangle is a region, numbered in order.

    Parameters
    ----------
    on_changed : callable
        Called after the user has drawn, moved or removed a rectangle.
    """

    def __init__(self, on_changed: Callable[[], None]) -> None:
        self._on_changed = on_changed
        self._writing = False
        self._locked = False
        self._zoom = 1.0
        self._scale = 1.0
        self.layer: Shapes | None = None

    def start(self, slide: Slide, zoom: float) -> Shapes:
        """Return the layer to draw on."""
        if self.layer is None:
            scale = slide.microns_per_pixel
            self._scale, self._zoom = scale or 1.0, zoom
            layer = Shapes(
                ndim=2,
                name=LAYER_NAME,
                scale=(self._scale,) * 2,
                units=("um", "um") if scale else ("pixel", "pixel"),
                edge_color=_EDGE_COLOR,
                face_color="transparent",
                edge_width=self._edge(),
                opacity=1.0,
                features={"number": np.empty(0, int)},
                text={
                    "string": "{number}",
                    "size": 12,
                    "color": _EDGE_COLOR,
                    "anchor": "upper_left",
                    "translation": (0.0, 0.0),
                },
            )
            layer.events.data.connect(self._on_data)
            layer.events.editable.connect(self._on_editable)
            self.layer = layer
        return self.layer

    def forget(self) -> None:
        """Forget the layer, before the next smear."""
        if self.layer is not None:
            self.layer.events.data.disconnect(self._on_data)
        self.layer, self._locked = None, False

    @contextmanager
    def _own(self) -> Iterator[None]:
        before, self._writing = self._writing, True
        try:
            yield
        finally:
            self._writing = before

    def _edge(self) -> float:
        """Return the line width in level-0 pixels for `_EDGE_PX` on the screen."""
        return _EDGE_PX / max(self._zoom, 1e-9) / self._scale

    def show(self, regions: Sequence[Region]) -> None:
        """Show these regions instead of earlier ones."""
        assert self.layer is not None
        with self._own():
            self.layer.selected_data = set()
            self.layer.data = []
            if regions:
                self.layer.add_rectangles(
                    [_corners(region) for region in regions],
                    edge_width=self._edge(),
                    edge_color=_EDGE_COLOR,
                    face_color="transparent",
                )
            self._number(self.layer)
            self._keep_locked()

    def lock(self) -> None:
        """Make the regions read-only."""
        self._locked = True
        with self._own():
            self._keep_locked()

    def _on_editable(self) -> None:
        """Lock the layer again, which napari makes editable when it shows it."""
        if self.layer is not None and self.layer.editable:
            self._keep_locked()

    def _keep_locked(self) -> None:
        if self.layer is not None and self._locked:
            self.layer.mode = "pan_zoom"
            self.layer.editable = False

    def follow_view(self, zoom: float) -> None:
        """Keep the line width on the screen."""
        if self.layer is None or 1 / _STEP < zoom / self._zoom < _STEP:
            return
        self._zoom = zoom
        with self._own():
            if len(self.layer.data):
                self.layer.edge_width = [self._edge()] * len(self.layer.data)
            self.layer.current_edge_width = self._edge()

    def regions(self) -> tuple[Region, ...]:
        """Return the regions, level-0 pixels, in drawing order.

        A region is half-open and counts from pixel edges; the centre of the first pixel is 0.
        """
        if self.layer is None:
            return ()
        regions = []
        for shape in self.layer.data:
            corners = np.asarray(shape)[:, -2:]
            (top, left), (bottom, right) = corners.min(axis=0), corners.max(axis=0)
            if right - left >= 1 and bottom - top >= 1:
                regions.append(Region(float(left), float(top), float(right - left), float(bottom - top)))
        return tuple(regions)

    def _number(self, layer: Shapes) -> None:
        layer.features = {"number": np.arange(1, len(layer.data) + 1)}
        layer.text.refresh(layer.features)
        layer.refresh()

    def _on_data(self, event: Event) -> None:
        if self.layer is None or self._writing or str(event.action) not in {"added", "changed", "removed"}:
            return
        if str(event.action) != "changed":
            with self._own():
                self._number(self.layer)
        self._on_changed()


def _corners(region: Region) -> NDArray[np.float64]:
    """Return a region's corners, (y, x) around it."""
    top, left = region.y, region.x
    bottom, right = top + region.height, left + region.width
    return np.array([[top, left], [top, right], [bottom, right], [bottom, left]])
