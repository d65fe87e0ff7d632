"""The laboratory heads in the window: shown, chosen, made from signed cases, and given to new smears."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.core import laboratory_files as files
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.model.laboratory_part import LaboratoryPart
from napari_bonemarrow.gui.model.remember_dialog import RememberDialog
from napari_bonemarrow.gui.widgets.notices import LABORATORY, Notices
from napari_bonemarrow.review import EVENT_SPECS, Case, Change, EventKind, Topic


class LaboratoryService(QObject):
    """The laboratory heads of this user, and the one that the open smear begins with.

    Files are read and written in a thread, acts on the case are done on the main one.
    """

    remembered = Signal(str)
    """Emitted with the name of a head that was made or extended."""
    shown = Signal()

    def __init__(self, part: LaboratoryPart, tasks: Tasks, notices: Notices) -> None:
        super().__init__(tasks)
        self._part, self._tasks, self._notices = part, tasks, notices
        self._session: Session | None = None
        self._heads: tuple[files.HeadInfo, ...] = ()
        self.dialog: RememberDialog | None = None
        part.chosen.connect(self.choose)
        part.forget_requested.connect(self.forget)

    # the open smear -------------------------------------------------------------------------------

    def open(self, session: Session) -> None:
        """Follow a smear."""
        self._session = session
        session.case.changed.connect(self._on_changed)
        self._show_serving()

    def leave(self) -> None:
        """Follow no smear."""
        session, self._session = self._session, None
        if session is not None:
            session.case.changed.disconnect(self._on_changed)
        self._show_serving()

    def _on_changed(self, change: Change) -> None:
        spec = EVENT_SPECS[change.act]
        if change.act == EventKind.FEATURES_RECORDED:
            self._begin()
        if spec.topic in (Topic.LEARNING, Topic.SIGNATURES, Topic.READINGS) or change.act in _SERVING:
            self._show_serving()

    def _begin(self) -> None:
        """Let a smear of which no cell is named begin with the head of new smears."""
        name, session = files.default_head(), self._session
        if not name or session is None:
            return
        case = session.case
        if case.learning.laboratory_name or case.labels or case.is_blind or not case.learning.on:
            return
        self._give(name, session, tell=True)

    def _give(self, name: str, session: Session, *, tell: bool = False) -> None:
        """Let a smear begin with a head, once it is read."""

        def take(head: Any) -> None:
            case = session.case
            if session is not self._session or case.read_only or case.is_signed or case.is_blind:
                return
            try:
                changed = case.learning.choose_laboratory(head)
            except BoneMarrowError as error:
                self._fail(error)
                return
            self._notices.settle(LABORATORY)
            if changed is not None and tell:
                self._notices.tell(f"This smear begins with what {head.name} taught: see the Model tab.")

        self._run(lambda: files.load_head(name), take)

    def _show_serving(self) -> None:
        session = self._session
        if session is None or session.case.predictions is None:
            self._part.show_serving("")
            return
        case = session.case
        name = case.learning.laboratory_name
        self._part.show_serving(serving_text(case), can_forget=bool(name) and case.is_signed)

    # heads ----------------------------------------------------------------------------------------

    def look(self) -> None:
        """Read and show the heads."""
        self._run(lambda: (files.heads(), files.default_head()), self._take_heads)

    def _take_heads(self, found: tuple[tuple[files.HeadInfo, ...], str]) -> None:
        self._heads, chosen = found
        self._part.show_heads(self._heads, chosen)
        self.shown.emit()

    def choose(self, name: str) -> None:
        """Let this smear and new ones begin with a head, or with none."""

        def chosen(_nothing: object) -> None:
            self._notices.settle(LABORATORY)
            session = self._session
            if session is not None and not (session.case.read_only or session.case.is_signed):
                if name:
                    self._give(name, session)
                else:
                    self._give_none(session.case)
            self.look()

        def note() -> bool:
            files.set_default_head(name)
            return True

        self._run(note, chosen)

    def _give_none(self, case: Case) -> None:
        try:
            case.learning.choose_laboratory(None)
        except BoneMarrowError as error:
            self._fail(error)

    def ask_to_remember(self, parent: QWidget) -> None:
        """Ask under which name the signed smear is to be remembered."""
        session = self._session
        if session is None or self.dialog is not None:
            return

        def ask(found: tuple[tuple[files.HeadInfo, ...], str]) -> None:
            predictions = session.case.predictions
            if session is not self._session or predictions is None or self.dialog is not None:
                return
            mine = [head for head in found[0] if head.model_sha256 == predictions.model.sha256]
            chosen = session.case.learning.laboratory_name or found[1]
            known = {head.name for head in mine}
            self.dialog = dialog = RememberDialog(parent, mine, chosen if chosen in known else "")
            dialog.accepted.connect(lambda: self.remember(session.case.path, dialog.name, dialog.note))
            dialog.finished.connect(self._on_finished)
            dialog.open()

        self._run(lambda: (files.heads(), files.default_head()), ask)

    def _on_finished(self, _result: int) -> None:
        self.dialog = None

    def remember(self, case: Path, name: str, note: str = "") -> None:
        """Make a head from a signed case, or extend it; the first one is what new smears begin with."""

        def write() -> files.HeadInfo:
            info = files.remember_cases([case], name, note)
            if not files.default_head():
                files.set_default_head(name)
            return info

        def written(info: files.HeadInfo) -> None:
            self._notices.settle(LABORATORY)
            self._notices.tell(f"Remembered. {info.text}.")
            self.remembered.emit(name)
            self.look()

        self._run(write, written)

    def forget(self, name: str) -> None:
        """Take what the open smear taught out of a head."""
        session = self._session
        if session is None or not name:
            return
        path = session.case.path

        def forgotten(info: files.HeadInfo) -> None:
            self._notices.settle(LABORATORY)
            left = (
                f"{name} now has {info.cases} cases" if info.cases else f"{name} is gone with its last case"
            )
            self._notices.tell(f"{path.name} is forgotten: {left}.")
            self.look()

        self._run(lambda: files.forget_case(path, name), forgotten)

    def _run(self, read: Callable[[], object], then: Callable[[Any], None]) -> None:
        def steps() -> Iterator[object]:
            yield read()

        self._tasks.run(steps, on_step=then, on_done=_nothing, on_failed=self._fail)

    def _fail(self, error: BoneMarrowError) -> None:
        self._notices.fail(error, LABORATORY)


_SERVING = (EventKind.MODEL_RUN,)


def serving_text(case: Case) -> str:
    """Return in one line what predicts in a case."""
    learning, predictions = case.learning, case.predictions
    if predictions is None:
        return ""
    parts = [predictions.model.name]
    if learning.laboratory_name:
        parts.append(learning.laboratory_name)
    if learning.prequential is not None:
        parts.append("the reviewed cells of this smear")
    text = f"This smear: {' + '.join(parts)}"
    if not learning.on:
        return f"This smear: {parts[0]} alone; what was taught is switched off"
    if len(parts) > 1 and not learning.serves:
        text += "; what was taught does not help yet, so the model alone predicts"
    return text


def _nothing() -> None:
    """Do nothing after a file was read or written."""
