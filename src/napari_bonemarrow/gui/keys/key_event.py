"""Key events in event filters."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from qtpy import API_NAME
from qtpy.QtCore import QEvent
from qtpy.QtGui import QKeyEvent


def key_event(event: QEvent | None) -> QKeyEvent:
    """Return an event as a key event.

    PyQt identifies an object by its address. If something still holds a mouse event that Qt has deleted, as a
    canvas may, a key event at the same address appears as that one, without a key.
    """
    if not isinstance(event, QKeyEvent) and API_NAME == "PyQt6":
        sip: Any = import_module("PyQt6.sip")  # its stubs have no address of an object
        event = sip.wrapinstance(sip.unwrapinstance(event), QKeyEvent)
    return cast(QKeyEvent, event)
