"""Which acts are commands of napari, and what they are called (no Qt)."""

from __future__ import annotations

from napari_bonemarrow.gui.keys.bindings import TABLE, Binding

_OF_THE_REVIEW = ("label", "tag", "guess", "add", "bare")
"""Acts that mean the cell under the eye or the pointer: keys and buttons, nothing to look up in a list."""


def names() -> dict[str, Binding]:
    """Return the acts that are commands by the names of their commands."""
    acts = {act.name.replace(" ", "_"): act for act in TABLE.acts.values()}
    return {name: act for name, act in acts.items() if act.act not in _OF_THE_REVIEW}


def title(act: Binding, keys: tuple[str, ...] = ()) -> str:
    """Return what a command is called, with its keys if there are any."""
    text = act.text.partition(";")[0].removesuffix(": this page")
    return " · ".join(filter(None, (f"{text[0].upper()}{text[1:]}", " or ".join(keys))))
