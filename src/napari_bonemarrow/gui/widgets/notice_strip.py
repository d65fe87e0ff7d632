"""Strip of notices above the tabs: complete, selectable, until dismissed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QGuiApplication, QResizeEvent
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout

from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.widgets.controls import button, label, set_role

_HIGHEST = 168
"""Greatest height of a text before it scrolls, px: the tabs need the rest of a screen 768 px high."""

_SPARE = 4
"""Padding of a text in napari's style sheet, px."""


class NoticeStrip(QFrame):
    """A strip with one notice at a time, the newest first, and their number."""

    dismissed = Signal(object)  # Notice

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "notice")
        self._notices: tuple[Notice, ...] = ()
        self._at = 0
        self.text = label(wrap=True)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.text.setAccessibleName("Problem")
        self.area = _TextArea(self.text)
        self.count_text = label(role="quiet", wrap=False)
        self.earlier_button = button("‹", tip="The notice before")
        self.later_button = button("›", tip="The notice after")
        self.copy_button = button("Copy", tip="Copy every notice as text")
        self.dismiss_button = button("✕", tip="Put this notice away")
        self.earlier_button.clicked.connect(lambda: self._step(-1))
        self.later_button.clicked.connect(lambda: self._step(1))
        self.copy_button.clicked.connect(self.copy)
        self.dismiss_button.clicked.connect(self._dismiss)
        for made in (self.earlier_button, self.later_button, self.dismiss_button):
            made.setFixedWidth(28)
        self._lay_out()
        self.hide()

    def _lay_out(self) -> None:
        foot = QHBoxLayout()
        foot.setSpacing(4)
        foot.addWidget(self.count_text)
        foot.addWidget(self.earlier_button)
        foot.addWidget(self.later_button)
        foot.addStretch(1)
        foot.addWidget(self.copy_button)
        foot.addWidget(self.dismiss_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 6, 6)
        layout.setSpacing(4)
        layout.addWidget(self.area)
        layout.addLayout(foot)

    @property
    def shown(self) -> Notice | None:
        """Return the visible notice."""
        return self._notices[self._at] if self._notices else None

    def show_notices(self, notices: Sequence[Notice]) -> None:
        """Show the newest of some notices, or nothing without one."""
        newer = bool(set(notices) - set(self._notices))
        shown, self._notices = self.shown, tuple(notices)
        kept = shown in self._notices and not newer
        self._at = self._notices.index(shown) if kept else max(0, len(self._notices) - 1)
        self._show()

    def copy(self) -> None:
        """Copy the text of every notice to the clipboard."""
        existing(QGuiApplication.clipboard()).setText("\n".join(each.line for each in self._notices))

    def _show(self) -> None:
        shown, count = self.shown, len(self._notices)
        self.setVisible(shown is not None)
        if shown is None:
            return
        self.text.setText(f"⚠ {shown.line}" if shown.problem else shown.line)
        set_role(self.text, "warning" if shown.problem else "")
        self.count_text.setText(f"{self._at + 1} of {count}")
        for made in (self.count_text, self.earlier_button, self.later_button):
            made.setVisible(count > 1)
        self.earlier_button.setEnabled(self._at > 0)
        self.later_button.setEnabled(self._at + 1 < count)
        self.area.fit()

    def _step(self, by: int) -> None:
        self._at = min(max(self._at + by, 0), len(self._notices) - 1)
        self._show()

    def _dismiss(self) -> None:
        if self.shown is not None:
            self.dismissed.emit(self.shown)


class _TextArea(QScrollArea):
    """A text area as high as its text, up to a height from which it scrolls."""

    def __init__(self, text: QLabel) -> None:
        super().__init__()
        self._text = text
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(text)

    def fit(self) -> None:
        """Set the height of the text at this width."""
        high = self._text.heightForWidth(existing(self.viewport()).width()) + _SPARE
        policy = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(
            policy.ScrollBarAsNeeded if high > _HIGHEST else policy.ScrollBarAlwaysOff
        )
        self.setFixedHeight(max(0, min(high, _HIGHEST)))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Follow the panel's width."""
        super().resizeEvent(event)
        self.fit()


@dataclass(frozen=True, slots=True)
class Notice:
    """An error or warning for the user.

    ``cause`` is its cause, such as ``opening``: once that succeeds, the notice disappears.
    """

    text: str
    problem: bool = True
    cause: str = ""
    times: int = 1

    @property
    def line(self) -> str:
        """Return the text, and how often it occurred."""
        return self.text if self.times == 1 else f"{self.text} ({self.times} times)"
