"""Acceptance of a class in bulk: a dialog for the rule with a preview of its effect, and one act."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QObject

from napari_bonemarrow.cytology import BMC21
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.correction.bulk_dialog import BulkDialog, BulkInfo
from napari_bonemarrow.gui.correction.case_acts import CaseActs
from napari_bonemarrow.gui.inspector.review_tab import ReviewTab
from napari_bonemarrow.gui.keys.bindings import key_of
from napari_bonemarrow.review import Case, CaseError


class BulkAccept(SmearPart):
    """The dialog for a bulk rule, and the act."""

    def __init__(
        self, session: Session, tab: ReviewTab, selection: Selection, acts: CaseActs, parent: QObject
    ) -> None:
        super().__init__(session, parent)
        self._tab, self._selection, self._acts = tab, selection, acts
        self.dialog: BulkDialog | None = None

    def close(self) -> None:
        """Close the dialog with its smear."""
        if self.dialog is not None:
            self.dialog.reject()
        super().close()

    def ask(self) -> None:
        """Ask for the rule, starting with the class of the selected cell."""
        if self.dialog is not None:
            return
        case, cell = self.session.case, self._selection.current
        code = case.effective_code(cell) if cell is not None else ""
        # Refused classes are included: the dialog then gives the reason.
        allowed = [each for each in BMC21 if each == code or not case.bulk.refusal(each)]
        if not allowed:
            self._acts.fail(CaseError(case.bulk.refusal(BMC21[0])))
            return
        dialog = BulkDialog(self._tab, allowed, code, partial(bulk_info, case))
        dialog.accepted.connect(self._accept)
        dialog.finished.connect(self._on_finished)
        self.dialog = dialog
        dialog.open()

    def _accept(self) -> None:
        dialog, case = self.dialog, self.session.case
        if dialog is None:
            return
        before = len(case.labels)
        if self._acts.act(partial(case.bulk.accept_above, dialog.code, dialog.threshold)):
            taken = len(case.labels) - before
            self._tab.show_toast(f"{count_of(taken, 'cell')} → {dialog.code}", key_of("undo"))

    def _on_finished(self, _result: int) -> None:
        self.dialog = None


def bulk_info(case: Case, code: str, threshold: float) -> BulkInfo:
    """Return the effect of accepting a class above a confidence on the current case."""
    if case.read_only or case.is_signed:
        return BulkInfo(refusal="This case is open to look at only.")
    try:
        found = len(case.bulk.acceptable(code, threshold))
    except CaseError as error:
        return BulkInfo(refusal=str(error))
    return BulkInfo(
        count_of(found, "cell"), "" if found else f"No unreviewed cell is {code} with so much confidence."
    )
