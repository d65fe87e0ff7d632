"""The opening of a smear with its case: pixels in a thread, the case on the main thread, which writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.canvas.smear_layer import CASE_SUFFIX, sample_path
from napari_bonemarrow.gui.canvas.tiles.tile_index import read_first_view
from napari_bonemarrow.gui.core import preload, settings
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.setup import scale_memory
from napari_bonemarrow.gui.widgets.notices import OPENING, Notices
from napari_bonemarrow.gui.widgets.reviewer_name import ReviewerName
from napari_bonemarrow.review import Case, CaseError, case_path_for
from napari_bonemarrow.slides import Slide, open_slide
from napari_bonemarrow.slides.scale.cameras import camera_of
from napari_bonemarrow.workflow.cases import case_of_slide

_WARM_AFTER_MS = 400
"""Delay until the panel is shown, since Python threads slow each other."""
_FIRST_LOOK_SECONDS = 0.5
"""Time limit for reading the whole slide before it is shown; the rest follows later."""


@dataclass(frozen=True)
class _Loaded:
    slide: Slide
    case_path: Path
    camera: str


@dataclass(frozen=True)
class _SlideMissing:
    case_path: Path
    name: str


class SmearOpener(QObject):
    """The opener of one smear at a time. A failure leaves the previous smear unchanged."""

    opened = Signal(object, object)  # Session, the layer that already shows the smear or None
    waiting = Signal(str)
    slide_missing = Signal(object, str)  # the case, the slide's name: the user is asked for its path
    read_only = Signal(str)
    open_already = Signal(object)  # a second layer of the same smear in napari, or None

    def __init__(self, tasks: Tasks, reviewer: ReviewerName, notices: Notices) -> None:
        super().__init__(tasks)
        self._tasks, self._reviewer, self._notices = tasks, reviewer, notices
        self.current: Session | None = None
        """The open session, whose case is not opened a second time, which its own lock would refuse."""
        self._worker: Any = None
        QTimer.singleShot(_WARM_AFTER_MS, preload.begin)

    def open(self, path: Path, layer: Any = None, slide_path: Path | None = None) -> None:
        """Open a smear or a case.

        Parameters
        ----------
        path : Path
        layer : Image, optional
            The layer that already shows it in napari.
        slide_path : Path, optional
            New path of the smear of a case, if it was moved.
        """
        if self._is_open(path):
            self.open_already.emit(layer)
            self.waiting.emit("")
            return
        self._start(f"Opening {path.name}…", lambda: _load(path, slide_path), layer)

    def stop(self) -> None:
        """Stop the opening; the previous smear stays."""
        if self._worker is not None:
            self._tasks.cancel(self._worker)
            self._on_done()

    def _is_open(self, path: Path) -> bool:
        """Return whether the path of a smear or of a case is that of the open session.

        A smear may have several cases, as after a fresh start: its path stands for the case next to it.
        """
        if self.current is None:
            return False
        case_path = path if path.suffix.lower() == CASE_SUFFIX else case_path_for(path)
        if case_path.resolve() == self.current.case.path.resolve():
            return True
        return path.resolve() == self.current.slide.path.resolve() and not case_path.exists()

    def open_sample(self) -> None:
        """Open the drawn smear, drawing it first if it does not exist yet."""

        def steps() -> Iterator[Any]:
            yield from _load(sample_path(), None)

        self._start("Drawing the sample smear…", steps, None)

    def _start(self, text: str, steps: Callable[[], Iterator[Any]], layer: Any) -> None:
        if self._worker is not None:
            self._tasks.cancel(self._worker)
        self.waiting.emit(text)

        def receive(step: Any) -> None:
            self._receive(step, layer)

        self._worker = self._tasks.run(steps, on_step=receive, on_done=self._on_done, on_failed=self._fail)

    def _fail(self, error: BoneMarrowError) -> None:
        self._notices.fail(error, OPENING)

    def _on_done(self) -> None:
        self._worker = None
        self.waiting.emit("")

    def _receive(self, step: Any, layer: Any) -> None:
        if isinstance(step, _SlideMissing):
            self.slide_missing.emit(step.case_path, step.name)
            return
        if self._is_open(step.case_path):
            self.open_already.emit(layer)
            return
        preload.give_units()
        try:
            slide, case = self._open_case(step.slide, step.case_path)
        except BoneMarrowError as error:
            self._fail(error)
            return
        asked = settings.load()
        session = Session(
            slide,
            case,
            margin_um=asked.margin_um,
            target=asked.target,
            estimating=slide.microns_per_pixel is None,  # begins when the smear is shown
            camera=step.camera,
            camera_scale=scale_memory.last_scale(step.camera),
        )
        self.opened.emit(session, layer)

    def _open_case(self, slide: Slide, case_path: Path) -> tuple[Slide, Case]:
        """Open the case for review, or read-only if another process holds it."""
        try:
            return case_of_slide(slide, case_path, reviewer=self._reviewer.text)
        except CaseError as refused:
            if not case_path.exists():
                raise
            case = Case.open(case_path, reviewer=self._reviewer.text, read_only=True)
            try:
                case.slide_file.check(slide)
            except CaseError:
                case.close()
                raise
            self.read_only.emit(str(refused))
            return slide.with_scale(case.scale or slide.scale), case


def _load(path: Path, slide_path: Path | None) -> Iterator[_Loaded | _SlideMissing]:
    """Read the pixels; for a case, find its smear first."""
    preload.prepare()
    case_path = path
    if path.suffix.lower() != CASE_SUFFIX:
        slide_path, case_path = path, case_path_for(path)
    elif slide_path is None:
        with Case.open(path, read_only=True) as case:
            slide_path, name = case.slide_file.find(), case.slide_record.name
        if slide_path is None:
            yield _SlideMissing(path, name)
            return
    slide = open_slide(slide_path)
    read_first_view(slide.levels, _FIRST_LOOK_SECONDS)
    yield _Loaded(slide, case_path, camera_of(slide))
