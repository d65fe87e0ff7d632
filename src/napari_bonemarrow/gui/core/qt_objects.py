"""Parts of Qt that always exist although their types are optional: application, scroll bar, event."""

from __future__ import annotations

from typing import TypeVar

from qtpy.QtWidgets import QApplication

T = TypeVar("T")


def existing(part: T | None) -> T:
    """Return a part of Qt that always exists.

    Parameters
    ----------
    part : object or None
        As typed by PyQt6, whose stubs allow every pointer to be null.

    Returns
    -------
    object
        The same object.
    """
    assert part is not None
    return part


def application() -> QApplication:
    """Return Qt's application."""
    made = QApplication.instance()
    assert isinstance(made, QApplication)
    return made
