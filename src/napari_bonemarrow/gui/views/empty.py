"""What stands in the panel before a smear is open: one sentence, one button, one to try."""

from __future__ import annotations

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_bonemarrow.gui.views.parts import button, label


class BusyText(QLabel):
    """Says what is done, with a sign that turns so that one sees the program is alive.

    A bar that runs to and fro would have the whole window drawn thirty times a second, at the cost of what is
    waited for.
    """

    _SIGNS, _TURN_MS = "◐◓◑◒", 250

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setProperty("role", "quiet")
        self.doing, self._turns = "", 0
        self._timer = QTimer(self)
        self._timer.setInterval(self._TURN_MS)
        self._timer.timeout.connect(self._turn)

    @property
    def turning(self) -> bool:
        """Whether something is done."""
        return self._timer.isActive()

    def say(self, text: str) -> None:
        """Say what is done; ``""`` says that nothing is."""
        self.doing = text
        self.setAccessibleName(text)
        if text:
            self._timer.start()
        else:
            self._timer.stop()
        self._turn()

    def _turn(self) -> None:
        self._turns += 1
        sign = self._SIGNS[self._turns % len(self._SIGNS)]
        self.setText(f"{sign} {self.doing}" if self.doing else "")


class EmptyView(QWidget):
    """The invitation."""

    open_requested = Signal()
    folder_requested = Signal()
    sample_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        sentence = label(
            "Open a photograph or a whole slide of a bone-marrow smear to find, classify and count its cells."
        )
        self.open_button = button("Open a smear…", "primary")
        self.folder_button = button(
            "Open a folder…", tip="A DICOM series, an OME-Zarr, or the photographs of one smear"
        )
        self.sample_button = button("Try the sample smear")
        self.waiting = BusyText()
        self.open_button.clicked.connect(self.open_requested)
        self.folder_button.clicked.connect(self.folder_requested)
        self.sample_button.clicked.connect(self.sample_requested)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(10)
        layout.addStretch(1)
        layout.addWidget(sentence)
        layout.addSpacing(6)
        layout.addWidget(self.open_button)
        layout.addWidget(self.folder_button)
        layout.addWidget(self.sample_button)
        layout.addWidget(self.waiting)
        layout.addStretch(2)

    def show_waiting(self, text: str) -> None:
        """Say what is being opened; ``""`` gives the buttons back."""
        self.waiting.say(text)
        for made in (self.open_button, self.folder_button, self.sample_button):
            made.setEnabled(not text)
