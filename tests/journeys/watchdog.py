"""Watches the event loop: which turns kept the window from answering, and what they did meanwhile.

What is measured is the CPU time of the main thread (``time.thread_time``) and not the clock on the wall. On a
loaded machine with two cores a thread is put aside for tens of milliseconds at any moment; the clock would
blame whatever happened to run then. CPU time does not run while a thread is put aside, nor while it waits
for the disk or for the next event: it tells what the program itself costs, and that alone can be mended.

Painting is left out: here it is done by software on the same two cores, elsewhere by a graphics card.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from qtpy.QtCore import QAbstractEventDispatcher, QEvent, QObject
from qtpy.QtWidgets import QApplication

LIMIT_MS = 50.0
_SAMPLE_S = 0.004
_PAINTING = (
    QEvent.Type.UpdateRequest,
    QEvent.Type.Paint,
    QEvent.Type.Expose,
    QEvent.Type.UpdateLater,
)


@dataclass
class Turn:
    """One turn of the loop, or one event that was sent directly."""

    what: str
    took_ms: float
    places: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        where = "; ".join(f"{place} ({times}×)" for place, times in self.places.most_common(3))
        return f"{self.what}: {self.took_ms:.0f} ms, mostly in {where or 'nothing of ours'}"


class Watchdog(QObject):
    """Times turns of the event loop while it is asked to, without painting."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: list[Turn] = []
        self._what: str | None = None
        self._begun = self._painted = 0.0
        self._paint_since: float | None = None
        self._places: Counter[str] = Counter()
        self._main, self._stop = threading.get_ident(), threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        dispatcher = QAbstractEventDispatcher.instance()
        dispatcher.awake.connect(self._on_turn)
        dispatcher.aboutToBlock.connect(self._on_turn)
        self._sampler.start()

    def close(self) -> None:
        """Watch no more; a second time does nothing."""
        if self._stop.is_set():
            return
        self._what = None
        dispatcher = QAbstractEventDispatcher.instance()
        dispatcher.awake.disconnect(self._on_turn)
        dispatcher.aboutToBlock.disconnect(self._on_turn)
        self._stop.set()
        self._sampler.join()

    @contextmanager
    def watching(self, what: str) -> Iterator[None]:
        """Time what is done in here: an event that is sent, and the turns of any loop that waits."""
        application = QApplication.instance()
        # Not for longer: PySide6 ends the program where it hears of a window that is being taken down.
        application.installEventFilter(self)
        self._what = what
        self._begin()
        try:
            yield
        finally:
            self._end()
            self._what = None
            application.removeEventFilter(self)

    def slow(self, limit_ms: float = LIMIT_MS) -> list[Turn]:
        """Return the turns that took longer."""
        return [turn for turn in self.turns if turn.took_ms > limit_ms]

    def eventFilter(self, _receiver: QObject, event: QEvent) -> bool:
        """See where painting begins, and where the first event after it does."""
        if self._what is not None:
            self._stop_painting()
            if event.type() in _PAINTING:
                self._paint_since = time.thread_time()
        return False

    def _stop_painting(self) -> None:
        if self._paint_since is not None:
            self._painted += time.thread_time() - self._paint_since
            self._paint_since = None

    def _on_turn(self) -> None:
        if self._what is not None:
            self._end()
            self._begin()

    def _begin(self) -> None:
        self._painted, self._paint_since, self._places = 0.0, None, Counter()
        self._begun = time.thread_time()

    def _end(self) -> None:
        self._stop_painting()
        took = 1e3 * (time.thread_time() - self._begun - self._painted)
        self.turns.append(Turn(self._what or "", took, self._places))

    def _sample(self) -> None:
        """Note again and again what the main thread is doing; runs in a thread of its own."""
        while not self._stop.wait(_SAMPLE_S):
            frame = sys._current_frames().get(self._main)
            if self._what is None or frame is None or self._paint_since is not None:
                continue
            stack = traceback.extract_stack(frame)
            ours = [each for each in stack if "napari_bonemarrow" in each.filename]
            own = (
                f"{ours[-1].name} ({ours[-1].filename.rsplit('/', 1)[-1]}:{ours[-1].lineno})" if ours else ""
            )
            last = stack[-1]
            self._places[f"{own} → {last.name} ({last.filename.rsplit('/', 1)[-1]})"] += 1
