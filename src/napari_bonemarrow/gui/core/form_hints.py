"""What a form needs to know of a field and its model does not (no Qt)."""

from __future__ import annotations

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
) -> dict[str, Any]:
    """Say how a field looks in a form: ``Field(5.0, ge=0, json_schema_extra=shown(unit="µm"))``.

    Parameters
    ----------
    unit : str
        Written after a number.
    step : float, optional
        What an arrow of a number's box adds.
    decimals : int, optional
        Digits after the point; 2 where nothing is said.
    none_text : str
        What stands in the box of a number that may be None and is.
    placeholder : str
        What stands in an empty line of text.
    folder : bool
        A path is a folder's.
    hidden : bool
        Not in the form; the model's instance keeps its value.
    tracking : bool
        A number counts at each letter typed, else when the box is left, at Enter and at an arrow.
    widget : str
        Name of another of magicgui's widgets, such as ``RadioButtons``.
    """
    return {SHOWN: {name: value for name, value in locals().items() if value not in ("", None, False)}}
