"""Texts of a scale: parsing of the input, and its meaning for the open smear (no Qt)."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from napari_bonemarrow.cytology import ScaleError
from napari_bonemarrow.cytology.lines import capital
from napari_bonemarrow.slides import Scale, ScaleSource

USUAL_NUCLEUS_UM = (6.0, 15.0)
"""Usual size of a smear's typical nucleus: 7.2 to 12.8 µm in 34 fields of aspirate. Smears of only small
lymphocytes or large blasts lie outside. Beyond, the scale is questioned, not rejected."""

_MICRONS = r"\s*(µm|μm|um)?\s*"  # the micro sign, and the Greek letter that looks like it
_UNIT = re.compile(_MICRONS + r"(/\s*px|/\s*pixel|per pixel)?\s*$", re.IGNORECASE)
_LENGTH_UNIT = re.compile(_MICRONS + "$", re.IGNORECASE)
_LONGEST_UM = 1e5
_BEGUN = re.compile(r"[+-]?[0.,\s]*")


class Typed(NamedTuple):
    """The parsed input: its value if that is a possible scale, else the error."""

    value: float | None
    problem: str = ""


def read_typed(text: str) -> Typed:
    """Return µm per pixel as typed: with comma or point, with or without the unit."""
    bare = _UNIT.sub("", text.strip())
    if not bare:
        return Typed(None, "Type how many µm of the smear a pixel shows.")
    try:
        value = float(bare.replace(",", ".", 1))
    except ValueError:
        value = math.nan
    if math.isnan(value):
        return Typed(None, f"“{text.strip()[:20]}” is not a number: type µm per pixel, such as 0.05.")
    try:
        Scale(value, ScaleSource.USER)
    except ScaleError as error:
        line = str(error)
        return Typed(None, f"{capital(line)}.")
    return Typed(value)


def read_length(text: str) -> float | None:
    """Return a length in µm as typed: with comma or point, with or without the unit; None if invalid."""
    try:
        value = float(_LENGTH_UNIT.sub("", text.strip()).replace(",", ".", 1))
    except ValueError:
        return None
    return value if 0 < value < _LONGEST_UM else None


def is_begun(text: str) -> bool:
    """Return whether the input is incomplete: 0.05 begins with 0."""
    return _BEGUN.fullmatch(text) is not None


class Meaning(NamedTuple):
    """The meaning of a scale: one or two sentences, and whether it is questionable."""

    text: str
    doubtful: bool


def meaning(value: float, width: float, height: float, nucleus_px: float | None) -> Meaning:
    """Return the size of the field and of a nucleus at a scale.

    Parameters
    ----------
    value : float
        µm per pixel.
    width, height : float
        Size of the image, or of one field of a folder, px.
    nucleus_px : float or None
        Typical nucleus, px; None with too few separate nuclei.
    """
    wide, high = width * value, height * value
    size = f"{wide / 1000:.1f} × {high / 1000:.1f} mm" if wide >= 2000 else f"{wide:.0f} × {high:.0f} µm"
    text = f"At this scale the field is {size}"
    if nucleus_px is None:
        return Meaning(f"{text}.", False)
    across, (low, high) = nucleus_px * value, USUAL_NUCLEUS_UM
    text += f" and a nucleus of this smear about {_plainly(across)} µm across"
    if low <= across <= high:
        return Meaning(f"{text}.", False)
    return Meaning(f"{text} (usual: {low:g} to {high:g}). Is the scale right?", True)


def _plainly(microns: float) -> str:
    return f"{microns:.1f}" if microns < 10 else f"{microns:.0f}"


def figures(value: float) -> str:
    """Return a scale as text with four significant digits."""
    return f"{float(f'{value:.4g}'):g}"
