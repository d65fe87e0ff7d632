"""Text box for a comment on a cell."""

from __future__ import annotations

from qtpy.QtCore import QEvent, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QLineEdit

from napari_bonemarrow.gui.core.qt_objects import existing


class CommentBox(QLineEdit):
    """A text box that keeps every key from the review's shortcuts."""

    written = Signal(str)
    left = Signal()
    """Emitted on Enter, to return the focus to its earlier place."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Comment on this cell")
        self.setPlaceholderText("Comment on this cell, Enter writes it")
        self.returnPressed.connect(self._on_return)

    def event(self, event: QEvent | None) -> bool:
        """Claim keys before shortcuts."""
        event = existing(event)
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Stop unused keys, which the dock would pass to the smear."""
        event = existing(event)
        super().keyPressEvent(event)
        event.accept()

    def _on_return(self) -> None:
        text = self.text().strip()
        if text:
            self.written.emit(text)
            self.clear()
        self.left.emit()
