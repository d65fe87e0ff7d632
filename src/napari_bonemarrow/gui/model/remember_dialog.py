"""Dialog that makes a laboratory head from a signed case, or extends one."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtWidgets import QComboBox, QFormLayout, QLineEdit, QWidget

from napari_bonemarrow.gui.core.laboratory_files import HeadInfo
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.widgets.confirm_dialog import ConfirmDialog
from napari_bonemarrow.gui.widgets.controls import label

_FIRST = "our lab"


class RememberDialog(ConfirmDialog):
    """A dialog for the name of the head, new or known, and a note for its card.

    Parameters
    ----------
    parent : QWidget
    heads : sequence of HeadInfo
        Those that the case can extend.
    chosen : str
        The one that is offered first.
    """

    def __init__(self, parent: QWidget, heads: Sequence[HeadInfo], chosen: str) -> None:
        super().__init__(parent, "Remember what was learnt here")
        self._known = {head.name: head for head in heads}
        self.content.addWidget(
            label("The next smears begin with what the reviewed cells of this one taught.")
        )
        self.name_box = QComboBox()
        self.name_box.setEditable(True)
        self.name_box.setAccessibleName("Name of the head")
        self.name_box.addItems(list(self._known))
        self.name_box.setCurrentText(chosen or next(iter(self._known), _FIRST))
        self.note_edit = QLineEdit()
        self.note_edit.setAccessibleName("Note on stain and scanner")
        self.note_edit.setPlaceholderText("stain, scanner (optional)")
        form = QFormLayout()
        form.addRow(label("Head", "title", wrap=False), self.name_box)
        form.addRow(label("Note", "quiet", wrap=False), self.note_edit)
        self.content.addLayout(form)
        self.effect = label(role="quiet")
        self.content.addWidget(self.effect)
        self.content.addWidget(
            label("It keeps numbers of the cells and their classes, no image and no name.", "quiet")
        )
        self.name_box.editTextChanged.connect(self._on_name)
        self.end_with("Remember", "Write the head")
        self._on_name()
        existing(self.name_box.lineEdit()).setFocus()

    def _on_name(self, _text: str = "") -> None:
        head = self._known.get(self.name)
        many = "" if head is None else f"Extends {self.name}, which knows {head.cases} so far."
        self.effect.setText(many or "Makes a new head.")
        self.check()

    @property
    def name(self) -> str:
        """Return the name of the head."""
        return self.name_box.currentText().strip()

    @property
    def note(self) -> str:
        """Return the note."""
        return self.note_edit.text().strip()

    def lacks(self) -> str:
        """Return that the name is missing, if it is."""
        return "" if self.name else "A head needs a name."
