"""Mouse over the smear, with clicks separated from drags of the view."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from qtpy.QtCore import QObject, Signal

if TYPE_CHECKING:
    from napari.viewer import Viewer

_CLICK_PX = 4
"""Largest move of a click, px; a longer one is a drag of the view."""


class Mouse(QObject):
    """The mouse's place on the smear and its clicks, in level-0 pixels (x, y).

    Parameters
    ----------
    viewer : napari.Viewer
    smear : callable
        Returns the layer of the open smear, or None.
    parent : QObject
    """

    clicked = Signal(float, float)
    added_to_selection = Signal(float, float)
    menu_requested = Signal(float, float)

    def __init__(self, viewer: Viewer, smear: Callable[[], Image | None], parent: QObject) -> None:
        super().__init__(parent)
        self._viewer, self._smear = viewer, smear
        self.rests = False
        """Whether clicks are ignored while another smear is being opened."""
        viewer.mouse_drag_callbacks.append(self._on_press)

    def leave(self) -> None:
        """Remove the callback from the viewer."""
        if self._on_press in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._on_press)

    def place(self) -> tuple[float, float] | None:
        """Return the mouse's place, or None outside the smear."""
        return self._to_pixels(self._viewer.cursor.position)

    def _to_pixels(self, position: Sequence[float]) -> tuple[float, float] | None:
        smear = self._smear()
        if smear is None:
            return None
        y, x = (float(value) for value in smear.world_to_data(position)[-2:])
        height, width = (smear.data[0] if smear.multiscale else smear.data).shape[:2]
        return (x, y) if -0.5 <= x < width - 0.5 and -0.5 <= y < height - 0.5 else None

    def _on_press(self, _viewer: Viewer, event: Any) -> Iterator[None]:  # napari's own has no types
        """Separate a click from a drag of the view."""
        if self.rests or self._smear() is None or event.button not in (1, 2) or self._is_drawing():
            return
        start, position, button = np.array(event.pos), tuple(event.position), event.button
        more = any("Shift" in str(modifier) for modifier in event.modifiers)
        yield
        while event.type == "mouse_move":
            if np.abs(np.array(event.pos) - start).max() > _CLICK_PX:
                return
            yield
        place = self._to_pixels(position)
        if place is not None:
            signal = self.added_to_selection if more else self.clicked
            (signal if button == 1 else self.menu_requested).emit(*place)

    def _is_drawing(self) -> bool:
        active = self._viewer.layers.selection.active
        return active is not None and str(active.mode) not in {"pan_zoom", "Mode.PAN_ZOOM"}
