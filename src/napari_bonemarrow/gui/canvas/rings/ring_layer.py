"""The Points layer of the rings, and what napari's own would do too slowly or cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from napari.layers import Points
from numpy.typing import NDArray

_FEW = 64
"""Up to so many rings are sent to the graphics card one by one; of more, all at once is quicker."""


class RingLayer(Points):
    """A Points layer that takes changes of a few points at once and lets codes and marks lie on it.

    napari lays out the text of every point whenever it draws, empty ones too (four seconds for 50,000), and
    sends every point anew whenever one changes its colour (60 ms). Both are avoided here by what napari keeps
    to itself. Where a version of napari keeps that elsewhere, codes and marks are not drawn, or the rings
    take longer, and nothing else is lost.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, text={"string": {"constant": " "}, "visible": False}, **keywords)

    @property
    def _type_string(self) -> str:
        """What napari saves it as, and finds its icon and its menus by."""
        return "points"

    # selection ------------------------------------------------------------------------------------

    @property
    def _view_selected(self) -> NDArray[np.intp]:
        """Places of the selected points among those in view, which in two dimensions are all of them."""
        if len(self._view_indices) != len(self.data):
            return super()._view_selected
        return np.sort(np.fromiter(self.selected_data, np.intp, len(self.selected_data)))

    def _set_highlight(self, force: bool = False) -> None:
        """Outline nothing: what is selected has marks of ours, seen on any ground."""

    # looks ----------------------------------------------------------------------------------------

    @contextmanager
    def drawn_once(self) -> Iterator[None]:
        """Send the points to the graphics card once, at the end, however much is changed meanwhile."""
        names = ("set_data", "size", "symbol", "border_width", "border_color", "face_color", "highlight")
        with ExitStack() as stack:
            for name in names:
                stack.enter_context(self.events[name].blocker())
            yield
        self.events.set_data()

    def redraw(self, rows: NDArray[np.intp] | None = None) -> None:
        """Draw points anew whose entries in ``border_color``, ``border_width`` or ``symbol`` were changed.

        Parameters
        ----------
        rows : ndarray of int, optional
            Which; every one where it is left out.
        """
        markers = self._markers()
        if markers is None:
            self.events.border_color()
            return
        _send(self, markers, rows)

    def node(self) -> Any:
        """Return what stands for this layer in the canvas, or None where it is not as we know it."""
        for callback in self.events.border_width.callbacks:
            drawer = callback[0]() if isinstance(callback, tuple) else None
            node = getattr(drawer, "node", None)
            if hasattr(node, "points_markers"):
                return node
        return None

    def _markers(self) -> Any:
        """Return what draws the points, or None where it is not as we know it."""
        markers = getattr(self.node(), "points_markers", None)
        data = getattr(markers, "_data", None)
        known = hasattr(markers, "_vbo") and data is not None and len(data) == len(self.data)
        return markers if known else None


def _send(layer: RingLayer, markers: Any, rows: NDArray[np.intp] | None) -> None:
    """Write looks into the buffer that napari's own drawing has filled."""
    data = markers._data
    which = slice(None) if rows is None else rows
    data["a_fg_color"][which] = layer.border_color[which]
    data["a_edgewidth"][which] = data["a_size"][which] * layer.border_width[which]
    values = markers._symbol_shader_values
    data["a_symbol"][which] = np.fromiter((values[symbol] for symbol in layer.symbol[which]), np.float32)
    if rows is None or len(rows) > _FEW:
        markers._vbo.set_data(data)
    else:
        for row in rows.tolist():
            markers._vbo.set_subdata(data[row : row + 1], offset=row, copy=True)
    markers.update()
