"""The question before a smear is started over."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget

from napari_bonemarrow.gui.widgets.confirm_dialog import ConfirmDialog
from napari_bonemarrow.gui.widgets.controls import label


class FreshStartDialog(ConfirmDialog):
    """The question with the content of the case that is kept.

    Parameters
    ----------
    parent : QWidget
    kept : str
        The content of the current case, in words.
    name : str
        The case file's name.
    """

    def __init__(self, parent: QWidget, kept: str, name: str) -> None:
        super().__init__(parent, "Start this smear over?")
        self.content.addWidget(label("A new case begins: scale, regions, cells and classes are given again."))
        self.content.addWidget(
            label(
                f"The case so far ({kept}) is kept next to {name} under another name, "
                "whole and with its journal. It can be opened at any time."
            )
        )
        self.end_with("Start over", "Keep the case so far and begin a new one")
        self.cancel_button.setFocus()
