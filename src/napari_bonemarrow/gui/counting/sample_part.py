"""Part of the Count tab on what is reviewed: all cells, or a random sample of them."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QGridLayout, QHBoxLayout, QWidget

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.gui.core.sample_figures import FOCUS, GROUPS
from napari_bonemarrow.gui.widgets.confirm_dialog import ConfirmDialog
from napari_bonemarrow.gui.widgets.controls import button, label
from napari_bonemarrow.gui.widgets.plain_text import set_tip
from napari_bonemarrow.review.journal.payloads import SampleGoal

_WIDTH = 3.0
"""Half width that is offered at first, per cent."""
_NARROWEST, _WIDEST = 0.5, 20.0
_BOX = 44
"""Width of a check box beyond its text, px."""


@dataclass(frozen=True, slots=True)
class SampleInfo:
    """A sample review, or the choice of one.

    Attributes
    ----------
    text : str
        One line on what is reviewed; empty where there is no choice.
    detail : str
        A quiet second line.
    running : bool
        Whether a sample is reviewed.
    refusal : str
        Why none can begin; empty if one can.
    goal : SampleGoal or None
    cells : int
        Cells of the frame.
    can_go_on : bool
        Whether the goal is reached and another wave may be begun.
    can_change : bool
    excluded : tuple of str
        Classes that are not counted, so that there is no goal of them.
    """

    text: str = ""
    detail: str = ""
    running: bool = False
    refusal: str = ""
    goal: SampleGoal | None = None
    cells: int = 0
    can_go_on: bool = False
    can_change: bool = False
    excluded: tuple[str, ...] = ()


class SamplePart(QWidget):
    """The choice between all cells and a random sample, and the ways on from a sample."""

    begin_requested = Signal(object)  # SampleGoal or None
    goal_chosen = Signal(object)  # SampleGoal or None
    wave_requested = Signal()
    widen_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._info = SampleInfo()
        self.dialog: GoalDialog | WidenDialog | None = None
        self.text, self.detail = label(), label(role="quiet")
        self.begin_button = button("Review a random sample…")
        self.wave_button = button("Another wave", tip="Go on with the sample: the intervals become narrower")
        self.goal_button = button("Goal…", tip="How narrow which interval is to become")
        self.all_button = button("All cells…", tip="Review every cell instead; what is named stays")
        self.begin_button.clicked.connect(self.ask_to_begin)
        self.goal_button.clicked.connect(self.ask_for_goal)
        self.all_button.clicked.connect(self.ask_to_widen)
        self.wave_button.clicked.connect(self.wave_requested)
        layout = QGridLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setVerticalSpacing(2)
        layout.addWidget(self.text, 0, 0)
        layout.addWidget(self.detail, 1, 0, 1, 2)
        row = QHBoxLayout()
        row.setSpacing(4)
        for made in (self.begin_button, self.wave_button, self.goal_button, self.all_button):
            row.addWidget(made)
        layout.addLayout(row, 0, 1)
        layout.setColumnStretch(0, 1)
        self.show_info(self._info)

    def show_info(self, info: SampleInfo) -> None:
        """Show what is reviewed."""
        self._info = info
        self.text.setText(info.text)
        self.detail.setText(info.detail)
        self.detail.setVisible(bool(info.detail))
        self.begin_button.setVisible(not info.running)
        self.begin_button.setEnabled(not info.refusal and info.can_change)
        reason = info.refusal and f"{info.refusal[0].upper()}{info.refusal[1:]}."
        set_tip(
            self.begin_button,
            reason
            or "Name cells that are drawn at random; the count is estimated from them, with an interval",
        )
        for made in (self.goal_button, self.all_button):
            made.setVisible(info.running)
            made.setEnabled(info.can_change)
        self.wave_button.setVisible(info.running and info.can_go_on)
        self.wave_button.setEnabled(info.can_change)
        self.setVisible(bool(info.text))

    def ask_to_begin(self) -> None:
        """Ask for the goal of a sample, and begin it."""
        if self.dialog is None and self.begin_button.isEnabled():
            dialog = GoalDialog(self, self._info, begins=True)
            dialog.accepted.connect(lambda: self.begin_requested.emit(dialog.goal))
            self._open(dialog)

    def ask_for_goal(self) -> None:
        """Ask for another goal."""
        if self.dialog is None:
            dialog = GoalDialog(self, self._info, begins=False)
            dialog.accepted.connect(lambda: self.goal_chosen.emit(dialog.goal))
            self._open(dialog)

    def ask_to_widen(self) -> None:
        """Ask whether all cells are to be reviewed."""
        if self.dialog is None:
            dialog = WidenDialog(self, self._info)
            dialog.accepted.connect(self.widen_requested)
            self._open(dialog)

    def _open(self, dialog: GoalDialog | WidenDialog) -> None:
        self.dialog = dialog
        dialog.finished.connect(self._on_finished)
        dialog.open()

    def _on_finished(self, _result: int) -> None:
        self.dialog = None


class GoalDialog(ConfirmDialog):
    """A dialog for the goal of a sample: which interval, and how narrow."""

    def __init__(self, parent: QWidget, info: SampleInfo, *, begins: bool) -> None:
        super().__init__(parent, "Review a random sample" if begins else "Goal of the sample")
        if begins:
            self.content.addWidget(label(f"Cells are drawn at random from the {info.cells:,} that count."))
            self.content.addWidget(
                label(
                    "You name them wave by wave. The count of all cells is estimated from those alone, with "
                    "an interval that holds whatever the model says; a poor model only makes it wide.",
                    "quiet",
                )
            )
        self.goal_box = QCheckBox("Stop when")
        self.of_box, self.width_box = QComboBox(), QDoubleSpinBox()
        for value, text in GROUPS.items():
            self.of_box.addItem(text, value)
        for code, cell in CLASSES.items():
            if code not in info.excluded:
                self.of_box.addItem(f"{code} {cell.name}", code)
        self.of_box.setAccessibleName("Class or group of the goal")
        self.of_box.setMaxVisibleItems(24)
        self.of_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.of_box.setMinimumContentsLength(14)
        self.goal_box.setMinimumWidth(self.goal_box.fontMetrics().horizontalAdvance("Stop when") + _BOX)
        self.width_box.setRange(_NARROWEST, _WIDEST)
        self.width_box.setSingleStep(0.5)
        self.width_box.setDecimals(1)
        self.width_box.setPrefix("± ")
        self.width_box.setSuffix(" %")
        self.width_box.setAccessibleName("Half width of the interval, per cent")
        goal = info.goal
        self.goal_box.setChecked(goal is not None or begins)
        self.of_box.setCurrentIndex(self.of_box.findData(FOCUS if goal is None else goal["of"]))
        self.width_box.setValue(_WIDTH if goal is None else goal["width"])
        row = QHBoxLayout()
        for part in (self.goal_box, self.of_box, label("are within", wrap=False), self.width_box):
            row.addWidget(part)
        row.addStretch(1)
        self.content.addLayout(row)
        self.goal_box.toggled.connect(self._on_goal)
        self.without = label(
            "Without a goal the sample goes on until you stop, at the end of a wave, or all are named.",
            "quiet",
        )
        self.content.addWidget(self.without)
        self._on_goal(self.goal_box.isChecked())
        self.end_with("Begin" if begins else "Set", "Begin the sample" if begins else "Set the goal")

    def _on_goal(self, on: bool) -> None:
        self.of_box.setEnabled(on)
        self.width_box.setEnabled(on)

    @property
    def goal(self) -> SampleGoal | None:
        """Return the goal; None without one."""
        if not self.goal_box.isChecked():
            return None
        return {"of": str(self.of_box.currentData()), "width": self.width_box.value()}


class WidenDialog(ConfirmDialog):
    """A dialog before all cells are reviewed instead of a sample."""

    def __init__(self, parent: QWidget, info: SampleInfo) -> None:
        super().__init__(parent, "Review all cells")
        self.content.addWidget(label(f"Review all {info.cells:,} cells instead of the sample?"))
        self.content.addWidget(
            label(
                "What is named stays. The estimate is given up, and this case cannot go back to a sample.",
                "warning",
            )
        )
        self.end_with("Review all", "Give the sample up", "Keep the sample")
        self.cancel_button.setFocus()
