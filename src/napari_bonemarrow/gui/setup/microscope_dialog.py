"""Dialog for objective, adapter and camera, which shows the resulting µm per pixel."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from napari_bonemarrow.gui.setup.scale_text import figures
from napari_bonemarrow.gui.widgets.controls import button, gone_when_closed, label
from napari_bonemarrow.gui.widgets.form import ModelForm
from napari_bonemarrow.slides.scale.microscopes import Microscope


class MicroscopeDialog(QDialog):
    """A form of a `Microscope`. With a name it is saved among the user's own."""

    taken = Signal(object)  # Microscope

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Microscope and camera")
        gone_when_closed(self)
        self.form = ModelForm(Microscope)
        self.result_text = label(role="title")
        self.take_button = button("Use it", "primary")
        self.take_button.setDefault(True)
        self.cancel_button = button("Cancel")
        self.take_button.clicked.connect(self._on_taken)
        self.cancel_button.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.cancel_button)
        row.addWidget(self.take_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(8)
        layout.addWidget(self.form)
        layout.addWidget(self.result_text)
        layout.addWidget(
            label(
                "Holds for images as the camera took them, not for those that were made smaller since.",
                "quiet",
            )
        )
        layout.addLayout(row)
        self.setMinimumWidth(380)
        self.form.changed.connect(lambda _value: self._show())
        self.form.refused.connect(lambda _text: self._show())
        self._show()

    def _show(self) -> None:
        value = self.form.value.microns_per_pixel
        self.result_text.setText(f"{figures(value)} µm per pixel" if self.form.valid else "")
        self.take_button.setEnabled(self.form.valid)

    def _on_taken(self) -> None:
        self.take_button.setFocus()  # a number still being typed counts
        if self.form.valid:
            self.taken.emit(self.form.value)
            self.accept()
