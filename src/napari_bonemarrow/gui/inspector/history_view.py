"""History of one cell: the newest line at the bottom, older ones by scrolling."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QPlainTextEdit

from napari_bonemarrow.gui.core.qt_objects import existing

_LINES = 4
"""Number of visible lines."""


class HistoryView(QPlainTextEdit):
    """A read-only list of lines of the journal."""

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
        """Return every line, oldest first."""
        return self._lines

    def show_lines(self, lines: Sequence[str]) -> None:
        """Set the lines, oldest first, and scroll to the newest."""
        lines = tuple(lines)
        if lines == self._lines:
            return
        self._lines = lines
        self.setPlainText("\n".join(lines))
        bar = existing(self.verticalScrollBar())
        bar.setValue(bar.maximum())
