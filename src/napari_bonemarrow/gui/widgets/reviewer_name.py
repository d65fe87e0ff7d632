"""Name of the reviewer, asked for once in the panel and never taken from the login."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.widgets.reviewer_name_part import ReviewerNamePart

UNNAMED = "not named yet"
"""Name of a case's reviewer before the question is answered; no label has it."""


class ReviewerName(QObject):
    """The reviewer's name, and the acts that wait for it.

    Parameters
    ----------
    part : ReviewerNamePart
    parent : QObject
    """

    changed = Signal(str)

    def __init__(self, part: ReviewerNamePart, parent: QObject) -> None:
        super().__init__(parent)
        self._part = part
        self._waiting: Callable[[], None] | None = None
        self._given = ""
        part.named.connect(self.take)
        part.left.connect(self._on_left)

    @property
    def known(self) -> bool:
        """Return whether the reviewer is known."""
        return bool(self._given or settings.reviewer())

    @property
    def text(self) -> str:
        """Return the name, `UNNAMED` before it is known."""
        return self._given or settings.reviewer() or UNNAMED

    def use(self, name: str) -> None:
        """Use a name in this window only, as in the demo."""
        self._given = name

    def offer(self) -> None:
        """Show the question if it is not answered yet; the focus does not move."""
        if not self.known:
            self._part.ask(focus=False)

    def ask(self) -> None:
        """Ask again for another reviewer."""
        self._part.ask(self.text if self.known else "")

    def over(self, act: Callable[[], None]) -> None:
        """Do an act at once if the name is known, else once it is."""
        if self.known:
            act()
            return
        self._waiting = act
        self._part.ask()

    def forget(self) -> None:
        """Drop a waiting act whose case is left."""
        self._waiting = None

    def take(self, name: str) -> None:
        """Remember the name, and do the waiting act."""
        self._given = ""
        settings.set_reviewer(name)
        if not settings.reviewer():  # a read-only home
            self._given = name
        act, self._waiting = self._waiting, None
        self.changed.emit(name)
        if act is not None:
            act()

    def _on_left(self) -> None:
        self._waiting = None
        if self.known:
            self._part.hide()
