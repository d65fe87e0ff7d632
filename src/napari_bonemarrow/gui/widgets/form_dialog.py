"""Dialog with one form, such as settings or export options."""

from __future__ import annotations

from pydantic import BaseModel
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.widgets.controls import gone_when_closed, set_role
from napari_bonemarrow.gui.widgets.form import ModelForm


class FormDialog(QDialog):
    """A dialog that emits the user's instance when accepted; Cancel emits nothing.

    Parameters
    ----------
    parent : QWidget or None
    title : str
    value : BaseModel
        The first instance.
    done : str
        Text of the accepting button.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None, title: str, value: BaseModel, done: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        gone_when_closed(self)
        self.form = ModelForm(type(value), value)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.done_button = existing(self.buttons.addButton(done, QDialogButtonBox.ButtonRole.AcceptRole))
        self.done_button.setDefault(True)
        set_role(self.done_button, "primary")
        self.form.refused.connect(lambda text: self.done_button.setEnabled(not text))
        self.buttons.accepted.connect(self._accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.form)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(420)

    def _accept(self) -> None:
        self.done_button.setFocus()  # a number still being typed counts
        if self.form.valid:
            self.chosen.emit(self.form.value)
            self.accept()
