"""Plain text of files, cases and people in Qt, which guesses HTML by default.

A label in HTML loads the images that it names, and can imitate another signature. A test checks that no other
module makes a label or sets a tooltip. napari's notifications go through `describe.toast`.
"""

from __future__ import annotations

from html import escape
from typing import Protocol

from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QLabel, QToolTip, QWidget


class HasToolTip(Protocol):
    """A widget, an action or an item of a table."""

    def setToolTip(self, text: str, /) -> object:
        """Set the tooltip."""


def plain_label(text: str = "") -> QLabel:
    """Return a label that shows every text literally."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(text)
    return made


def tip(text: str) -> str:
    """Return a text that Qt shows literally where it could be HTML, as in a tooltip."""
    if not Qt.mightBeRichText(text):  # type: ignore[attr-defined]  # of QtGui, where the stubs lack it
        return text
    return f"<qt>{escape(text)}</qt>".replace("\n", "<br>")


def set_tip(widget: HasToolTip, text: str) -> None:
    """Set the tooltip of a widget or an item."""
    widget.setToolTip(tip(text))


def show_tip(place: QPoint, text: str, widget: QWidget) -> None:
    """Show a tooltip now, at a place of the screen."""
    QToolTip.showText(place, tip(text), widget)
