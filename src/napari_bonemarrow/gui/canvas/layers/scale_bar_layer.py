"""Layer of the line along a burnt-in scale bar, a Vectors layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from napari.layers import Vectors
from numpy.typing import NDArray

LAYER_NAME = "scale bar"
_COLOR = "#e6007e"
_EDGE_PX = 3.0
_NOTHING = np.array([[0.0, 0.0], [0.0, 1.0]])
"""A line: start and extent."""


class ScaleBarLayer:
    """A layer of one line; drawing another replaces it.

    napari's own line tool takes the end from the last move of the mouse instead of the release of the button,
    and keeps every line.

    Parameters
    ----------
    on_drawn : callable
        Called with the length of the line, level-0 pixels, when it is drawn.
    """

    def __init__(self, on_drawn: Callable[[float], None]) -> None:
        self._on_drawn = on_drawn
        self._line: NDArray[np.float64] | None = None
        self.layer: Vectors | None = None

    def start(self, microns_per_pixel: float | None, zoom: float) -> Vectors:
        """Return a layer to draw on, placed on the smear.

        Parameters
        ----------
        microns_per_pixel : float or None
            Scale of the smear in the viewer.
        zoom : float
            Screen pixels per unit of the view.
        """
        self.forget()
        scale = microns_per_pixel or 1.0
        layer: Vectors = Vectors(
            _NOTHING[None],
            vector_style="line",
            name=LAYER_NAME,
            scale=(scale,) * 2,
            units=("um", "um") if microns_per_pixel else ("pixel", "pixel"),
            edge_color=_COLOR,
            edge_width=_EDGE_PX / max(zoom, 1e-9) / scale,
            opacity=0.0,  # there is no line yet
        )
        layer.mouse_pan = False
        layer.mouse_drag_callbacks.append(self._on_drag)
        self.layer = layer
        return layer

    def forget(self) -> None:
        """Forget the layer."""
        if self.layer is not None and self._on_drag in self.layer.mouse_drag_callbacks:
            self.layer.mouse_drag_callbacks.remove(self._on_drag)
        self.layer = self._line = None

    def length(self) -> float:
        """Return the length of the line, level-0 pixels; 0 without one."""
        return 0.0 if self._line is None else float(np.hypot(*(self._line[1] - self._line[0])))

    def _on_drag(self, layer: Vectors, event: Any) -> Iterator[None]:
        """Follow the mouse from press to release."""
        first = np.asarray(layer.world_to_data(event.position))[-2:]
        yield
        while event.type == "mouse_move":
            self._draw(layer, first, np.asarray(layer.world_to_data(event.position))[-2:])
            yield
        self._draw(layer, first, np.asarray(layer.world_to_data(event.position))[-2:])
        self._on_drawn(self.length())

    def _draw(self, layer: Vectors, first: NDArray[np.float64], last: NDArray[np.float64]) -> None:
        self._line = np.array([first, last])
        seen = self.length() >= 1  # a point cannot be drawn
        if seen:
            layer.data = np.array([[first, last - first]])
        layer.opacity = float(seen)
