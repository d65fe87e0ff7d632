"""Names and titles of the acts that are commands of napari (no Qt)."""

from __future__ import annotations

from napari_bonemarrow.cytology.lines import capital
from napari_bonemarrow.gui.keys.bindings import TABLE, Binding

_OF_THE_REVIEW = ("label", "tag", "guess", "add", "bare")
"""Acts on the selected cell or the pointer's place, which are not commands."""


def names() -> dict[str, Binding]:
    """Return the acts that are commands, by command name."""
    acts = {act.name.replace(" ", "_"): act for act in TABLE.acts.values()}
    return {name: act for name, act in acts.items() if act.act not in _OF_THE_REVIEW}


def title(act: Binding, keys: tuple[str, ...] = ()) -> str:
    """Return the title of a command, with its keys if any."""
    text = act.text.partition(";")[0].removesuffix(": this page")
    return " · ".join(filter(None, (capital(text), " or ".join(keys))))
