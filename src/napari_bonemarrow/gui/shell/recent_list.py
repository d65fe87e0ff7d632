"""The list of recent cases, shown where a case can be opened: on the empty panel and in its menu."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.shell import recent_cases
from napari_bonemarrow.gui.shell.header import HeaderView
from napari_bonemarrow.gui.shell.recent_cases import RecentCase
from napari_bonemarrow.gui.shell.welcome import WelcomeView


class RecentList(QObject):
    """The list of recent cases and its display.

    Parameters
    ----------
    tasks : Tasks
        Checks in a thread whether the smears exist.
    welcome : WelcomeView
    header : HeaderView
    """

    chosen = Signal(object)  # Path
    shown = Signal()
    """Emitted once it is known for each case whether its smear exists."""

    def __init__(self, tasks: Tasks, welcome: WelcomeView, header: HeaderView) -> None:
        super().__init__(tasks)
        self._tasks, self._views = tasks, (welcome, header)
        self._worker: Any = None
        for view in self._views:
            view.recent_chosen.connect(self._on_chosen)
            view.recent_cleared.connect(self.clear)
        self._on = settings.load().remembers_cases

    def note(self, session: Session) -> None:
        """Put an open case into the list, with its current progress."""
        recent_cases.note(session.slide, session.case)
        self.show()

    def clear(self) -> None:
        """Remove every case."""
        recent_cases.forget_all()
        self.show()

    def follow(self, wanted: settings.Settings) -> None:
        """Remove every case if the list was switched off."""
        if wanted.remembers_cases != self._on:
            self._on = wanted.remembers_cases
            if not self._on:
                recent_cases.forget_all()
            self.show()

    def show(self) -> None:
        """Show the list at once, and again when the missing smears are known."""
        cases = recent_cases.recent()
        self._show(cases)
        if self._worker is not None:
            self._tasks.cancel(self._worker)

        def steps() -> Iterator[tuple[RecentCase, ...]]:
            yield recent_cases.with_missing(cases)

        self._worker = self._tasks.run(
            steps, on_step=self._show, on_done=self.shown.emit, on_failed=lambda _error: None
        )

    def _show(self, cases: tuple[RecentCase, ...]) -> None:
        for view in self._views:
            view.show_recent(cases)

    def _on_chosen(self, path: str) -> None:
        self.chosen.emit(Path(path))
