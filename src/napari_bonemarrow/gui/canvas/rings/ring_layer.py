"""Points layer of the rings, faster than napari's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from napari.layers import Points
from numpy.typing import NDArray

_FEW = 64
"""Most rings sent to the graphics card one by one; for more, all at once is faster."""


class RingLayer(Points):
    """A Points layer with fast changes of a few points, and with codes and marks on it.

    napari lays out the text of every point at each drawing, even empty ones (four seconds for 50,000), and
    sends every point when one changes its colour (60 ms). Private attributes of napari avoid both here. If a
    version of napari has them elsewhere, codes and marks are not drawn, or the rings are slower, and nothing
    else is lost.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, text={"string": {"constant": " "}, "visible": False}, **keywords)

    @property
    def _type_string(self) -> str:
        """Return the type for napari's files, icons and menus."""
        return "points"

    # selection ------------------------------------------------------------------------------------

    @property
    def _view_selected(self) -> NDArray[np.intp]:
        """Return the indices of the selected points among those in view, which are all in two dimensions."""
        if len(self._view_indices) != len(self.data):
            return super()._view_selected
        return np.sort(np.fromiter(self.selected_data, np.intp, len(self.selected_data)))

    def _set_highlight(self, force: bool = False) -> None:
        """Outline nothing: our own marks show the selection on any ground."""

    # looks ----------------------------------------------------------------------------------------

    @contextmanager
    def drawn_once(self) -> Iterator[None]:
        """Send the points to the graphics card once, after all changes."""
        names = ("set_data", "size", "symbol", "border_width", "border_color", "face_color", "highlight")
        with ExitStack() as stack:
            for name in names:
                stack.enter_context(self.events[name].blocker())
            yield
        self.events.set_data()

    def redraw(self, rows: NDArray[np.intp] | None = None) -> None:
        """Redraw points with changed ``border_color``, ``border_width`` or ``symbol``.

        Parameters
        ----------
        rows : ndarray of int, optional
            Their rows; by default all.
        """
        markers = self._markers()
        if markers is None:
            self.events.border_color()
            return
        _write(self, markers, rows)
        if rows is None or len(rows) > _FEW:
            markers._vbo.set_data(markers._data)
        else:
            for row in rows.tolist():
                markers._vbo.set_subdata(markers._data[row : row + 1], offset=row, copy=True)
        markers.update()

    def stage(self, rows: NDArray[np.intp]) -> None:
        """Take over changed looks of some points, to be drawn by `draw_staged`."""
        markers = self._markers()
        if markers is not None:
            _write(self, markers, rows)

    def draw_staged(self) -> None:
        """Draw the points with everything that was staged, in one step."""
        markers = self._markers()
        if markers is None:
            self.events.border_color()
            return
        markers._vbo.set_data(markers._data)
        markers.update()

    def node(self) -> Any:
        """Return the layer's node in the canvas, or None in an unknown version of napari."""
        for callback in self.events.border_width.callbacks:
            drawer = callback[0]() if isinstance(callback, tuple) else None
            node = getattr(drawer, "node", None)
            if hasattr(node, "points_markers"):
                return node
        return None

    def _markers(self) -> Any:
        """Return the visual of the points, or None in an unknown version of napari."""
        markers = getattr(self.node(), "points_markers", None)
        data = getattr(markers, "_data", None)
        known = hasattr(markers, "_vbo") and data is not None and len(data) == len(self.data)
        return markers if known else None


def _write(layer: RingLayer, markers: Any, rows: NDArray[np.intp] | None) -> None:
    """Write changed points into the data of napari's vertex buffer."""
    data = markers._data
    which = slice(None) if rows is None else rows
    data["a_fg_color"][which] = layer.border_color[which]
    data["a_edgewidth"][which] = data["a_size"][which] * layer.border_width[which]
    values = markers._symbol_shader_values
    data["a_symbol"][which] = np.fromiter((values[symbol] for symbol in layer.symbol[which]), np.float32)
