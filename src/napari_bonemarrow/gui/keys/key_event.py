"""Key events as event filters get them."""

from __future__ import annotations

from typing import Any

from qtpy import API_NAME
from qtpy.QtCore import QEvent
from qtpy.QtGui import QKeyEvent


def key_event(event: QEvent) -> Any:
    """Return a key event as one.

    PyQt knows an object by its address. Where something still holds an event of the mouse that Qt has
    deleted, as a canvas may, a key event at the same address comes as that one, without a key.
    """
    if isinstance(event, QKeyEvent) or API_NAME != "PyQt6":
        return event
    from PyQt6 import sip

    return sip.wrapinstance(sip.unwrapinstance(event), QKeyEvent)
