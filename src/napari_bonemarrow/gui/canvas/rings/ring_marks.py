"""Marks on the rings: codes on their plates, flags, and the selection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.gui.canvas.rings import code_layout, code_plates
from napari_bonemarrow.gui.canvas.rings.screen_marks import Pictures, Rings, lay_on

_CURRENT_LEAST_PX, _CURRENT_WIDTH_PX, _STROKE_PX = 13.0, 4.0, 9.0
"""Colours and sizes that make the inspector's cell visible in a whole smear, on any ground."""
_OTHER_LEAST_PX, _OTHER_WIDTH_PX = 5.0, 2.0
_FLAG_AT = np.array([0.7071, -0.7071], np.float32)
"""Offset of a single flag to the upper right of its ring, in radii."""
_FLAG_SHIFT = np.array([-5.0, -12.0], np.float32)


class RingMarks:
    """The marks on the rings; none without rings.

    Parameters
    ----------
    node : callable
        Returns the rings' node in the canvas, or None.
    """

    def __init__(self, node: Callable[[], Any]) -> None:
        self._node = node
        self._plates: Any = None
        self._rings: Any = None
        self._flags: Any = None
        self._ratio = 0.0

    def _there(self) -> bool:
        """Attach to the rings' node, a new one after each removal; return whether there is one."""
        node = self._node()
        if node is None:
            return False
        if self._plates is None:
            self._flags, self._rings, self._plates = Pictures(), Rings(), Pictures()
        for order, ours in enumerate((self._flags, self._rings, self._plates)):
            lay_on(ours, node, order)
        ratio = float(getattr(node.canvas, "pixel_scale", 1.0) or 1.0)
        if ratio != self._ratio:
            sheet = code_plates.draw_sheet(ratio)
            for pictures in (self._flags, self._plates):
                pictures.set_sheet(sheet.pixels, code_plates.SIZE, sheet.columns, ratio)
            self._ratio = ratio
        return True

    def show_codes(
        self,
        centres: NDArray[np.floating],
        radius: NDArray[np.floating],
        *,
        sides: NDArray[np.intp],
        plates: NDArray[np.intp],
    ) -> None:
        """Draw codes instead of earlier ones.

        Parameters
        ----------
        centres : ndarray, shape (n, 2)
            Centres of the cells, (x, y) in data units.
        radius : ndarray, shape (n,)
            Radii of their rings, data units.
        sides : ndarray of int, shape (n,)
            Side of its ring for each code, from `place_codes`.
        plates : ndarray of int, shape (n,)
            Number of each plate.
        """
        if self._there():
            rims = centres + code_layout.SIDES[sides] * radius[:, None]
            self._plates.set_data(rims, code_layout.shifts(sides, code_plates.SIZE), plates)

    def show_flags(self, centres: NDArray[np.floating], radius: NDArray[np.floating]) -> None:
        """Show single flags at some rings, (x, y) and data units as above, instead of earlier ones."""
        if self._there():
            rims = centres + _FLAG_AT * radius[:, None]
            shifts = np.broadcast_to(_FLAG_SHIFT, (len(centres), 2))
            self._flags.set_data(rims, shifts, np.full(len(centres), code_plates.FLAG))

    def show_selected(
        self, centres: NDArray[np.floating], radius: NDArray[np.floating], *, has_current: bool
    ) -> None:
        """Mark selected cells; the current one, the last, thickly and with strokes that point at it."""
        if not self._there():
            return
        is_one = np.zeros(len(centres), bool)
        is_one[-1:] = has_current
        self._rings.set_data(
            centres,
            radius,
            least=np.where(is_one, _CURRENT_LEAST_PX, _OTHER_LEAST_PX),
            width=np.where(is_one, _CURRENT_WIDTH_PX, _OTHER_WIDTH_PX),
            stroke=np.where(is_one, _STROKE_PX, 0.0),
        )
