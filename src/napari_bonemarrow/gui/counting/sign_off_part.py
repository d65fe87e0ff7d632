"""Sign-off at the bottom of the Count tab: missing steps, the signature, and amendments."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFormLayout, QGridLayout, QLineEdit, QWidget

from napari_bonemarrow.gui.counting.count_models import KeyInfo, SignInfo
from napari_bonemarrow.gui.widgets.confirm_dialog import ConfirmDialog
from napari_bonemarrow.gui.widgets.controls import button, label, set_role
from napari_bonemarrow.gui.widgets.plain_text import set_tip
from napari_bonemarrow.gui.widgets.theme import ThemeColors

HEAD_DIGITS = 12
LIMITS = "A signature makes later changes evident. Whose it is, its key proves to those who know the key."
_KEY_LINES = 3
KeyOf = Callable[[str], KeyInfo]
"""Function from a signer's name to the signing key."""


class SignPart(QWidget):
    """The state of a case between counting and signature."""

    sign_requested = Signal(str, str, str)  # name, reason, passphrase
    amend_requested = Signal(str)
    remember_requested = Signal()
    wait_ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._info = SignInfo()
        self._waiting = ""
        self.unstamped: tuple[str, str] = ("", "")
        """The head last signed without a timestamp, and the reason, until the window closes."""
        self.dialog: SignDialog | AmendDialog | None = None
        self.key_of: KeyOf = lambda name: KeyInfo()
        self.text, self.detail = label(role="title"), label(role="quiet")
        self.detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.sign_button = button("Sign…", tip="Freeze the case with your name, the time and the counts")
        self.amend_button = button(
            "Start an amendment…", tip="Change a signed case; the signed state is kept"
        )
        self.remember_button = button(
            "Remember what was learnt here…",
            tip="The next smears begin with what this one taught",
        )
        self.remember_button.clicked.connect(self.remember_requested)
        self.wait_button = button(
            "Sign without a timestamp", tip="Do not wait for the server: sign by this computer's clock"
        )
        self.wait_button.clicked.connect(self.wait_ended)
        self.sign_button.clicked.connect(self.ask_to_sign)
        self.amend_button.clicked.connect(self.ask_to_amend)
        layout = QGridLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setVerticalSpacing(2)
        layout.addWidget(self.text, 0, 0)
        layout.addWidget(self.detail, 1, 0)
        layout.addWidget(self.sign_button, 0, 1, 2, 1, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.amend_button, 0, 1, 2, 1, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.wait_button, 0, 1, 2, 1, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.remember_button, 2, 0, 1, 2)
        layout.setColumnStretch(0, 1)
        self._show()

    def show_info(self, info: SignInfo) -> None:
        """Show the state of the case."""
        if info != self._info or self.text.text() != info.text:
            self._info = info
            self._show()

    def show_waiting(self, text: str) -> None:
        """Show what a signature waits for; ``""`` shows the state of the case again."""
        self._waiting = text
        self._show()

    def _show(self) -> None:
        info, waits = self._info, bool(self._waiting)
        self.text.setText(self._waiting or info.text)
        self.detail.setText(info.detail)
        set_tip(self.detail, f"Head of the journal: {info.head}\n{LIMITS}" if info.head else "")
        self.detail.setVisible(bool(info.detail))
        self.wait_button.setVisible(waits)
        self.sign_button.setVisible(not info.is_signed and not waits)
        self.sign_button.setEnabled(info.can_sign)
        self.amend_button.setVisible(info.is_signed and not waits)
        self.amend_button.setEnabled(info.can_amend)
        self.remember_button.setVisible(info.can_remember and not waits)
        ready = info.can_sign and not info.needs_reason
        role = "primary" if ready else ""
        if self.sign_button.property("role") != role:
            set_role(self.sign_button, role)
        self.setVisible(bool(self.text.text()))

    def ask_to_sign(self) -> None:
        """Show the counts to freeze, and ask for the name."""
        if self._info.can_sign and self.dialog is None and not self._waiting:
            dialog = SignDialog(self, self._info, self.key_of)
            dialog.accepted.connect(
                lambda: self.sign_requested.emit(dialog.name, dialog.reason, dialog.passphrase)
            )
            self._open(dialog)

    def ask_to_amend(self) -> None:
        """Ask for the reason of an amendment."""
        if self._info.can_amend and self.dialog is None:
            dialog = AmendDialog(self, self._info)
            dialog.accepted.connect(lambda: self.amend_requested.emit(dialog.reason))
            self._open(dialog)

    def _open(self, dialog: SignDialog | AmendDialog) -> None:
        self.dialog = dialog
        dialog.finished.connect(self._on_finished)
        dialog.open()

    def _on_finished(self, _result: int) -> None:
        self.dialog = None

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        set_role(self.sign_button, str(self.sign_button.property("role") or ""))


