"""The cover of a panel with disabled controls: the current work, and a button to stop it."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_bonemarrow.gui.inspector.cell_heading import OneLine
from napari_bonemarrow.gui.widgets.controls import button


class BusyCover(QWidget):
    """One line of text, and a button that stops the work."""

    stop_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.text = OneLine("title")
        self.stop_button = button("Stop", tip="Leave it; what was open stays open")
        self.stop_button.clicked.connect(self.stop_requested)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 8, 2)
        row.addWidget(self.text, 1)
        row.addWidget(self.stop_button)
        self.hide()

    def show_text(self, text: str) -> None:
        """Show the current work; ``""`` shows nothing."""
        self.text.setText(text)
        self.setVisible(bool(text))
