"""Part of the Model tab: which laboratory head predicts beside the bundle, and what it has learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.core.laboratory_files import HeadInfo
from napari_bonemarrow.gui.widgets.controls import button, label
from napari_bonemarrow.gui.widgets.plain_text import set_tip
from napari_bonemarrow.gui.widgets.tables import clear

NONE = "none"


class LaboratoryPart(QWidget):
    """The chooser of a laboratory head, and the card of the chosen one."""

    chosen = Signal(str)  # the name of a head, "" for none
    forget_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._heads: Mapping[str, HeadInfo] = {}
        self.box = QComboBox()
        self.box.setAccessibleName("Laboratory head")
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(14)
        set_tip(self.box, "What signed smears taught: this smear and every new one begin with it")
        self.box.activated.connect(self._on_chosen)
        self.forget_button = button(
            "Forget this smear", tip="Take what the open smear taught out of the head"
        )
        self.forget_button.clicked.connect(self._on_forget)
        self.serving_text, self.problem_text = label(), label(role="warning")
        self.card_text, self.taught_text = label(role="quiet"), label(role="quiet")
        self.figures = QGridLayout()
        self.figures.setHorizontalSpacing(14)
        self.figures.setVerticalSpacing(2)
        self.figures.setColumnStretch(3, 1)
        row = QHBoxLayout()
        row.addWidget(label("Begin with", wrap=False))
        row.addWidget(self.box, 1)
        row.addWidget(self.forget_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(label("What your laboratory taught", "title"))
        layout.addWidget(self.serving_text)
        layout.addLayout(row)
        for part in (self.problem_text, self.card_text):
            layout.addWidget(part)
        layout.addLayout(self.figures)
        layout.addWidget(self.taught_text)
        self.show_heads((), "")
        self.show_serving("")

    def show_heads(self, heads: Sequence[HeadInfo], chosen: str) -> None:
        """Show the heads of this user, and the one that new smears begin with."""
        self._heads = {head.name: head for head in heads}
        blocked = QSignalBlocker(self.box)
        self.box.clear()
        self.box.addItem(NONE, "")
        for head in heads:
            self.box.addItem(f"{head.name} ({count_of(head.cases, 'case')})", head.name)
        self.box.setCurrentIndex(max(self.box.findData(chosen), 0))
        del blocked
        self.box.setEnabled(bool(heads))
        self._show_card(self._heads.get(chosen))

    def show_serving(self, text: str, *, can_forget: bool = False) -> None:
        """Show what predicts in the open smear; empty without one."""
        self.serving_text.setText(text)
        self.serving_text.setVisible(bool(text))
        self.forget_button.setVisible(can_forget)

    def _show_card(self, head: HeadInfo | None) -> None:
        clear(self.figures)
        self.problem_text.setText("" if head is None else head.problem)
        self.problem_text.setVisible(bool(self.problem_text.text()))
        self.card_text.setText(_card(head, bool(self._heads)))
        taught = {} if head is None else head.taught or {}
        known = [f"{code} {taught[code]}" for code in CLASSES if code in taught]
        self.taught_text.setText(f"Cells that taught it: {' · '.join(known)}")
        self.taught_text.setVisible(bool(known))
        left = None if head is None else head.left_out
        if left is None:
            return
        rows = (
            ("In cases it had not met", "model", "with it"),
            (f"named rightly, of {left.cells:,} cells", f"{left.bundle:.0%}", f"{left.head:.0%}"),
            ("mean over classes", f"{left.bundle_balanced:.0%}", f"{left.head_balanced:.0%}"),
        )
        for at, texts in enumerate(rows):
            for column, text in enumerate(texts):
                role = "quiet" if not at else ""
                self.figures.addWidget(label(text.replace("%", " %"), role, wrap=False), at, column)

    def _on_chosen(self, at: int) -> None:
        self.chosen.emit(str(self.box.itemData(at)))

    def _on_forget(self) -> None:
        self.forget_requested.emit(str(self.box.currentData()))


def _card(head: HeadInfo | None, any_head: bool) -> str:
    """Return in words what a head is, or how one is made."""
    if head is None:
        if any_head:
            return "New smears begin with the model alone."
        return (
            "After a smear is signed, “Remember what was learnt here…” in the Count tab makes a head: "
            "the next smears of this laboratory begin with what it taught."
        )
    text = f"From {count_of(head.cases, 'signed case')}, on {head.model}"
    if head.notes:
        text += f": {head.notes}"
    if head.left_out is None and not head.problem:
        text += ". A second case shows whether it helps."
    return text
