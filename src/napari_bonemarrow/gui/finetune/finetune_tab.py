"""The Fine-tune tab: teach the model from corrections."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.cytology.durations import time_left
from napari_bonemarrow.gui.finetune.held_out_table import HeldOutTable
from napari_bonemarrow.gui.finetune.learning_curve import LearningCurve
from napari_bonemarrow.gui.finetune.reviewed_cells import ReviewedInfo
from napari_bonemarrow.gui.finetune.run_status import RunInfo, Wish
from napari_bonemarrow.gui.widgets.controls import button, label, line, scrolled, set_role, swatch_icon
from napari_bonemarrow.gui.widgets.form import ModelForm
from napari_bonemarrow.gui.widgets.tables import clear
from napari_bonemarrow.gui.widgets.theme import ThemeColors

NEW = "A new run"


class FinetuneTab(QWidget):
    """The tab with the reviewed cells, the progress of a run, and the comparison of its model."""

    cases_chosen = Signal(str)
    start_requested = Signal(object)  # Wish
    cancel_requested = Signal()
    resume_requested = Signal()
    use_requested = Signal()
    run_chosen = Signal(int)  # index of a run, -1 for a new one

    def __init__(self) -> None:
        super().__init__()
        self._reviewed: ReviewedInfo | None = None
        self._run: RunInfo | None = None
        inner = QWidget()
        content = QVBoxLayout(inner)
        content.setContentsMargins(8, 8, 8, 8)
        content.setSpacing(8)
        content.addLayout(self._which_part())
        self.new_part, self.run_part = self._new_part(), self._run_part()
        content.addWidget(self.new_part)
        content.addWidget(self.run_part)
        content.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(inner))
        self.show_runs((), -1)
        self.show_run(None)

    # the parts ------------------------------------------------------------------------------------

    def _which_part(self) -> QVBoxLayout:
        part = QVBoxLayout()
        part.addWidget(label("Teach the model from your corrections", "title"))
        self.run_box = QComboBox()
        self.run_box.setAccessibleName("Run")
        self.run_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.run_box.setMinimumContentsLength(18)
        self.run_box.activated.connect(lambda at: self.run_chosen.emit(at - 1))
        self.next_step_text = label(role="quiet")
        self.next_step_text.hide()
        part.addWidget(self.next_step_text)
        part.addWidget(self.run_box)
        return part

    def _new_part(self) -> QWidget:
        part = QWidget()
        layout = QVBoxLayout(part)
        layout.setContentsMargins(0, 0, 0, 0)
        self.form = ModelForm(Wish)
        self.cases_edit, self.base_edit = self.form.line("cases"), self.form.line("base")
        self.name_edit, self.epochs_box = self.form.control("name"), self.form.control("epochs")
        self._looked_in = ""
        self.cases_edit.editingFinished.connect(self._on_cases)
        self.form.changed.connect(self._on_form)
        self.parent_text = label()
        layout.addWidget(self.parent_text)
        layout.addWidget(self.form)
        layout.addWidget(line())
        self.reviewed_text = label()
        self.reviewed_grid = QGridLayout()
        self.reviewed_grid.setVerticalSpacing(2)
        self.reviewed_grid.setColumnStretch(4, 1)
        self.start_button = button("Start", "primary")
        self.start_button.clicked.connect(self._on_start)
        self.hint = label(role="quiet")
        self.skipped_text = label(role="warning")
        layout.addWidget(self.reviewed_text)
        layout.addLayout(self.reviewed_grid)
        layout.addWidget(self.skipped_text)
        layout.addWidget(self.start_button)
        layout.addWidget(self.hint)
        return part

    def _run_part(self) -> QWidget:
        part = QWidget()
        layout = QVBoxLayout(part)
        layout.setContentsMargins(0, 0, 0, 0)
        self.standing = label()
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Epochs done")
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.curve = LearningCurve()
        self.table = HeldOutTable()
        self.table_note = label(
            "Share of each class classified rightly, with its 95 % interval; in bold the mean over classes.",
            "quiet",
        )
        self.outcome = label()
        self.cancel_button = button("Stop", tip="The last finished epoch is kept")
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.resume_button = button("Resume", "primary")
        self.resume_button.clicked.connect(self.resume_requested)
        self.use_button = button("Use this model", "primary")
        self.use_button.clicked.connect(self.use_requested)
        for widget in (self.standing, self.progress, self.curve, self.table, self.table_note, self.outcome):
            layout.addWidget(widget)
        row = QHBoxLayout()
        row.addStretch(1)
        for made in (self.cancel_button, self.resume_button, self.use_button):
            row.addWidget(made)
        layout.addLayout(row)
        return part

    # display ------------------------------------------------------------------------------------

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        self.curve.set_colors(colors)
        self.table.colors = colors
        if self._run is not None:
            self.table.show_rows(self._run.rows)

    def suggest(self, cases: str, name: str) -> None:
        """Fill in the likely values of the form."""
        self._looked_in = cases
        self.form.set_value(self.form.value.model_copy(update={"cases": cases, "name": name}))
        self._show_what_is_next()

    def suggest_name(self, name: str) -> None:
        """Fill in a free name."""
        self.suggest(self.form.value.cases, name)

    def show_next_step(self, text: str) -> None:
        """Show whether teaching the network itself would pay; empty while that is not known."""
        self.next_step_text.setText(text)
        self.next_step_text.setVisible(bool(text))

    def show_parent(self, name: str) -> None:
        """Show the model from which the next run starts, the one in use."""
        self.parent_text.setText(f"Starts from {name}")

    def show_runs(self, names: Sequence[str], chosen: int) -> None:
        """Show the list of runs and the shown one among them (-1: a new one)."""
        self.run_box.clear()
        self.run_box.addItems([NEW, *names])
        self.run_box.setCurrentIndex(chosen + 1)
        self.run_box.setVisible(bool(names))

    def show_reviewed(self, info: ReviewedInfo | None) -> None:
        """Show the reviewed cells, or that they are being read."""
        self._reviewed = info
        clear(self.reviewed_grid)
        self.reviewed_text.setText("Looking through the cases…" if info is None else info.text)
        rows = () if info is None else info.rows
        for at, row in enumerate(rows):
            sign = label(wrap=False)
            sign.setPixmap(swatch_icon(row.code).pixmap(14, 14))
            count = label(row.text, wrap=False)
            parts = (sign, label(row.code, wrap=False), label(CLASSES[row.code].name, wrap=False), count)
            for column, part in enumerate((*parts, label(row.note, "quiet", wrap=False))):
                self.reviewed_grid.addWidget(part, at, column)
        self.skipped_text.setText("" if info is None else info.problem)
        self.skipped_text.setVisible(bool(self.skipped_text.text()))
        self._show_what_is_next()

    def show_run(self, info: RunInfo | None) -> None:
        """Show a run; None shows the form of a new one."""
        self._run = info
        self.new_part.setVisible(info is None)
        self.run_part.setVisible(info is not None)
        if info is None:
            self._show_what_is_next()
            return
        self.standing.setText(standing_text(info))
        self.progress.setRange(0, info.wish.epochs)
        self.progress.setValue(info.epochs)
        self.progress.setVisible(info.state in ("running", "stopped"))
        self.curve.show_curve(info.loss, info.balanced, info.wish.epochs)
        self.table.show_rows(info.rows)
        self.table.setVisible(bool(info.rows))
        self.table_note.setVisible(bool(info.rows))
        self.outcome.setText(info.text)
        self.outcome.setVisible(bool(info.text))
        set_role(self.outcome, "warning" if info.state in ("refused", "stopped") else "quiet")
        self.cancel_button.setVisible(info.state == "running" and not info.elsewhere)
        self.resume_button.setVisible(info.resumable)
        self.use_button.setVisible(info.state == "better")

    def show_used(self, used: bool) -> None:
        """Show whether the shown run's model is in use."""
        self.use_button.setEnabled(not used)
        self.use_button.setText("In use" if used else "Use this model")

    def _show_what_is_next(self) -> None:
        info = self._reviewed
        named = bool(self.form.value.name)
        self.start_button.setEnabled(info is not None and info.enough and named)
        if info is None:
            text = ""
        elif not info.enough:
            text = info.needed
        elif not named:
            text = "Give the new model a name."
        else:
            text = "It learns in a separate process: you can continue to review."
        self.hint.setText(text)

    # input --------------------------------------------------------------------------------------

    def _on_form(self, wish: Wish) -> None:
        self._show_what_is_next()
        if not self.cases_edit.hasFocus():  # a folder was chosen; a typed one counts once it is complete
            self._on_cases()

    def _on_cases(self) -> None:
        cases = self.form.value.cases
        if cases != self._looked_in:
            self._looked_in = cases
            self.cases_chosen.emit(cases)

    def _on_start(self) -> None:
        self.start_requested.emit(self.form.value)


def standing_text(info: RunInfo) -> str:
    """Return the progress of a run in one line."""
    done = f"{info.wish.name}: epoch {info.epochs} of {info.wish.epochs}"
    if info.state == "better":
        return f"{info.wish.name} did not get worse on what was held out: it can be used."
    if info.state == "refused":
        return f"{info.wish.name} is not used, the old model stays."
    if info.elsewhere:
        return f"{done}, runs in another window"
    if info.state == "stopped":
        return f"{done}, stopped"
    if info.pace:
        return f"{info.wish.name}: epoch 1 of {info.wish.epochs}, {info.pace}"
    if not info.epochs:
        return f"{info.wish.name}: cutting out the cells and loading the network…"
    if info.epochs >= info.wish.epochs:
        return f"{info.wish.name}: comparing it with the old model…"
    left = "time unknown" if info.seconds_left is None else time_left(info.seconds_left)
    return f"{done}, {left}"
