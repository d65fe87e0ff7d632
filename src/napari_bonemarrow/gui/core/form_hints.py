"""Hints for a form about a field that its model does not hold (no Qt)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHOWN = "shown"
"""Key of the hints in a field's ``json_schema_extra``."""


def shown(
    *,
    unit: str = "",
    step: float | None = None,
    decimals: int | None = None,
    none_text: str = "none",
    placeholder: str = "",
    folder: bool = False,
    hidden: bool = False,
    tracking: bool = False,
    widget: str = "",
    texts: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the hints for a field's look in a form: ``Field(5.0, ge=0,
    json_schema_extra=shown(unit="µm"))``.

    Parameters
    ----------
    unit : str
        Written after a number.
    step : float, optional
        Step of the arrows of a number's box.
    decimals : int, optional
        Digits after the point; 2 by default.
    none_text : str
        Text in the box of an optional number that is None.
    placeholder : str
        Text in an empty line of text.
    folder : bool
        A path is a folder.
    hidden : bool
        Not in the form; the instance of the model keeps its value.
    tracking : bool
        A number is taken at each key typed, else when the box loses focus, at Enter and at an arrow.
    widget : str
        Name of another magicgui widget, such as ``RadioButtons``.
    texts : mapping of str to str, optional
        What a list shows in place of each choice.
    """
    return {SHOWN: {name: value for name, value in locals().items() if value not in ("", None, False)}}
