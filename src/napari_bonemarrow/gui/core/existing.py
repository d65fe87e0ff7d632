"""What Qt always has, though its types allow for its absence: the application, a scroll bar, an event."""

from __future__ import annotations

from typing import TypeVar

from qtpy.QtWidgets import QApplication

T = TypeVar("T")


def existing(part: T | None) -> T:
    """Return a part of Qt's that is always there.

    Parameters
    ----------
    part : object or None
        As PyQt6 has it, for whose stubs every pointer may be null.

    Returns
    -------
    object
        The same.
    """
    assert part is not None
    return part


def application() -> QApplication:
    """Return Qt's application."""
    made = QApplication.instance()
    assert isinstance(made, QApplication)
    return made
