"""Question for the reviewer in the panel, before the first act under a name."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QFocusEvent
from qtpy.QtWidgets import QGridLayout, QLineEdit, QWidget

from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.widgets.controls import button, label

QUESTION = "Who reviews?"
WHY = "The name is stored with every correction."


_WITHIN = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ActiveWindowFocusReason,
    Qt.FocusReason.PopupFocusReason,
)
"""Reasons for losing the focus without leaving the line."""


class _NameEdit(QLineEdit):
    """A line edit with a signal when it is left, by Escape or a click elsewhere."""

    left = Signal()

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        """Emit that the question was left."""
        event = existing(event)
        super().focusOutEvent(event)
        if event.reason() not in _WITHIN:
            self.left.emit()


class ReviewerNamePart(QWidget):
    """A question with a line edit and a button, without the login as default."""

    named = Signal(str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.question = label(QUESTION, "title", wrap=False)
        self.edit = _NameEdit()
        self.edit.left.connect(self.left)
        self.edit.setAccessibleName("Name of the reviewer")
        self.edit.setPlaceholderText("your name, as the journal shall show it")
        self.ok_button = button("That's me", "primary")
        self.why = label(WHY, "quiet")
        layout = QGridLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.setVerticalSpacing(2)
        layout.addWidget(self.question, 0, 0)
        layout.addWidget(self.edit, 0, 1)
        layout.addWidget(self.ok_button, 0, 2)
        layout.addWidget(self.why, 1, 0, 1, 3)
        layout.setColumnStretch(1, 1)
        self.edit.textChanged.connect(self._check)
        self.edit.returnPressed.connect(self._tell)
        self.ok_button.clicked.connect(self._tell)
        self.hide()
        self._check()

    def ask(self, name: str = "", *, focus: bool = True) -> None:
        """Show the question; ``focus`` gives it the focus."""
        if not self.isVisible():
            self.edit.setText(name)
        self.show()
        if focus:
            self.edit.setFocus(Qt.FocusReason.OtherFocusReason)
            self.edit.selectAll()

    def _check(self) -> None:
        self.ok_button.setEnabled(bool(self.edit.text().strip()))

    def _tell(self) -> None:
        name = self.edit.text().strip()
        if name:
            self.named.emit(name)
            self.hide()
