"""Tally mode: the keys of the classes count cells by eye, without a model, field by field.

The visible tab sets the mode: while the Count tab shows the tally, a class key counts; in any other tab it
gives the selected cell its class. So the effect of a key is always on the screen.

The next field is Shift+Enter. Space and Enter are pressed by habit in the review: a field begun by
mistake would divide one field's cells, so here they have no effect. On a
field without cells the key does nothing, so that a second press begins no empty field, and undo joins two
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
    """The controller of the manual tally."""

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
        """Show the found cells again; without a smear there is no tally."""
        self.tab.tally_button.setChecked(False)
        self.tab.tally_button.setEnabled(False)
        super().close()

    @property
    def on(self) -> bool:
        """Return whether the keys count."""
        return self.tab.tallying and self.tab.isVisible()

    def _on_switched(self, on: bool) -> None:
        if on:
            self.show()
        self.switched.emit(on)

    def press(self, binding: Binding) -> bool:
        """Run the command of a key in this mode; return whether it was used."""
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
        """Begin the next field, unless this one is empty."""
        case = self.session.case
        if not case.tally.fields[-1]:
            return
        if self._acts.act(case.tally.next_field):
            self._last = ""
            self.show()

    def undo(self) -> None:
        """Take back the last count, but no correction of a found cell."""
        if self.session.case.tally.can_undo:
            self._turn(self.session.case.undo)

    def redo(self) -> None:
        """Repeat the count that was taken back."""
        if self.session.case.tally.can_redo:
            self._turn(self.session.case.redo)

    def _turn(self, act: Callable[[], object]) -> None:
        if self._acts.act(act):
            self._last = ""
            self.show()

    def show(self) -> None:
        """Show the tally if it is visible."""
        if self.tab.tallying:
            self.tab.tally.show_info(tally_info(self.session.case, self._last))


def tally_info(case: Case, last: str = "") -> TallyInfo:
    """Return the manual tally of a case."""
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
