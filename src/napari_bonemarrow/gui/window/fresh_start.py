"""Start a smear over: a new case in the place of the one that is open, whose file is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.widgets import notices
from napari_bonemarrow.gui.window.fresh_start_dialog import FreshStartDialog
from napari_bonemarrow.review import Case, CaseError

if TYPE_CHECKING:
    from napari_bonemarrow.gui.window.app_controller import AppController


class FreshStart(QObject):
    """Asks first, then leaves the smear, begins its new case and opens it.

    Parameters
    ----------
    controller : AppController
    """

    def __init__(self, controller: AppController) -> None:
        super().__init__(controller)
        self._controller = controller
        controller.panel.slide_tab.start_over_requested.connect(self.ask)

    def ask(self) -> None:
        """Ask whether the smear shall be started over; a case that cannot be is told of at once."""
        session = self._controller.session
        if session is None:
            return
        case = session.case
        if case.read_only:
            text = f"{case.path.name} is open to look at only, so it cannot be started over"
            self._controller.notices.fail(CaseError(text), notices.SMEAR)
            return
        dialog = FreshStartDialog(self._controller.panel, kept_text(case), case.path.name)
        dialog.accepted.connect(self.start)
        dialog.open()

    def start(self) -> None:
        """Keep the case so far and begin a new one."""
        controller = self._controller
        session, layer = controller.session, controller.smear_viewer.smear
        if session is None:
            return
        case, slide = session.case, session.slide
        controller.leave_smear()
        try:
            new, kept = case.start_over(slide)
            new.close()
        except BoneMarrowError as error:
            controller.notices.fail(error, notices.SMEAR)
        else:
            controller.notices.tell(f"The case so far is kept as {kept.name}.")
        controller.opener.open(case.path, layer, slide.path)


def kept_text(case: Case) -> str:
    """Say in a few words what a case holds."""
    signature, labels = case.signature, len(case.labels)
    parts = [count_of(len(case.cells), "cell")]
    parts.append(f"{labels} of them with a class given by hand" if labels else "none reviewed")
    if signature is not None:
        parts.append(f"signed by {signature.name}")
    return ", ".join(parts)
