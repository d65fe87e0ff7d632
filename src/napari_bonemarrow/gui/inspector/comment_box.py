"""Where a comment on a cell is written."""

from __future__ import annotations

from qtpy.QtCore import QEvent, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QLineEdit

from napari_bonemarrow.gui.core.existing import existing


class CommentBox(QLineEdit):
    """Takes every key while one writes: none of them may reach the review's shortcuts."""

    written = Signal(str)
    left = Signal()
    """Enter was pressed: whoever had the keyboard before has it again."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Comment on this cell")
        self.setPlaceholderText("Comment on this cell, Enter writes it")
        self.returnPressed.connect(self._on_return)

    def event(self, event: QEvent | None) -> bool:
        """Claim keys before shortcuts are asked."""
        event = existing(event)
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Keep what a line of text has no use for: the dock would hand it on to the smear."""
        event = existing(event)
        super().keyPressEvent(event)
        event.accept()

    def _on_return(self) -> None:
        text = self.text().strip()
        if text:
            self.written.emit(text)
            self.clear()
        self.left.emit()
