"""The panel's content before a smear is open: one sentence, one button, and an example."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_bonemarrow.gui.shell.recent_cases import RecentCase
from napari_bonemarrow.gui.widgets.controls import button, label

_MOST, _ROOM = 6, 340
"""Number of cases listed here (the menu has all), and width of their lines in pixels."""


class BusyText(QLabel):
    """The current work, with a turning sign that shows that the program is running.

    A moving bar would redraw the whole window thirty times a second and slow down the work.
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
        """Return whether work is under way."""
        return self._timer.isActive()

    def say(self, text: str) -> None:
        """Show the current work; ``""`` shows that there is none."""
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


class WelcomeView(QWidget):
    """The invitation to open a smear."""

    open_requested = Signal()
    folder_requested = Signal()
    sample_requested = Signal()
    recent_chosen = Signal(str)
    recent_cleared = Signal()

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
        layout.addSpacing(6)
        layout.addWidget(self._recent_part())
        layout.addStretch(2)

    def _recent_part(self) -> QWidget:
        self.recent_part = QWidget()
        layout = QVBoxLayout(self.recent_part)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self.recent_buttons: list[QPushButton] = []
        self._recent_rows = QVBoxLayout()
        self._recent_rows.setSpacing(2)
        self.clear_button = button("Clear this list", "link", "Forget these places; no case is touched")
        self.clear_button.clicked.connect(self.recent_cleared)
        layout.addWidget(label("Opened last", "title"))
        layout.addLayout(self._recent_rows)
        layout.addWidget(self.clear_button, 0, Qt.AlignmentFlag.AlignLeft)
        self.recent_part.hide()
        return self.recent_part

    def show_recent(self, cases: Sequence[RecentCase]) -> None:
        """Show the recent cases; one whose smear is missing cannot be chosen."""
        for made in self.recent_buttons:
            made.deleteLater()
        self.recent_buttons = []
        for case in cases[:_MOST]:
            made = button("", "recent", f"{case.path}: not found" if case.missing else case.path)
            made.setText(made.fontMetrics().elidedText(case.text, Qt.TextElideMode.ElideMiddle, _ROOM))
            made.setAccessibleName(case.text)
            made.setEnabled(not case.missing and not self.waiting.turning)
            made.setProperty("missing", case.missing)
            made.clicked.connect(partial(self.recent_chosen.emit, case.path))
            self._recent_rows.addWidget(made)
            self.recent_buttons.append(made)
        self.recent_part.setVisible(bool(cases))

    def show_waiting(self, text: str) -> None:
        """Show what is being opened; ``""`` shows the buttons again."""
        self.waiting.say(text)
        for made in (self.open_button, self.folder_button, self.sample_button):
            made.setEnabled(not text)
        for made in self.recent_buttons:
            made.setEnabled(not text and not made.property("missing"))