class SignDialog(ConfirmDialog):
    """A dialog with the counts, the name with its key, and a reason if cells are unreviewed."""

    def __init__(self, parent: QWidget, info: SignInfo, key_of: KeyOf) -> None:
        super().__init__(parent, "Sign the count")
        self._info, self._key_of = info, key_of
        self.content.addWidget(label("This freezes the case as it stands:"))
        self.caution = label(
            info.caution and f"{info.caution}: look at them first, or sign all the same.", "warning"
        )
        self.content.addWidget(self.caution)
        self.caution.setVisible(bool(info.caution))  # only inside the page: before, it would be a window
        form = QFormLayout()
        form.setHorizontalSpacing(14)
        form.setVerticalSpacing(4)
        self.figures = dict(info.counts)
        for name, text in self.figures.items():
            form.addRow(label(name, "quiet", wrap=False), label(text))
        self.name_edit, self.reason_edit = QLineEdit(info.signer), QLineEdit()
        self.name_edit.setAccessibleName("Name of the signer")
        self.reason_edit.setAccessibleName("Why not every cell was reviewed")
        self.reason_edit.setPlaceholderText("printed in the report")
        form.addRow(label("Name", "title", wrap=False), self.name_edit)
        self.passphrase_edit, self.key_text = QLineEdit(), label(role="quiet")
        self.passphrase_edit.setEchoMode(QLineEdit.EchoMode.Password)
        self.passphrase_edit.setAccessibleName("Passphrase of the signing key")
        self.passphrase_row = label("Passphrase", "title", wrap=False)
        form.addRow(self.passphrase_row, self.passphrase_edit)
        # The text changes with every letter of the name; a dialog does not grow for wrapped lines.
        self.key_text.setMinimumHeight(_KEY_LINES * self.key_text.fontMetrics().lineSpacing())
        form.addRow(label("Key", "quiet", wrap=False), self.key_text)
        self.content.addLayout(form)
        if info.needs_reason:
            form.addRow(label("Reason", "title", wrap=False), self.reason_edit)
            self.content.addWidget(label(f"{info.text}: say why, the report prints it.", "warning"))
        self.content.addWidget(label(LIMITS, "quiet"))
        self.name_edit.textChanged.connect(self.show_key)
        self.passphrase_edit.textChanged.connect(self.check)
        self.name_edit.textChanged.connect(self.check)
        self.show_key()
        self.reason_edit.textChanged.connect(self.check)
        self.end_with("Sign", "Freeze the case")
        (self.reason_edit if info.needs_reason else self.cancel_button).setFocus()

    def show_key(self) -> None:
        """Show the name's key, and ask for its passphrase if it has one."""
        key = self._key_of(self.name) if self.name else KeyInfo()
        self.key_text.setText(key.text)
        for widget in (self.passphrase_row, self.passphrase_edit):
            widget.setVisible(key.needs_passphrase)

    @property
    def passphrase(self) -> str:
        """Return the key's passphrase; empty if none is needed."""
        return self.passphrase_edit.text()

    @property
    def name(self) -> str:
        """Return the signer."""
        return self.name_edit.text().strip()

    @property
    def reason(self) -> str:
        """Return why not every cell was reviewed; empty if all were."""
        return self.reason_edit.text().strip() if self._info.needs_reason else ""

    def lacks(self) -> str:
        """Return which of name and reason is missing."""
        if not self.name:
            return "A signature needs a name."
        if self._info.needs_reason and not self.reason:
            return "A reason is needed."
        hidden = self.passphrase_edit.isHidden()
        return "" if hidden or self.passphrase else "The signing key has a passphrase."


class AmendDialog(ConfirmDialog):
    """A dialog for the reason of an amendment."""

    def __init__(self, parent: QWidget, info: SignInfo) -> None:
        super().__init__(parent, "Start an amendment")
        self.content.addWidget(label(info.text, "title"))
        self.content.addWidget(
            label("The signed state stays in the journal; the report names it and this reason.", "quiet")
        )
        self.reason_edit = QLineEdit()
        self.reason_edit.setAccessibleName("Why the signed case is changed")
        self.reason_edit.setPlaceholderText("why it is changed")
        self.content.addWidget(self.reason_edit)
        self.reason_edit.textChanged.connect(self.check)
        self.end_with("Start", "Open the case for changes")
        self.reason_edit.setFocus()

    @property
    def reason(self) -> str:
        """Return the reason."""
        return self.reason_edit.text().strip()

    def lacks(self) -> str:
        """Return that the reason is missing, if it is."""
        return "" if self.reason else "A reason is needed."
