"""napari's layer controls and layer list, hidden during review to make room for the smear."""

from __future__ import annotations

from qtpy.compat import isalive
from qtpy.QtWidgets import QWidget

from napari_bonemarrow.gui.canvas.napari_compat import layer_docks
from napari_bonemarrow.gui.keys.key_filter import main_window


class SideDocks:
    """The docks hidden on entering the review, which are shown again on leaving it.

    A dock that the user shows meanwhile is left unchanged from then on.

    Parameters
    ----------
    panel : QWidget
        The plugin's panel in napari's window.
    """

    def __init__(self, panel: QWidget) -> None:
        self._panel = panel
        self._folded: list[QWidget] = []
        self._kept: list[QWidget] = []
        self._away = False

    def fold(self) -> None:
        """Hide the visible docks."""
        window = main_window(self._panel)
        if self._away or window is None:
            return
        self._away = True
        for dock in layer_docks(window):
            if dock.isVisible() and dock not in self._kept:
                dock.hide()
                self._folded.append(dock)

    def unfold(self) -> None:
        """Show the hidden docks again."""
        if not self._away:
            return
        self._away = False
        for dock in self._folded:
            if not isalive(dock):
                continue
            if dock.isVisible():
                self._kept.append(dock)
            else:
                dock.show()
        self._folded.clear()
