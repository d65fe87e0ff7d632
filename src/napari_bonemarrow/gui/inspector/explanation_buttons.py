"""Buttons for the explanation of the first guess."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QWidget

from napari_bonemarrow.gui.keys.key_hints import keyed
from napari_bonemarrow.gui.widgets.controls import button, label
from napari_bonemarrow.models.explanation.methods import METHODS

WHY = {"off": "off", **METHODS}
"""Texts of the buttons by method."""


class ExplanationButtons(QWidget):
    """One button per explanation method, and the state of the active one."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(label("Why?", wrap=False))
        self._group = QButtonGroup(self)
        self.buttons = {}
        for method, text in WHY.items():
            made = button(text)
            keyed(made, "explain", "", "What the first guess looks at")
            made.setCheckable(True)
            made.setChecked(method == "off")
            made.clicked.connect(self._clicked(method))
            self._group.addButton(made)
            self.buttons[method] = made
            layout.addWidget(made)
        self.text = label(role="quiet", wrap=False)
        layout.addWidget(self.text, 1)

    def _clicked(self, method: str) -> Callable[[], None]:
        def clicked() -> None:
            self.chosen.emit(method)

        return clicked

    def show_method(self, method: str, text: str) -> None:
        """Mark the active explanation, and show its state."""
        self.buttons[method].setChecked(True)
        self.text.setText(text)
