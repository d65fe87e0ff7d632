"""Progress row: a bar, a line with activity and time left, and Stop."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from napari_bonemarrow.gui.widgets.controls import button, label


class ProgressRow(QWidget):
    """A progress row, visible while something runs."""

    stop_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.text = label(role="quiet")
        self.stop_button = button("Stop")
        self.stop_button.clicked.connect(self.stop_requested)
        row = QHBoxLayout()
        row.addWidget(self.text, 1)
        row.addWidget(self.stop_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.bar)
        layout.addLayout(row)
        self.hide()

    @property
    def running(self) -> bool:
        """Return whether something is shown as running."""
        return not self.isHidden()

    def show_progress(self, text: str, part: float) -> None:
        """Show the activity and its progress, 0 to 1."""
        self.show()
        self.bar.setValue(round(part * 1000))
        self.text.setText(text)
