"""Styles of classes: colour, width and symbol of the ring, and the colours of a heatmap (no Qt)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CLASSES, Lineage

UNCLASSIFIED_COLOR = "#f4d35e"
"""Colour of a detected cell without a class."""

RING, NOT_COUNTED_SYMBOL = "disc", "square"
# napari draws no dashed border, so excluded classes have another shape.

PLAIN_WIDTH, THICK_WIDTH = 3.0, 6.0
"""Width of a ring's line, screen pixels; blasts and other critical classes are thicker."""

REVIEWED_NARROWER, REVIEWED_ALPHA = 0.5, 0.65
"""Factors of width and opacity of a reviewed cell's ring, so that unreviewed ones stand out."""
FLAGGED_WIDER_PX = 2.0

PLATE_EDGE = "#000000"
_PLATES = {
    (False, False): ("#15151b", "#ffffff"),
    (True, False): ("#3b3b45", "#d9d9e2"),
    (False, True): ("#ffc95c", "#14100a"),
    (True, True): ("#ffc95c", "#14100a"),
}
"""Ground and ink of a code's plate by reviewed and flagged; contrast 7:1 or more on any smear."""


def plate_colors(*, reviewed: bool, flagged: bool) -> tuple[str, str]:
    """Return ground and ink of the plate of a cell's code, ``#rrggbb``."""
    return _PLATES[reviewed, flagged]


def _rgba(color: str) -> tuple[float, float, float, float]:
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue, 1.0


def color_of(code: str) -> str:
    """Return ``#rrggbb`` of a class; ``""`` is unclassified."""
    return CLASSES[code].color if code in CLASSES else UNCLASSIFIED_COLOR


def border_colors(codes: Sequence[str]) -> NDArray[np.float32]:
    """Return the ring's RGBA of each cell, float32 of shape (n, 4), 0 to 1."""
    rows = [_rgba(color_of(code)) for code in codes]
    return np.array(rows, dtype=np.float32).reshape(-1, 4)


def border_widths_px(codes: Sequence[str]) -> NDArray[np.float64]:
    """Return the width of each ring's line in screen pixels, shape (n,)."""
    thick = [code in CLASSES and CLASSES[code].thick for code in codes]
    return np.where(np.array(thick, dtype=bool), THICK_WIDTH, PLAIN_WIDTH).reshape(-1)


def symbols(codes: Sequence[str]) -> list[str]:
    """Return napari's symbol of each cell: a ring, or a square for excluded classes."""
    return [NOT_COUNTED_SYMBOL if is_not_counted(code) else RING for code in codes]


def is_not_counted(code: str) -> bool:
    """Return whether a class is excluded from the denominator."""
    return code in CLASSES and CLASSES[code].lineage is Lineage.NOT_COUNTED


HEAT_ENDS = ("matters little", "matters most")
"""Meaning of the two ends of a heatmap's colours; each map is scaled to its own highest value."""

_HEAT_STEPS = 256
_SOFT = 0.2
"""Part of the way from the border to the middle over which a heatmap fades out."""


def heat_image(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a heatmap as colours that fade out towards its border.

    Otherwise the map would have a square edge on the smear, without meaning for the cell.

    Parameters
    ----------
    values : ndarray of float32, shape (h, w)
        0 to 1.

    Returns
    -------
    ndarray of float32, shape (h, w, 4)
        RGBA, 0 to 1; alpha is 0 in the outermost pixels.
    """
    steps = np.clip(np.rint(np.asarray(values) * (_HEAT_STEPS - 1)), 0, _HEAT_STEPS - 1).astype(np.intp)
    colors = heat_colors(_HEAT_STEPS)[steps]
    height, width = steps.shape
    colors[..., 3] *= np.outer(_fading(height), _fading(width))
    return colors


def _fading(size: int) -> NDArray[np.float32]:
    """Return the opacity along one side, from 0 at both ends to 1, by smoothstep."""
    away = np.minimum(np.arange(size), np.arange(size)[::-1])
    part = np.clip(away / max(_SOFT * (size - 1) / 2, 1), 0, 1)
    return (part * part * (3 - 2 * part)).astype(np.float32)


def heat_colors(steps: int = 256) -> NDArray[np.float32]:
    """Return the RGBA of a heatmap from 0 to 1, shape (steps, 4).

    The colours are napari's *inferno* (perceptually uniform): importing matplotlib's blocks the window for
    most of a second. A smear is bright, so additive blending would only whiten it: the map is opaque and
    fades out towards zero.
    """
    from napari.utils.colormaps import ensure_colormap

    table = np.array(ensure_colormap("inferno").map(np.linspace(0.15, 0.95, steps)), dtype=np.float32)
    table[:, 3] = np.clip(np.linspace(-0.1, 1.0, steps), 0, 1) ** 0.8 * 0.75
    return table
