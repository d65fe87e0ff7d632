"""Key events as event filters get them."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from qtpy import API_NAME
from qtpy.QtCore import QEvent
from qtpy.QtGui import QKeyEvent


def key_event(event: QEvent | None) -> QKeyEvent:
    """Return a key event as one.

    PyQt knows an object by its address. Where something still holds an event of the mouse that Qt has
    deleted, as a canvas may, a key event at the same address comes as that one, without a key.
    """
    if not isinstance(event, QKeyEvent) and API_NAME == "PyQt6":
        sip: Any = import_module("PyQt6.sip")  # for its stubs an object has no address
        event = sip.wrapinstance(sip.unwrapinstance(event), QKeyEvent)
    return cast(QKeyEvent, event)
