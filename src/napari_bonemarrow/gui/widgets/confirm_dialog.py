"""A dialog before something that is not to happen by a key pressed once too often."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from napari_bonemarrow.gui.core.existing import existing
from napari_bonemarrow.gui.widgets.controls import button, gone_when_closed, label


class ConfirmDialog(QDialog):
    """Asks before something that cannot be taken back. Enter alone never does it: in the review it means
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
        """Close the page with its two buttons; ``text`` and ``tip`` are those of the one that does it."""
        self.missing = label(role="warning")
        self.cancel_button = button(cancel)
        self.accept_button = button(text, "primary", f"{tip} (Ctrl+Enter)")
        for each in (self.cancel_button, self.accept_button):
            each.setAutoDefault(False)  # else the one with the focus would take Ctrl+Enter as Enter
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
        """Return what is still to be written; empty where nothing is."""
        raise NotImplementedError

    def check(self) -> None:
        """Say what is still missing, and offer the act once nothing is."""
        lacks = self.lacks()
        self.missing.setText(lacks)
        self.missing.setVisible(bool(lacks))
        self.accept_button.setEnabled(not lacks)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Take Ctrl+Enter for yes and Escape for no; Enter alone in a line does nothing."""
        event = existing(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.isAutoRepeat():
                return  # still held down from before the page came up
            held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            if held == Qt.KeyboardModifier.ControlModifier and self.accept_button.isEnabled():
                self.accept()
            elif self.cancel_button.hasFocus():
                self.reject()
            return
        super().keyPressEvent(event)
