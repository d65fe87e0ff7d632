"""Second reader: begin and end the blind reading, compare, settle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from napari_bonemarrow.cytology.lines import capital
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.counting.count_models import ReadersInfo
from napari_bonemarrow.gui.widgets.controls import button, gone_when_closed, label, set_role
from napari_bonemarrow.gui.widgets.theme import ThemeColors


class SecondReaderPart(QWidget):
    """The readers of the case, and the next step."""

    begin_requested = Signal(str)
    end_requested = Signal()
    resume_requested = Signal()
    agreement_requested = Signal()
    settle_requested = Signal()
    settler_named = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._info = ReadersInfo()
        self.dialog: NameDialog | None = None
        self.colors: ThemeColors | None = None
        self.text, self.advice = label(), label(role="quiet")
        self.begin_button = button(
            "Second reader…", tip="Another person reads the same cells, without the first read or the model"
        )
        self.end_button = button("End the second reading", "primary")
        self.resume_button = button("Continue the second reading")
        self.compare_button = button("Agreement…", tip="How far the two readers agree, class by class")
        self.settle_button = button("Settle")
        self.begin_button.clicked.connect(self.ask_for_reader)
        self.end_button.clicked.connect(self.end_requested)
        self.resume_button.clicked.connect(self.resume_requested)
        self.compare_button.clicked.connect(self.agreement_requested)
        self.settle_button.clicked.connect(self.settle_requested)
        top, row = QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.text, 1)
        for each in (self.begin_button, self.compare_button):
            top.addWidget(each)
        for each in (self.end_button, self.resume_button, self.settle_button):
            row.addWidget(each)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 0)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.advice)
        layout.addLayout(row)
        self.show_info(self._info)

    def show_info(self, info: ReadersInfo) -> None:
        """Show the readers."""
        self._info = info
        self.text.setText(info.text)
        self.advice.setText(info.advice)
        self.advice.setVisible(bool(info.advice))
        self.begin_button.setVisible(info.can_begin)
        self.end_button.setVisible(info.can_end)
        self.resume_button.setVisible(info.can_resume)
        self.compare_button.setVisible(info.can_compare)
        self.settle_button.setVisible(info.to_settle > 0)
        self.settle_button.setText(f"Settle {count_of(info.to_settle, 'disagreement')}")
        role = "primary" if info.to_settle else ""
        if self.settle_button.property("role") != role:
            set_role(self.settle_button, role)
        self.setVisible(bool(info.text))

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        self.colors = colors

    def ask_for_reader(self) -> None:
        """Ask for the second reader's name."""
        if self._info.can_begin:
            self._ask(second_reader_dialog(self, self._info.readers), self.begin_requested)

    def ask_who_settles(self, readers: Sequence[str]) -> None:
        """Ask who settles the differences."""
        self._ask(settler_dialog(self, readers), self.settler_named)

    def _ask(self, dialog: NameDialog, told: Any) -> None:
        if self.dialog is not None:
            dialog.deleteLater()
            return
        dialog.accepted.connect(lambda: told.emit(dialog.name))
        dialog.finished.connect(self._on_finished)
        self.dialog = dialog
        dialog.open()

    def _on_finished(self, _result: int) -> None:
        self.dialog = None


class NameDialog(QDialog):
    """A dialog for a person's name.

    Parameters
    ----------
    parent : QWidget
    title, text, placeholder : str
    refused : mapping of str to str
        Reasons to reject a name, by lower-case name.
    offered : sequence of str
        Names offered as buttons.
    """

    def __init__(
        self,
        parent: QWidget,
        title: str,
        text: str,
        placeholder: str,
        *,
        refused: Mapping[str, str] | None = None,
        offered: Sequence[str] = (),
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        gone_when_closed(self)
        self.setMinimumWidth(380)
        self._refused = {name.casefold(): why for name, why in (refused or {}).items()}
        self.name_edit, self.problem = QLineEdit(), label(role="warning")
        self.name_edit.setPlaceholderText(placeholder)
        self.name_edit.setAccessibleName(capital(placeholder))
        self.begin_button, self.cancel_button = button("Begin", "primary"), button("Cancel")
        self.begin_button.setDefault(True)
        self.begin_button.clicked.connect(self.accept)
        self.cancel_button.clicked.connect(self.reject)
        self.name_edit.textChanged.connect(self._check)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(8)
        layout.addWidget(label(text))
        layout.addLayout(self._offers(offered))
        layout.addWidget(self.name_edit)
        layout.addWidget(self.problem)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.cancel_button)
        row.addWidget(self.begin_button)
        layout.addLayout(row)
        self._check()
        self.name_edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def _offers(self, names: Sequence[str]) -> QHBoxLayout:
        row = QHBoxLayout()
        self.offers = {name: button(name) for name in dict.fromkeys(names)}
        for name, made in self.offers.items():
            made.setAutoDefault(False)
            made.clicked.connect(partial(self.name_edit.setText, name))
            row.addWidget(made)
        row.addStretch(1)
        return row

    @property
    def name(self) -> str:
        """Return the name."""
        return self.name_edit.text().strip()

    def _check(self) -> None:
        problem = self._refused.get(self.name.casefold(), "")
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        self.begin_button.setEnabled(bool(self.name) and not problem)


def second_reader_dialog(parent: QWidget, readers: Sequence[str]) -> NameDialog:
    """Return the dialog for the second reader's name, which differs from the first's."""
    return NameDialog(
        parent,
        "Second reader",
        "The second reader sees the cells alone: neither the model's classes nor the first read.",
        "name of the second reader",
        refused={name: f"{name} has read this case: a second reader is another person." for name in readers},
    )


def settler_dialog(parent: QWidget, readers: Sequence[str]) -> NameDialog:
    """Return the dialog for the settling person: one of the readers, or a third person."""
    return NameDialog(
        parent,
        "Who settles?",
        "Whoever settles sees both readers' classes. Both readings stay as they are.",
        "name of the one who settles",
        offered=readers,
    )
