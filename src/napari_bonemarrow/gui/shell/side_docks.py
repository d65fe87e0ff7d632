"""napari's layer controls and layer list, folded away while one reviews: the smear has their room."""

from __future__ import annotations

from qtpy.compat import isalive
from qtpy.QtWidgets import QWidget

from napari_bonemarrow.gui.canvas.napari_compat import layer_docks
from napari_bonemarrow.gui.keys.key_filter import main_window


class SideDocks:
    """Hides them on entering the review and shows on leaving it what it has hidden, no more.

    A dock that the user brings back meanwhile is theirs, and is left alone from then on.

    Parameters
    ----------
    panel : QWidget
        Ours, which lies in napari's window.
    """

    def __init__(self, panel: QWidget) -> None:
        self._panel = panel
        self._folded: list[QWidget] = []
        self._kept: list[QWidget] = []
        self._away = False

    def fold(self) -> None:
        """Hide those that are seen."""
        window = main_window(self._panel)
        if self._away or window is None:
            return
        self._away = True
        for dock in layer_docks(window):
            if dock.isVisible() and dock not in self._kept:
                dock.hide()
                self._folded.append(dock)

    def unfold(self) -> None:
        """Show those again that were hidden."""
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
