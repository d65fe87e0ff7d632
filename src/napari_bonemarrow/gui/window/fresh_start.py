"""The fresh start of a smear: a new case in place of the open one, whose file is kept."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.setup.smear_opener import SmearOpener
from napari_bonemarrow.gui.shell.fresh_start_dialog import FreshStartDialog
from napari_bonemarrow.gui.widgets.notices import SMEAR, Notices
from napari_bonemarrow.gui.window.panel import BoneMarrowPanel
from napari_bonemarrow.review import Case, CaseError


class FreshStart(QObject):
    """The question, and the closing of the smear and opening of its new case.

    Parameters
    ----------
    panel : BoneMarrowPanel
    smear_viewer : SmearViewer
    opener : SmearOpener
    notices : Notices
    leave_smear : callable
        Closes the open case.
    """

    def __init__(
        self,
        panel: BoneMarrowPanel,
        smear_viewer: SmearViewer,
        opener: SmearOpener,
        notices: Notices,
        leave_smear: Callable[[], None],
    ) -> None:
        super().__init__(opener)
        self._panel, self._smear_viewer, self._opener = panel, smear_viewer, opener
        self._notices, self._leave_smear = notices, leave_smear
        panel.slide_tab.start_over_requested.connect(self.ask)

    def ask(self) -> None:
        """Ask whether to start the smear over, or show at once why its case cannot be."""
        session = self._opener.current
        if session is None:
            return
        case = session.case
        if case.read_only:
            text = f"{case.path.name} is open to look at only, so it cannot be started over"
            self._notices.fail(CaseError(text), SMEAR)
            return
        dialog = FreshStartDialog(self._panel, kept_text(case), case.path.name)
        dialog.accepted.connect(self.start)
        dialog.open()

    def start(self) -> None:
        """Keep the current case and begin a new one."""
        session, layer = self._opener.current, self._smear_viewer.smear
        if session is None:
            return
        case, slide = session.case, session.slide
        self._leave_smear()
        try:
            new, kept = case.start_over(slide)
            new.close()
        except BoneMarrowError as error:
            self._notices.fail(error, SMEAR)
        else:
            self._notices.tell(f"The case so far is kept as {kept.name}.")
        self._opener.open(case.path, layer, slide.path)


def kept_text(case: Case) -> str:
    """Return the content of a case in a few words."""
    signature, labels = case.signature, len(case.labels)
    parts = [count_of(len(case.cells), "cell")]
    parts.append(f"{labels} of them with a class given by hand" if labels else "none reviewed")
    if signature is not None:
        parts.append(f"signed by {signature.name}")
    return ", ".join(parts)
