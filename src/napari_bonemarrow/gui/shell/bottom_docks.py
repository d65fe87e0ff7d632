"""The plugin's docks below the smear."""

from __future__ import annotations

from napari.viewer import Viewer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QWidget

from napari_bonemarrow.gui.keys.key_filter import KeyFilter


class BottomDocks:
    """Docks made at the first use of a widget; until then it belongs to the panel, and ends with it.

    Parameters
    ----------
    viewer : Viewer
    panel : QWidget
    keys : KeyFilter
        Active in the docks too.
    """

    def __init__(self, viewer: Viewer, panel: QWidget, keys: KeyFilter) -> None:
        self._viewer, self._panel, self._keys = viewer, panel, keys
        self._widgets: list[QWidget] = []

    def add(self, widget: QWidget) -> None:
        """Register a widget that may be shown later."""
        self._widgets.append(widget)
        widget.hide()
        widget.setParent(self._panel)

    def bring(self, widget: QWidget, name: str, *, below_panel: bool = True) -> None:
        """Show a widget in its dock, which is created the first time.

        Parameters
        ----------
        widget : QWidget
        name : str
        below_panel : bool
            Extend docks at the bottom below the panel; else the panel keeps its height.
        """
        dock = widget.parentWidget()
        if dock is None or dock is self._panel:
            dock = self._viewer.window.add_dock_widget(widget, name=name, area="bottom", tabify=True)
            self._keys.serve(widget)
            if not below_panel:
                dock.window().setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        dock.show()
        dock.raise_()

    def leave(self) -> None:
        """Remove the docks when the panel is closed."""
        for widget in self._widgets:
            if widget.parent() not in (None, self._panel):
                self._viewer.window.remove_dock_widget(widget)
            widget.deleteLater()
