"""The question before one key changes many cells."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget

from napari_bonemarrow.gui.widgets.confirm_dialog import ConfirmDialog
from napari_bonemarrow.gui.widgets.controls import label


class ManyCellsDialog(ConfirmDialog):
    """Says how many cells would be changed and what they are now. *No* is what the keyboard finds first.

    Parameters
    ----------
    parent : QWidget
    question, present, yes : str
        What is asked, what the cells are now, and what the button says that does it.
    """

    def __init__(self, parent: QWidget, question: str, present: str, yes: str) -> None:
        super().__init__(parent, "Many cells at once")
        self.question = label(question, "title")
        self.present = label(present, "quiet")
        self.content.addWidget(self.question)
        if present:
            self.content.addWidget(self.present)
        self.content.addWidget(label("It is one step: undo takes it back as a whole.", "quiet"))
        self.end_with(yes, "Change all of them", cancel="No")
        self.cancel_button.setFocus()

    def lacks(self) -> str:
        """Return nothing: there is nothing to be written."""
        return ""
