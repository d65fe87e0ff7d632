"""The Points layer of the rings, and the two things that napari's own would do too slowly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from napari.layers import Points
from napari.utils.events import Event
from numpy.typing import NDArray

_TEXT = {"size": 10, "color": "#0b0812", "anchor": "center"}
_FEW = 64
"""Up to so many rings are sent to the graphics card one by one; of more, all at once is quicker."""

_MOST_OUTLINED = 500
"""napari outlines what is selected; of more points the wider rings alone tell."""


class RingLayer(Points):
    """A Points layer that writes text beside some points only, and takes changes of a few points at once.

    napari lays out the text of every point whenever it draws, empty ones too (four seconds for 50,000), and
    sends every point anew whenever one changes its colour (60 ms). Both are avoided here by what napari keeps
    to itself. Where a version of napari keeps that elsewhere, the codes are not written, or the rings take
    longer, and nothing else is lost.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self._text_rows: NDArray[np.intp] = np.empty(0, np.intp)
        self._texts: NDArray[np.str_] = np.empty(0, "<U1")
        super().__init__(*args, text={"string": {"constant": " "}, "visible": False, **_TEXT}, **keywords)

    @property
    def _type_string(self) -> str:
        """What napari saves it as, and finds its icon and its menus by."""
        return "points"

    # text -----------------------------------------------------------------------------------------

    @property
    def texts(self) -> dict[int, str]:
        """The text that is written beside a point, by its row."""
        shown = bool(self.text.visible)
        return dict(zip(self._text_rows.tolist(), self._texts.tolist(), strict=True)) if shown else {}

    def write_texts(self, rows: NDArray[np.intp], texts: Sequence[str], above: float = 0.0) -> None:
        """Write texts beside these points and beside no others.

        Parameters
        ----------
        rows : ndarray of int, shape (m,)
        texts : sequence of str, length m
        above : float
            How far above the points' centres, in data units.
        """
        self._text_rows, self._texts = rows, np.array(texts, dtype=str).reshape(-1)
        if not len(rows):
            self.text.visible = False
            return
        self.text.translation = np.array([-above, 0.0])
        self.text.visible = True
        # The text itself is not the manager's, which sees no change; its canvas listens to the group alone.
        self.text.events(Event("string"))

    def _are_there(self) -> NDArray[np.bool_]:
        """Tell which texts have their point; in the midst of a change of the points some may not."""
        return self._text_rows < len(self.data)

    @property
    def _view_text(self) -> NDArray[np.str_]:
        return self._texts[self._are_there()]

    @property
    def _view_text_coords(self) -> tuple[NDArray[Any], str, str]:
        rows = self._text_rows[self._are_there()]
        places = self.data[np.ix_(rows, self._slice_input.displayed)]
        return self.text.compute_text_coords(places, self._slice_input.ndisplay, self._slice_input.order)

    @property
    def _view_text_color(self) -> NDArray[Any]:
        self.text.color._apply(self.features)
        return self.text._view_color(self._text_rows[self._are_there()])

    # selection ------------------------------------------------------------------------------------

    @property
    def _view_selected(self) -> NDArray[np.intp]:
        """Places of the selected points among those in view, which in two dimensions are all of them."""
        if len(self._view_indices) != len(self.data):
            return super()._view_selected
        return np.sort(np.fromiter(self.selected_data, np.intp, len(self.selected_data)))

    def _set_highlight(self, force: bool = False) -> None:
        """Outline the selected points. napari's own looks for the hovered one among all of them."""
        chosen = self._view_selected if self._highlight_visible else np.empty(0, np.intp)
        if len(chosen) > _MOST_OUTLINED:
            chosen = np.empty(0, np.intp)
        if force or not np.array_equal(chosen, self._highlight_index):
            self._highlight_index, self._highlight_box = chosen, None
            self.events.highlight()

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

    def _markers(self) -> Any:
        """Return what draws the points, or None where it is not as we know it."""
        for callback in self.events.border_width.callbacks:
            drawer = callback[0]() if isinstance(callback, tuple) else None
            markers = getattr(getattr(drawer, "node", None), "points_markers", None)
            data = getattr(markers, "_data", None)
            if hasattr(markers, "_vbo") and data is not None and len(data) == len(self.data):
                return markers
        return None


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
