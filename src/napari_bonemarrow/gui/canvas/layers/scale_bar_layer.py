"""The line that is drawn along a burnt-in scale bar, on a Vectors layer."""

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
"""A line from the first place by the second."""


class ScaleBarLayer:
    """Holds one line; drawing another replaces it.

    napari's own tool for lines is not used: it takes the end from the last move of the mouse instead of from
    where the button was let go, and leaves each line where it was drawn.

    Parameters
    ----------
    on_drawn : callable
        Called with the length of the line, level-0 pixels, once it was drawn.
    """

    def __init__(self, on_drawn: Callable[[float], None]) -> None:
        self._on_drawn = on_drawn
        self._line: NDArray[np.float64] | None = None
        self.layer: Vectors | None = None

    def start(self, microns_per_pixel: float | None, zoom: float) -> Vectors:
        """Return a layer to draw on, that lies on the smear.

        Parameters
        ----------
        microns_per_pixel : float or None
            At which the smear is shown.
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
        """Let go of the layer."""
        if self.layer is not None and self._on_drag in self.layer.mouse_drag_callbacks:
            self.layer.mouse_drag_callbacks.remove(self._on_drag)
        self.layer = self._line = None

    def length(self) -> float:
        """Return how long the line is, level-0 pixels; 0 where there is none."""
        return 0.0 if self._line is None else float(np.hypot(*(self._line[1] - self._line[0])))

    def _on_drag(self, layer: Vectors, event: Any) -> Iterator[None]:
        """Follow the mouse from where it is pressed to where it is let go."""
        first = np.asarray(layer.world_to_data(event.position))[-2:]
        yield
        while event.type == "mouse_move":
            self._draw(layer, first, np.asarray(layer.world_to_data(event.position))[-2:])
            yield
        self._draw(layer, first, np.asarray(layer.world_to_data(event.position))[-2:])
        self._on_drawn(self.length())

    def _draw(self, layer: Vectors, first: NDArray[np.float64], last: NDArray[np.float64]) -> None:
        self._line = np.array([first, last])
        seen = self.length() >= 1  # of a point there is nothing to be drawn
        if seen:
            layer.data = np.array([[first, last - first]])
        layer.opacity = float(seen)
