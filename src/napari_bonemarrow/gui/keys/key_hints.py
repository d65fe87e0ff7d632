"""Hints of keys in the tooltips of controls."""

from __future__ import annotations

from qtpy.QtWidgets import (
    QWidget,
)

from napari_bonemarrow.gui.keys.bindings import TABLE
from napari_bonemarrow.gui.widgets.plain_text import set_tip


def keyed(widget: QWidget, act: str, argument: str = "", tip: str = "") -> None:
    """Show in a control's tooltip its key, now and after changes of the keys."""
    widget.setProperty("act", f"{act} {argument}".strip())
    widget.setProperty("tip", tip)
    _show_key(widget)


def show_keys(*roots: QWidget) -> None:
    """Update the keys in the tooltips of all controls within some widgets."""
    for root in roots:
        for widget in root.findChildren(QWidget):
            if widget.property("act"):
                _show_key(widget)


def _show_key(widget: QWidget) -> None:
    keys = " or ".join(TABLE.keys_of(widget.property("act")))
    tip = widget.property("tip")
    set_tip(widget, f"{tip} · key {keys}" if keys else tip)
    show_key = getattr(widget, "show_key", None)
    if show_key is not None:
        show_key(keys)
