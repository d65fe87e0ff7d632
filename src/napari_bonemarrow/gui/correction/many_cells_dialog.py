"""The question before one key changes many cells."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget

from napari_bonemarrow.gui.widgets.confirm_dialog import ConfirmDialog
from napari_bonemarrow.gui.widgets.controls import label


class ManyCellsDialog(ConfirmDialog):
    """The question with the number of cells and their current classes. *No* has the keyboard focus.

    Parameters
    ----------
    parent : QWidget
    question, present, yes : str
        The question, the current classes of the cells, and the text of the button that confirms it.
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
