"""Symbols of lineages on the map, in addition to colours (no Qt)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CLASSES, CODES, Lineage
from napari_bonemarrow.gui.widgets import class_style

SIGNS: Mapping[str, str] = MappingProxyType(
    {
        Lineage.BLAST: "star",
        Lineage.GRANULOCYTIC: "disc",
        Lineage.MONOCYTIC: "diamond",
        Lineage.ERYTHROID: "square",
        Lineage.LYMPHOID: "triangle",
        Lineage.PLASMA: "wedge",
        Lineage.OTHER: "plus",
        Lineage.NOT_COUNTED: "cross",
    }
)
"""Lineage to the name of its symbol; a cell without a class is a ring."""

UNCLASSIFIED_SIGN = "ring"


def sign_of(code: str) -> str:
    """Return the name of a class's symbol."""
    return SIGNS[CLASSES[code].lineage] if code in CLASSES else UNCLASSIFIED_SIGN


SIGN_OF_CODE: tuple[str, ...] = tuple(sign_of(code) for code in CODES)
"""The symbol of each of `cytology.CODES`."""


@cache
def colors_of_codes() -> NDArray[np.uint32]:
    """Return the colour of each of `cytology.CODES` as Qt's 32-bit RGB, shape (k,)."""
    return np.array([0xFF000000 | int(class_style.color_of(code)[1:], 16) for code in CODES], np.uint32)


@cache
def stamp(sign: str, radius: int) -> NDArray[np.intp]:
    """Return the pixels of a symbol around its centre as (dy, dx), shape (m, 2).

    Parameters
    ----------
    sign : str
    radius : int
        Radius of the disc, px; others have about the same area.
    """
    reach = radius + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    r, wide = radius + 0.35, 0.35 * radius + 0.3
    arms = ((abs(x) <= wide) | (abs(y) <= wide)) & (np.maximum(abs(x), abs(y)) <= reach)
    diagonal = (np.minimum(abs(x - y), abs(x + y)) <= wide * 1.3) & (np.maximum(abs(x), abs(y)) <= radius)
    shapes = {
        "disc": x**2 + y**2 <= r**2,
        "ring": (x**2 + y**2 <= r**2) & (x**2 + y**2 >= (r - 1.2) ** 2),
        "square": np.maximum(abs(x), abs(y)) <= radius - 0.5,
        "diamond": abs(x) + abs(y) <= reach,
        "triangle": (y <= radius) & (abs(x) <= (y + radius + 1) * 0.55),
        "wedge": (y >= -radius) & (abs(x) <= (radius + 1 - y) * 0.55),
        "plus": arms,
        "cross": diagonal,
        "star": arms | diagonal,
    }
    return np.argwhere(shapes[sign]) - reach
