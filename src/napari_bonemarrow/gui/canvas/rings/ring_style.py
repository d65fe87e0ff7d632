"""Styles of many rings, by class index (no Qt)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CODES
from napari_bonemarrow.gui.widgets import class_style

_NUMBER = {code: number for number, code in enumerate(CODES)}
_COLORS = class_style.border_colors(CODES)
_WIDTHS_PX = class_style.border_widths_px(CODES)
_SYMBOLS = np.array(class_style.symbols(CODES), dtype=object)
OUTSIDE_ALPHA = 0.4
"""Opacity of cells outside the frame, which are not counted."""


def numbers(codes: Sequence[str]) -> NDArray[np.intp]:
    """Return the index of each class, shape (n,); 0 for no class and for an unknown one."""
    return np.fromiter((_NUMBER.get(code, 0) for code in codes), np.intp, count=len(codes))


def colors(
    classes: NDArray[np.intp], in_frame: NDArray[np.bool_], reviewed: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return the RGBA of rings, float32 of shape (n, 4); paler for reviewed or uncounted cells."""
    made = _COLORS[classes]
    made[reviewed, 3] = class_style.REVIEWED_ALPHA
    made[~in_frame, 3] = OUTSIDE_ALPHA
    return made


def widths_px(
    classes: NDArray[np.intp], reviewed: NDArray[np.bool_], flagged: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the width of each ring's line in screen pixels, shape (n,)."""
    made = _WIDTHS_PX[classes]
    made[reviewed] *= class_style.REVIEWED_NARROWER
    made[flagged] += class_style.FLAGGED_WIDER_PX
    return made


def symbols(classes: NDArray[np.intp]) -> NDArray[Any]:
    """Return napari's symbol of each cell as a plain str, object array of shape (n,).

    napari converts its own enumeration to text one by one at each drawing, 50 ms for 50,000.
    """
    return _SYMBOLS[classes]
