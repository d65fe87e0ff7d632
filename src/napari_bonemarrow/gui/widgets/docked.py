"""Widgets of ours in docks of napari's window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from qtpy.QtCore import QEvent, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QWidget

from napari_bonemarrow.gui.widgets.theme import ThemeColors, stylesheet


class DockHost(Protocol):
    """Brings a widget to the front, in a dock below the smear."""

    def bring(self, widget: QWidget, name: str, *, below_panel: bool = True) -> None:
        """Show a widget in its dock, which is made the first time."""


class ThemedDock(QWidget):
    """A widget that has the colours of the theme, and catches up when it comes into view.

    Parameters
    ----------
    theme : callable
        Returns the colours of the theme that is on.
    """

    became_visible = Signal()

    def __init__(self, theme: Callable[[], ThemeColors]) -> None:
        super().__init__()
        self._theme = theme
        self._colors: ThemeColors | None = None

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        self.setStyleSheet(stylesheet(colors))

    def showEvent(self, event: QShowEvent | None) -> None:
        """Catch up with what happened while the widget was hidden."""
        super().showEvent(event)
        self._follow_theme()
        self.became_visible.emit()

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow napari's theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange and self.isVisible():
            self._follow_theme()

    def _follow_theme(self) -> None:
        colors = self._theme()
        if colors != self._colors:
            self._colors = colors
            self.set_colors(colors)
