"""Accepting a class in bulk: the rule is asked for, shown with what it would do, and is one act."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_bonemarrow.cytology import BMC21
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.correction.bulk_dialog import BulkDialog, BulkInfo
from napari_bonemarrow.gui.keys.bindings import key_of
from napari_bonemarrow.review import Case, CaseError

if TYPE_CHECKING:
    from napari_bonemarrow.gui.correction.review_controller import ReviewController


class BulkAccept(QObject):
    """Opens the dialog and does what it says.

    Parameters
    ----------
    review : ReviewController
    """

    def __init__(self, review: ReviewController) -> None:
        super().__init__(review)
        self._review = review
        self.dialog: BulkDialog | None = None

    def ask(self) -> None:
        """Ask for the rule, beginning with the class of the selected cell."""
        session = self._review.session
        if session is None or self.dialog is not None:
            return
        case, cell = session.case, self._review.selected
        code = case.effective_code(cell) if cell is not None else ""
        # A class that is refused is among them: the dialog then says why.
        allowed = [each for each in BMC21 if each == code or not case.bulk.refusal(each)]
        if not allowed:
            self._review.on_error(CaseError(case.bulk.refusal(BMC21[0])))
            return
        dialog = BulkDialog(self._review.tab, allowed, code, partial(bulk_info, case))
        dialog.accepted.connect(self._accept)
        dialog.finished.connect(self._on_finished)
        self.dialog = dialog
        dialog.open()

    def _accept(self) -> None:
        dialog, session = self.dialog, self._review.session
        if dialog is None or session is None:
            return
        before = len(session.case.labels)
        if self._review.act(partial(session.case.bulk.accept_above, dialog.code, dialog.threshold)):
            taken = len(session.case.labels) - before
            self._review.tab.show_toast(f"{count_of(taken, 'cell')} → {dialog.code}", key_of("undo"))

    def _on_finished(self, _result: int) -> None:
        self.dialog = None


def bulk_info(case: Case, code: str, threshold: float) -> BulkInfo:
    """Tell what accepting a class above a confidence would do to a case now."""
    if case.read_only or case.is_signed:
        return BulkInfo(refusal="This case is open to look at only.")
    try:
        found = len(case.bulk.acceptable(code, threshold))
    except CaseError as error:
        return BulkInfo(refusal=str(error))
    return BulkInfo(
        count_of(found, "cell"), "" if found else f"No unreviewed cell is {code} with so much confidence."
    )
