"""Confirmation dialog that a repeated key cannot accept."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.widgets.controls import button, gone_when_closed, label


class ConfirmDialog(QDialog):
    """A dialog before an act that cannot be undone. Enter alone does not confirm: in the review it means
    *accept and go on*, and may be pressed once too often.
    """

    def __init__(self, parent: QWidget, title: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        gone_when_closed(self)
        self.content = QVBoxLayout(self)
        self.content.setContentsMargins(16, 14, 16, 14)
        self.content.setSpacing(8)
        self.setMinimumWidth(380)

    def end_with(self, text: str, tip: str, cancel: str = "Not yet") -> None:
        """Add the two buttons; ``text`` and ``tip`` are those of the confirming one."""
        self.missing = label(role="warning")
        self.cancel_button = button(cancel)
        self.accept_button = button(text, "primary", f"{tip} (Ctrl+Enter)")
        for each in (self.cancel_button, self.accept_button):
            each.setAutoDefault(False)  # otherwise the focused one would take Ctrl+Enter as Enter
        self.cancel_button.clicked.connect(self.reject)
        self.accept_button.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.cancel_button)
        row.addWidget(self.accept_button)
        self.content.addWidget(self.missing)
        self.content.addLayout(row)
        self.check()

    def lacks(self) -> str:
        """Return what is still missing; by default nothing."""
        return ""

    def check(self) -> None:
        """Show what is still missing, and enable the act once nothing is."""
        lacks = self.lacks()
        self.missing.setText(lacks)
        self.missing.setVisible(bool(lacks))
        self.accept_button.setEnabled(not lacks)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Accept on Ctrl+Enter and reject on Escape; Enter alone in a line does nothing."""
        event = existing(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.isAutoRepeat():
                return  # still held down from before the dialog opened
            held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            if held == Qt.KeyboardModifier.ControlModifier and self.accept_button.isEnabled():
                self.accept()
            elif self.cancel_button.hasFocus():
                self.reject()
            return
        super().keyPressEvent(event)
