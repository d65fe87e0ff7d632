"""Every act on the case goes through here: under a name that was given, and shown only once it is written."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.correction.selected_cell import SelectedCell
from napari_bonemarrow.gui.widgets.notices import REVIEW, Notices
from napari_bonemarrow.gui.widgets.reviewer_name import ReviewerName


class CaseActs(SmearPart):
    """Does something to the case, or says why it was not done.

    Parameters
    ----------
    session : Session
    shown_cell : SelectedCell
    reviewer : ReviewerName
    notices : Notices
    parent : QObject
    """

    def __init__(
        self,
        session: Session,
        shown_cell: SelectedCell,
        reviewer: ReviewerName,
        notices: Notices,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._shown_cell, self.reviewer, self._notices = shown_cell, reviewer, notices

    def act(self, act: Callable[[], object]) -> bool:
        """Do something to the case; what could not be written is not shown.

        Nothing is written under a name that nobody has given: the name is asked for, and False returned.
        """
        if not self.reviewer.known:
            self.reviewer.ask()
            return False
        try:
            act()
        except BoneMarrowError as error:
            self.fail(error)
            self._shown_cell.show()  # a box that was ticked says again what the case says
            return False
        return True

    def fail(self, error: BoneMarrowError) -> None:
        """Say why something was not done."""
        self._notices.fail(error, REVIEW)
