"""The controller of the Fine-tune tab: the reviewed cells, the run, and its outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_bonemarrow.cytology import CLASSES, BoneMarrowError, Support
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.core.laboratory_files import default_head, next_step
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.finetune import run_store as runs
from napari_bonemarrow.gui.finetune.finetune_tab import FinetuneTab
from napari_bonemarrow.gui.finetune.reviewed_cells import ReviewedInfo, ReviewedRow
from napari_bonemarrow.gui.finetune.run_process import TrainingProcess
from napari_bonemarrow.gui.finetune.run_status import RunError, RunInfo, Wish, is_running, log_file, read_run
from napari_bonemarrow.gui.widgets.notices import TEACHING, Notices
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.training import load_preset
from napari_bonemarrow.training.data.case_crops import MINIMUM_REVIEWED, CaseSet, read_cases

_POLL_MS = 500


class FinetuneController(QObject):
    """The controller of the tab, which follows one run at a time in a separate process."""

    model_wanted = Signal(str)
    ended = Signal(str)  # the final state of a run
    looked = Signal()

    def __init__(
        self,
        tab: FinetuneTab,
        tasks: Tasks,
        process: TrainingProcess,
        notices: Notices,
    ) -> None:
        super().__init__(tasks)
        self._tab, self._tasks, self._process, self._notices = tab, tasks, process, notices
        self._folder: Path | None = None  # of the shown run
        self._running: Path | None = None  # of the run of this window's process
        self._parent = ""
        self._in_use = ""
        self._reading: Any = None
        self._shown: RunInfo | None = None
        self._first = True
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._tick)
        tab.cases_chosen.connect(self._read)
        tab.start_requested.connect(self.start)
        tab.cancel_requested.connect(self.cancel)
        tab.resume_requested.connect(self.resume)
        tab.use_requested.connect(self._use)
        tab.run_chosen.connect(self._choose)

    # cases and runs ------------------------------------------------------------------------------

    def open(self, cases: Path, model: str) -> None:
        """Set a case's folder and the model in use; nothing is read before the tab is visible."""
        self._parent = self._in_use = model
        self._tab.show_parent(model)
        if not self._tab.cases_edit.text():
            self._tab.suggest(str(cases), runs.free_name(model))

    def look(self) -> None:
        """Read the existing cases and runs when the tab becomes visible."""
        if self._first:
            self._first = False
            self._folder = next((f for f in runs.list_runs() if read_run(f).resumable), None)
        self._show_runs()
        self._show()
        self._read(self._tab.cases_edit.text().strip())
        self._judge()

    def _judge(self) -> None:
        """Say whether teaching the network itself would pay, by the laboratory's head."""

        def steps() -> Iterator[str]:
            yield next_step(default_head())

        self._tasks.run(steps, on_step=self._tab.show_next_step, on_done=_nothing, on_failed=_ignore)

    def show_used(self, name: str) -> None:
        """Set the model in use."""
        self._parent = self._in_use = name
        self._tab.show_parent(name)
        self._show()

    def _read(self, folder: str) -> None:
        """Count the reviewed cells in a thread, since each case's journal is checked."""
        if self._reading is not None:
            self._tasks.cancel(self._reading)
            self._reading = None
        if not folder:
            self._tab.show_reviewed(ReviewedInfo((), "Choose a folder of reviewed cases.", False))
            return
        self._tab.show_reviewed(None)
        parent = self._parent

        def steps() -> Iterator[ReviewedInfo]:
            support = Bundle.open(parent).support
            yield reviewed_info(read_cases([folder]), support, load_preset("finetune").minimum_images)

        def failed(error: BoneMarrowError) -> None:
            self._tab.show_reviewed(ReviewedInfo((), "Nothing to learn from.", False, problem=str(error)))

        def done() -> None:
            self._reading = None
            self.looked.emit()

        self._reading = self._tasks.run(
            steps, on_step=self._tab.show_reviewed, on_done=done, on_failed=failed
        )

    # the run --------------------------------------------------------------------------------------

    def start(self, wish: Wish) -> None:
        """Begin a run."""
        try:
            self._launch(runs.begin_run(wish.model_copy(update={"parent": self._parent})))
        except BoneMarrowError as error:
            self._notices.fail(error, TEACHING)

    def resume(self) -> None:
        """Resume the shown run."""
        try:
            if self._folder is not None:
                self._launch(self._folder)
        except BoneMarrowError as error:
            self._notices.fail(error, TEACHING)

    def _launch(self, folder: Path) -> None:
        if self._process.running:
            raise RunError("a model is being taught already: wait for it, or stop it")
        if is_running(folder):
            raise RunError(f"{folder.name}: runs in another window")
        wish = read_run(folder).wish
        command = runs.command(folder, wish)
        pid = self._process.start(command, runs.environment(), log_file(folder))
        runs.note_process(folder, pid)
        self._folder = self._running = folder
        self._timer.start()
        self._show_runs()
        self._show()
        self._notices.settle(TEACHING)

    def cancel(self) -> None:
        """Stop the run; its last finished epoch is kept."""
        self._process.end()
        self._tick()

    def close(self) -> None:
        """Stop the run's process when the window closes."""
        self._timer.stop()

    def _tick(self) -> None:
        if not self._process.running:
            self._timer.stop()
            self._running = None
            self._show_runs()
            self._show()
            if self._shown is not None:
                self.ended.emit(self._shown.state)
        else:
            self._show()

    # display ------------------------------------------------------------------------------------

    def _choose(self, index: int) -> None:
        known = runs.list_runs()
        self._folder = known[index] if 0 <= index < len(known) else None
        if self._folder is None:
            self._tab.suggest_name(runs.free_name(self._parent))
        self._show()

    def _show_runs(self) -> None:
        known = runs.list_runs()
        names = [f"{folder.name} ({_STATES[self._info(folder).state]})" for folder in known]
        self._tab.show_runs(names, known.index(self._folder) if self._folder in known else -1)

    def _info(self, folder: Path) -> RunInfo:
        return read_run(folder, ours=folder == self._running and self._process.running)

    def _show(self) -> None:
        info = None if self._folder is None else self._info(self._folder)
        if info != self._shown or info is None:
            self._shown = info
            self._tab.show_run(info)
        self._tab.show_used(info is not None and info.wish.name == self._in_use)

    def _use(self) -> None:
        try:
            if self._shown is not None:
                self.model_wanted.emit(runs.adopt(self._shown))
        except BoneMarrowError as error:
            self._notices.fail(error, TEACHING)


