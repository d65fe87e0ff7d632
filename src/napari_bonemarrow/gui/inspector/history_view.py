"""What was done to one cell, whole: the newest line below, older ones by scrolling."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QPlainTextEdit

from napari_bonemarrow.gui.core.existing import existing

_LINES = 4
"""So many lines are seen at once."""


class HistoryView(QPlainTextEdit):
    """Lines of the journal that cannot be edited."""

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setTabChangesFocus(True)
        self.setProperty("role", "quiet")
        self.setAccessibleName("History of the cell")
        existing(self.document()).setDocumentMargin(0)
        self._lines: tuple[str, ...] = ()
        self.setFixedHeight(self.fontMetrics().lineSpacing() * _LINES + 4)

    @property
    def lines(self) -> tuple[str, ...]:
        """Every line, oldest first."""
        return self._lines

    def show_lines(self, lines: Sequence[str]) -> None:
        """Show lines, oldest first, and of them the newest."""
        lines = tuple(lines)
        if lines == self._lines:
            return
        self._lines = lines
        self.setPlainText("\n".join(lines))
        bar = existing(self.verticalScrollBar())
        bar.setValue(bar.maximum())
