"""The map of cells with its line of text and its buttons."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout

from napari_bonemarrow.gui.similarity.map_canvas import MapCanvas
from napari_bonemarrow.gui.similarity.map_legend import MapLegend
from napari_bonemarrow.gui.widgets.controls import button, label, set_role
from napari_bonemarrow.gui.widgets.docked import ThemedDock
from napari_bonemarrow.gui.widgets.theme import ThemeColors


class MapDock(ThemedDock):
    """The map of cells, where similar cells lie together; a lasso selects a cluster, a class key relabels it.

    Parameters
    ----------
    theme : callable
        Returns the colours of the current theme.
    """

    make_requested = Signal()
    stop_requested = Signal()

    def __init__(self, theme: Callable[[], ThemeColors]) -> None:
        super().__init__(theme)
        self.canvas, self.legend = MapCanvas(), MapLegend()
        self.text = label(role="quiet")
        self.make = button("Make the map", "primary", "Lay the cells out by what the network sees")
        self.make.clicked.connect(self.make_requested)
        self.stop = button("Stop")
        self.stop.clicked.connect(self.stop_requested)
        self.fit = button("Fit", tip="Show every cell · double click")
        self.fit.clicked.connect(self.canvas.fit)
        above = QHBoxLayout()
        above.setContentsMargins(6, 2, 6, 0)
        above.addWidget(self.text, 1)
        for made in (self.make, self.stop, self.fit):
            above.addWidget(made)
        below = QHBoxLayout()
        below.setSpacing(0)
        below.addWidget(self.canvas, 1)
        below.addWidget(self.legend)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(above)
        layout.addLayout(below, 1)
        self.show_state("")

    def show_state(
        self, text: str, *, can_make: bool = False, running: bool = False, warning: bool = False
    ) -> None:
        """Show the state or activity of the map, and the possible steps."""
        self.text.setText(text)
        set_role(self.text, "warning" if warning else "quiet")
        self.make.setVisible(can_make and not running)
        self.stop.setVisible(running)

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        super().set_colors(colors)
        self.canvas.set_colors(colors)
        self.legend.set_colors(colors)
