"""Two readers: begin the blind reading, end it, compare, settle."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from napari_bonemarrow.cytology.wording import count_of
from napari_bonemarrow.gui.countmodels import ReadersInfo
from napari_bonemarrow.gui.theme import ThemeColors
from napari_bonemarrow.gui.views.parts import button, gone_when_closed, label, set_role


class ReadersPart(QWidget):
    """Who has read the case, and what comes next."""

    begin_requested = Signal(str)
    end_requested = Signal()
    resume_requested = Signal()
    agreement_requested = Signal()
    settle_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._info = ReadersInfo()
        self.dialog: SecondReaderDialog | None = None
        self.colors: ThemeColors | None = None
        self.text, self.advice = label(), label(role="quiet")
        self.begin_button = button(
            "Second reader…", tip="Another person reads the same cells, without the first read or the model"
        )
        self.end_button = button("End the second reading", "primary")
        self.resume_button = button("Go on with the second reading")
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
        """Show who reads."""
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
        """Follow the theme."""
        self.colors = colors

    def ask_for_reader(self) -> None:
        """Ask who the second reader is."""
        if self._info.can_begin and self.dialog is None:
            dialog = SecondReaderDialog(self, self._info.readers)
            dialog.accepted.connect(lambda: self.begin_requested.emit(dialog.name))
            dialog.finished.connect(self._on_finished)
            self.dialog = dialog
            dialog.open()

    def _on_finished(self, _result: int) -> None:
        self.dialog = None


class SecondReaderDialog(QDialog):
    """Asks for the second reader's name: another than the first's."""

    def __init__(self, parent: QWidget, readers: tuple[str, ...]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Second reader")
        gone_when_closed(self)
        self.setMinimumWidth(380)
        self._readers = frozenset(name.casefold() for name in readers)
        self.name_edit, self.problem = QLineEdit(), label(role="warning")
        self.name_edit.setPlaceholderText("name of the second reader")
        self.name_edit.setAccessibleName("Name of the second reader")
        self.begin_button, self.cancel_button = button("Begin", "primary"), button("Cancel")
        self.begin_button.setDefault(True)
        self.begin_button.clicked.connect(self.accept)
        self.cancel_button.clicked.connect(self.reject)
        self.name_edit.textChanged.connect(self._check)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.cancel_button)
        row.addWidget(self.begin_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(8)
        layout.addWidget(
            label("The second reader sees the cells alone: neither the model's classes nor the first read.")
        )
        layout.addWidget(self.name_edit)
        layout.addWidget(self.problem)
        layout.addLayout(row)
        self._check()
        self.name_edit.setFocus(Qt.FocusReason.OtherFocusReason)

    @property
    def name(self) -> str:
        """Who reads."""
        return self.name_edit.text().strip()

    def _check(self) -> None:
        known = self.name.casefold() in self._readers
        self.problem.setText(f"{self.name} has read this case: a second reader is another person.")
        self.problem.setVisible(known)
        self.begin_button.setEnabled(bool(self.name) and not known)
