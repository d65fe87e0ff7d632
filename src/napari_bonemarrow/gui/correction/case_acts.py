"""The only way to act on the case: under a reviewer's name, and shown only once it is written."""

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
    """Acts on the case, with a notice if one fails."""

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
        """Do an act on the case; one that could not be written is not shown.

        Without a reviewer's name nothing is written: the name is asked for, and False returned.
        """
        if not self.reviewer.known:
            self.reviewer.ask()
            return False
        try:
            act()
        except BoneMarrowError as error:
            self.fail(error)
            self._shown_cell.show()  # a box that was ticked shows the state of the case again
            return False
        return True

    def fail(self, error: BoneMarrowError) -> None:
        """Show why an act was not done."""
        self._notices.fail(error, REVIEW)
