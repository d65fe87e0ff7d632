"""Learning from the reviewed cells of the open smear, in a thread, one lesson after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.correction.case_acts import CaseActs
from napari_bonemarrow.gui.inspector.review_tab import ReviewTab
from napari_bonemarrow.gui.inspector.teaching_info import teaching_info
from napari_bonemarrow.gui.keys.bindings import Binding
from napari_bonemarrow.gui.widgets.notices import LEARNING, Notices
from napari_bonemarrow.review import EVENT_SPECS, CaseError, Change, EventKind, Shown, Topic

_SOON_MS = 30
"""Time after an act until its lesson begins: the act is drawn first, and several are learnt at once."""


class CaseLearning(SmearPart):
    """What the reviewer says teaches the guesses of the other cells.

    A lesson is taken and its result recorded on the main thread, in a few milliseconds; it is learnt in a
    thread. What is said meanwhile is learnt next.
    """

    learnt = Signal()
    """Emitted when everything that was said so far is learnt, or cannot be."""

    def __init__(
        self,
        session: Session,
        tab: ReviewTab,
        acts: CaseActs,
        tasks: Tasks,
        notices: Notices,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._tab, self._acts, self._tasks, self._notices = tab, acts, tasks, notices
        self._worker: Any = None
        self._again = self._failed = self._held = False
        self._soon = self.timer(_SOON_MS, self._begin)
        self.follow(session.case.changed, self._on_changed)
        self.follow(tab.learning_switched, self.switch)
        self.show()
        self._soon.start()  # what was said after the last result when the case was closed

    def close(self) -> None:
        """Forget a lesson that is being learnt: the reopened case learns it again."""
        worker, self._worker = self._worker, None
        if worker is not None:
            self._tasks.cancel(worker)
        super().close()
        self._tab.show_teaching(None)

    @property
    def busy(self) -> bool:
        """Return whether something that was said is still to be learnt."""
        return self._worker is not None or self._soon.isActive()

    def hold(self, on: bool) -> None:
        """Write nothing while a prepared signature waits: it is of the case as it stands."""
        self._held = on
        if not on:
            self._soon.start()

    def press(self, binding: Binding) -> bool:
        """Run the command of a key; return whether it belongs to the learning."""
        if binding.act != "learning":
            return False
        self.switch(not self.session.case.learning.on)
        return True

    def switch(self, on: bool) -> None:
        """Let what was taught predict, or the model alone."""
        case = self.session.case
        if not case.is_blind:
            self._acts.act(lambda: case.learning.switch(on))
        self.show()

    def show(self) -> None:
        """Show in the Review tab how well it predicts."""
        self._tab.show_teaching(teaching_info(self.session.case))

    def _on_changed(self, change: Change) -> None:
        spec = EVENT_SPECS[change.act]
        if spec.topic is Topic.LEARNING or spec.topic is Topic.READINGS or spec.topic is Topic.SIGNATURES:
            self.show()
        teaches = spec.shown is not Shown.NONE or change.act in _TEACHING
        if teaches and change.act != EventKind.PREDICTIONS_LEARNT and not self._soon.isActive():
            self._soon.start()

    def _begin(self) -> None:
        if self._worker is not None:
            self._again = True
            return
        if self._held:
            return
        lesson = self.session.case.learning.lesson()
        if lesson is None:
            self.learnt.emit()
            return
        memory = self.session.case.learning.memory

        def learn() -> Iterator[object]:
            yield lesson.learn(memory)

        self._worker = self._tasks.run(
            learn,
            on_step=lambda taught: self._record(lesson, taught),
            on_done=self._on_done,
            on_failed=self._fail,
        )

    def _record(self, lesson: Any, taught: Any) -> None:
        """Record a result; one that the disk does not take is learnt again after the next act."""
        if self._held:
            return
        try:
            recorded = self.session.case.learning.record(lesson, taught)
        except BoneMarrowError as error:
            self._fail(error)
        except OSError as error:
            name = self.session.case.path.name
            self._fail(CaseError(f"{name}: what was learnt is not written: {error.strerror}"))
        else:
            if recorded is None:  # cells or model have changed meanwhile
                self._again = True
            elif self._failed:
                self._failed = False
                self._notices.settle(LEARNING)

    def _fail(self, error: BoneMarrowError) -> None:
        """Say once why nothing is learnt; no label is lost by it."""
        if not self._failed:
            self._failed = True
            self._notices.fail(error, LEARNING)

    def _on_done(self) -> None:
        self._worker = None
        again, self._again = self._again, False
        if again:
            self._begin()
        elif not self._soon.isActive():
            self.learnt.emit()


_TEACHING = (
    EventKind.FEATURES_RECORDED,
    EventKind.LEARNING_SWITCHED,
    EventKind.LABORATORY_HEAD_CHOSEN,
    EventKind.AMENDED,
)
"""Acts that change no look by themselves, after which there may be something to learn."""