def _nothing() -> None:
    """Do nothing after the laboratory's head was judged."""


def _ignore(_error: BoneMarrowError) -> None:
    """Ignore a head that cannot be read: the Model tab shows why."""


_STATES = {"running": "learning", "stopped": "stopped", "better": "ready", "refused": "got worse"}


def reviewed_info(cases: CaseSet, support: Mapping[str, Support], of_new: int) -> ReviewedInfo:
    """Return the reviewed cells by class, the number of their cases, and whether they are enough.

    Parameters
    ----------
    cases : CaseSet
    support : mapping of str to Support
        Training support of the model to start from.
    of_new : int
        Number of cells needed of a class that the model does not know.
    """
    counts, spread = cases.counts(), cases.cases_with()
    rows, usable = [], 0
    for code in (code for code in CLASSES if counts[code]):
        new = support.get(code, Support.NONE) is Support.NONE
        short = new and counts[code] < of_new
        usable += 0 if short else counts[code]
        note = f"new: needs {of_new}" if short else "new" if new else ""
        rows.append(ReviewedRow(code, counts[code], spread[code], note))
    number = len(cases.cases)
    text = f"{count_of(len(cases), 'reviewed cell')} in {count_of(number, 'case')}"
    other = sum(cases.other().values())
    if other:
        text += f"; {other} more are none of the model's 21 classes"
    return ReviewedInfo(
        tuple(rows),
        text,
        usable >= MINIMUM_REVIEWED,
        f"{usable} of the {MINIMUM_REVIEWED} reviewed cells that are needed.",
        "; ".join(f"skipped {line}" for line in cases.skipped),
    )
