"""Input of the length of a scale bar along which a line was drawn."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.setup.scale_text import read_length
from napari_bonemarrow.gui.widgets.controls import button, label


class ScaleBarPart(QWidget):
    """A row that is visible from *Measure a scale bar* until its length is entered or cancelled."""

    started = Signal()
    cancelled = Signal()
    measured = Signal(float)  # its length, µm

    def __init__(self) -> None:
        super().__init__()
        self.start_button = button(
            "Measure a scale bar", tip="Draw a line along the scale bar in the image, then type its length"
        )
        self.start_button.clicked.connect(self.started)
        self.text = label()
        self.length_box = QLineEdit()
        self.length_box.setAccessibleName("Length of the scale bar, µm")
        self.length_box.setPlaceholderText("its length")
        self.length_box.setMaxLength(20)
        self.length_box.returnPressed.connect(self._on_length)
        self.take_button = button("Take it")
        self.take_button.clicked.connect(self._on_length)
        self.cancel_button = button("Cancel")
        self.cancel_button.clicked.connect(self.cancelled)
        row = QHBoxLayout()
        row.addWidget(self.length_box, 1)
        row.addWidget(label("µm", wrap=False))
        row.addWidget(self.take_button)
        row.addWidget(self.cancel_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        layout.addLayout(row)
        self.end()

    def begin(self) -> None:
        """Ask for a line."""
        self.length_box.clear()
        self.show_line(0.0)
        self.show()

    def show_line(self, pixels: float) -> None:
        """Show the length of the drawn line, px; less than 1 without one."""
        drawn = pixels >= 1
        self.text.setText(
            f"The line is {pixels:.0f} pixels long. Type what the bar says."
            if drawn
            else "Press where the bar begins, drag to where it ends. Escape gives up."
        )
        for part in (self.length_box, self.take_button):
            part.setEnabled(drawn)
        if drawn:
            self.length_box.setFocus(Qt.FocusReason.OtherFocusReason)

    def end(self) -> None:
        """Hide the input."""
        self.hide()

    def show_problem(self, text: str) -> None:
        """Show why the length is invalid."""
        self.text.setText(text)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Cancel on Escape."""
        event = existing(event)
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
            return
        super().keyPressEvent(event)

    def _on_length(self) -> None:
        length = read_length(self.length_box.text())
        if length is not None:
            self.measured.emit(length)
        else:
            self.show_problem("Type the length that is printed next to the bar, in µm, such as 10.")
