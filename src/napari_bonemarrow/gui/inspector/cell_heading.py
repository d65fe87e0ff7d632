"""Heading of the cell: the effect of a key, and the progress of the review, at a fixed height."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QFontMetrics, QResizeEvent
from qtpy.QtWidgets import QApplication, QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from napari_bonemarrow.gui.inspector.cell_models import ProgressInfo
from napari_bonemarrow.gui.widgets.controls import button, keeps_place
from napari_bonemarrow.gui.widgets.plain_text import set_tip

_AROUND = 4
"""Extra height of a line of text, px: a style sheet's fonts are slightly larger."""
_BAR, _ROOM = 6, 13
"""Height of the progress bar, and the extra height of it and its button over a line of text, px."""


class OneLine(QLabel):
    """A line of text that is elided instead of wrapped, with the full text as tooltip."""

    def __init__(self, role: str = "") -> None:
        super().__init__()
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        if role:
            self.setProperty("role", role)

    def setText(self, text: str | None) -> None:
        """Set the text, elided to the width."""
        self._whole = text or ""
        self._cut()

    def text(self) -> str:
        """Return the full text."""
        return self._whole

    def sizeHint(self) -> QSize:
        """Return the height of one line of the application's font, independent of text and style."""
        hint = super().sizeHint()
        hint.setHeight(QFontMetrics(QApplication.font()).height() + _AROUND)
        return hint

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Elide the text to the new width."""
        super().resizeEvent(event)
        self._cut()

    def _cut(self) -> None:
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, max(self.width(), 1))
        super().setText(shown)
        set_tip(self, "" if shown == self._whole else self._whole)
        self.setAccessibleName(self._whole)


class CellHeading(QWidget):
    """Title and state of the cell, the progress of the review with a button to the count, what was taught."""

    count_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.title, self.standing = OneLine("title"), OneLine("quiet")
        self.progress_text = OneLine()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(_BAR)
        self.bar.setAccessibleName("How many of the counted cells are reviewed")
        self.count_button = button(
            "Count ▸", "primary", "Turn to the count, to sign it or to end the reading"
        )
        self.count_button.clicked.connect(self.count_requested)
        keeps_place(self.count_button)
        said, going = QVBoxLayout(), QWidget()
        going.setFixedHeight(self.fontMetrics().height() + _ROOM)
        row = QHBoxLayout(going)
        row.setContentsMargins(0, 0, 0, 0)
        said.setSpacing(3)
        said.addWidget(self.progress_text)
        said.addWidget(self.bar)
        row.addLayout(said, 1)
        row.addWidget(self.count_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 2)
        layout.setSpacing(1)
        layout.addWidget(self.title)
        layout.addWidget(self.standing)
        layout.addWidget(going)
        self.sample_text, self.teaching_text = OneLine("quiet"), OneLine("quiet")
        for part in (self.sample_text, self.teaching_text):
            layout.addWidget(part)
        self.show_progress(ProgressInfo())

    def show_progress(self, info: ProgressInfo) -> None:
        """Show the progress of the review."""
        self.progress_text.setText(info.text)
        self.bar.setRange(0, max(info.total, 1))
        self.bar.setValue(info.done)
        self.bar.setVisible(info.total > 0)
        self.count_button.setVisible(info.ended)
        self.sample_text.setText(info.estimate)
        self.sample_text.setVisible(info.sampled)
