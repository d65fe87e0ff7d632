"""Tally mode: the keys of the classes count cells by eye, without a model, field by field.

The mode is what one sees: while the Count tab shows the tally, a class key counts; in any other tab it gives
the selected cell its class. So no key ever means something that is not on the screen.

The next field is Shift+Enter. Space lies under the thumb and Enter under the little finger, and both are
pressed by habit in the review: a field begun by mistake would part one field's cells, so here they rest. On a
field without cells the key does nothing, so that a second press begins no empty fields, and undo joins two
fields again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.correction.case_acts import CaseActs
from napari_bonemarrow.gui.counting.count_models import TallyInfo
from napari_bonemarrow.gui.counting.count_tab import CountTab
from napari_bonemarrow.gui.keys.bindings import Binding, key_of
from napari_bonemarrow.review import Case


class TallyController(SmearPart):
    """The count by eye, kept equal to the case."""

    switched = Signal(bool)

    def __init__(self, session: Session, tab: CountTab, acts: CaseActs, parent: QObject) -> None:
        super().__init__(session, parent)
        self.tab, self._acts = tab, acts
        self._last = ""
        self.follow(tab.tally_switched, self._on_switched)
        self.follow(tab.tally.next_requested, self.next_field)
        self.follow(tab.tally.undo_requested, self.undo)
        self.follow(tab.tally.counted, self.count)
        tab.tally_button.setChecked(False)
        tab.tally_button.setEnabled(True)

    def close(self) -> None:
        """Show the found cells again; without a smear nothing is counted by eye."""
        self.tab.tally_button.setChecked(False)
        self.tab.tally_button.setEnabled(False)
        super().close()

    @property
    def on(self) -> bool:
        """Whether the keys count."""
        return self.tab.tallying and self.tab.isVisible()

    def _on_switched(self, on: bool) -> None:
        if on:
            self.show()
        self.switched.emit(on)

    def press(self, binding: Binding) -> bool:
        """Do what a key stands for in this mode; tell whether it was ours."""
        if not self.on:
            return False
        acts: dict[str, Callable[[], None]] = {
            "label": lambda: self.count(binding.argument),
            "tally_field": self.next_field,
            "back": self.undo,
            "undo": self.undo,
            "redo": self.redo,
        }
        if binding.act == "help":
            return False
        acts.get(binding.act, lambda: None)()
        return True

    def count(self, code: str) -> None:
        """Count one cell."""
        if self._acts.act(lambda: self.session.case.tally.count(code)):
            self._last = code
            self.show()

    def next_field(self) -> None:
        """Begin the next field; not while this one has no cell."""
        case = self.session.case
        if not case.tally.fields[-1]:
            return
        if self._acts.act(case.tally.next_field):
            self._last = ""
            self.show()

    def undo(self) -> None:
        """Take back what was counted last; a correction of found cells is left alone."""
        if self.session.case.tally.can_undo:
            self._turn(self.session.case.undo)

    def redo(self) -> None:
        """Count again what was taken back."""
        if self.session.case.tally.can_redo:
            self._turn(self.session.case.redo)

    def _turn(self, act: Callable[[], object]) -> None:
        if self._acts.act(act):
            self._last = ""
            self.show()

    def show(self) -> None:
        """Show the count by eye where it is what one sees."""
        if self.tab.tallying:
            self.tab.tally.show_info(tally_info(self.session.case, self._last))


def tally_info(case: Case, last: str = "") -> TallyInfo:
    """Describe the count by eye of a case."""
    counted = case.tally.differential()
    total: Counter[str] = Counter()
    for field in case.tally.fields:
        total.update(field)
    percents = {
        row.code: row.percent_text.removesuffix(" %")
        for row in counted.classes
        if total and row.percent is not None
    }
    return TallyInfo(
        field_number=max(len(case.tally.fields), 1),
        in_field=dict(case.tally.fields[-1]) if case.tally.fields else {},
        total=dict(total),
        counted=counted.counted,
        target=counted.target,
        percents=percents,
        keys={code: key_of("label", code) for code in CLASSES},
        next_key=key_of("tally_field"),
        undo_key=key_of("back"),
        last=last,
        can_count=not case.read_only and not case.is_signed,
        can_undo=case.tally.can_undo,
    )
