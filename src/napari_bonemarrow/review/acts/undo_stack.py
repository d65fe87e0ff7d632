"""Undo and redo of a reviewer's last act."""

from __future__ import annotations

from napari_bonemarrow.review.acts.core import CaseCore
from napari_bonemarrow.review.acts.permission import refusal
from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.events import Change, Draft, Event


class UndoStack:
    """The acts that can be taken back or repeated."""

    def __init__(self, core: CaseCore) -> None:
        self._core, self._state = core, core.state

    @property
    def can_undo(self) -> bool:
        """Return whether there is an act to take back."""
        return self._can_turn(self._state.undoable)

    @property
    def can_redo(self) -> bool:
        """Return whether there is an act to repeat."""
        return self._can_turn(self._state.redoable)

    def undo(self) -> Change | None:
        """Take back a reviewer's last act; None if there is none.

        The journal keeps the act and adds a line that takes it back, so it works after reopening too.
        """
        return self._turn(EventKind.UNDO, self._state.undoable)

    def redo(self) -> Change | None:
        """Repeat the act last taken back, with its name and time; None if there is none."""
        return self._turn(EventKind.REDO, self._state.redoable)

    def _can_turn(self, stack: list[Event]) -> bool:
        core = self._core
        return (
            bool(stack)
            and not core.journal.read_only
            and not refusal(core.state, stack[-1].kind, core.reviewer)
        )

    def _turn(self, kind: EventKind, stack: list[Event]) -> Change | None:
        if not stack:
            return None
        act = stack[-1]
        old, new = (act.new, act.old) if kind is EventKind.UNDO else (act.old, act.new)
        return self._core.act(Draft(kind, act.cells, old, new, refers=act.seq), of=act.kind)
