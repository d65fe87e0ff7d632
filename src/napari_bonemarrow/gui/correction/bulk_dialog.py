"""The dialog for the rule by which a class is accepted in bulk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QWidget

from napari_bonemarrow.gui.widgets.confirm_dialog import ConfirmDialog
from napari_bonemarrow.gui.widgets.controls import label

FIRST_THRESHOLD = 0.98


class BulkDialog(ConfirmDialog):
    """The dialog with the class, the confidence, and the number of matching cells.

    Parameters
    ----------
    parent : QWidget
    codes : sequence of str
        Classes to choose from.
    code : str
        The class that is chosen at first.
    ask : callable
        Returns the effect of a code and a threshold.
    """

    def __init__(
        self, parent: QWidget, codes: Sequence[str], code: str, ask: Callable[[str, float], BulkInfo]
    ) -> None:
        super().__init__(parent, "Accept in bulk")
        self._ask, self._info = ask, BulkInfo()
        self.content.addWidget(label("Accept what the model says of all unreviewed cells in the frame:"))
        self.class_box, self.threshold_box = QComboBox(), QDoubleSpinBox()
        self.class_box.setAccessibleName("Class that is accepted")
        self.class_box.addItems(codes)
        self.class_box.setCurrentText(code)
        self.threshold_box.setAccessibleName("Least confidence")
        self.threshold_box.setRange(0.5, 1.0)
        self.threshold_box.setDecimals(3)
        self.threshold_box.setSingleStep(0.01)
        self.threshold_box.setValue(FIRST_THRESHOLD)
        form = QFormLayout()
        form.addRow(label("Class", "title", wrap=False), self.class_box)
        form.addRow(label("Confidence at least", "title", wrap=False), self.threshold_box)
        self.content.addLayout(form)
        self.count = label(role="title")
        self.content.addWidget(self.count)
        self.content.addWidget(
            label("One act, which undo takes back as a whole. The journal keeps the rule.", "quiet")
        )
        self.class_box.currentTextChanged.connect(self.check)
        self.threshold_box.valueChanged.connect(self.check)
        self.end_with("Accept", "Accept these cells")
        self.threshold_box.setFocus()
        self.threshold_box.selectAll()

    @property
    def code(self) -> str:
        """Return the code of the class."""
        return self.class_box.currentText()

    @property
    def threshold(self) -> float:
        """Return the lowest confidence."""
        return self.threshold_box.value()

    def check(self, *_changed: object) -> None:
        """Show how many cells the rule would accept."""
        self._info = self._ask(self.code, self.threshold)
        self.count.setText(self._info.text)
        super().check()

    def lacks(self) -> str:
        """Return why no cell would be accepted."""
        return self._info.refusal


@dataclass(frozen=True, slots=True)
class BulkInfo:
    """The effect of a bulk rule.

    Attributes
    ----------
    text : str
        How many cells it would accept.
    refusal : str
        Why it would accept none; empty if it would accept some.
    """

    text: str = ""
    refusal: str = ""
