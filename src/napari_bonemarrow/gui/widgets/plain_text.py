"""Text of files, cases and people as plain text: Qt takes what looks like HTML for HTML unless it is told.

A label in HTML loads an image that it names, and can look as if somebody else had signed. A test holds that
no other module makes a label or sets a tooltip by itself. What is told as napari's notification goes
through `describe.toast`.
"""

from __future__ import annotations

from html import escape
from typing import Protocol

from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QLabel, QToolTip, QWidget


class HasToolTip(Protocol):
    """A widget, an action or an item of a table."""

    def setToolTip(self, text: str, /) -> object:
        """Take a tooltip."""


def plain_label(text: str = "") -> QLabel:
    """Make a label that shows every text as it is."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(text)
    return made


def tip(text: str) -> str:
    """Return a text that Qt shows as it is where it may be taken for HTML, as in a tooltip."""
    if not Qt.mightBeRichText(text):  # type: ignore[attr-defined]  # of QtGui, where the stubs lack it
        return text
    return f"<qt>{escape(text)}</qt>".replace("\n", "<br>")


def set_tip(widget: HasToolTip, text: str) -> None:
    """Give a widget or an item a tooltip."""
    widget.setToolTip(tip(text))


def show_tip(place: QPoint, text: str, widget: QWidget) -> None:
    """Show a tooltip now, at a place of the screen."""
    QToolTip.showText(place, tip(text), widget)
