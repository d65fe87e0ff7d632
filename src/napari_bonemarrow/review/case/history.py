"""Read access to the journal of a case."""

from __future__ import annotations

from napari_bonemarrow.cytology.messages import counted_message
from napari_bonemarrow.review.acts.core import CaseCore
from napari_bonemarrow.review.journal.event_specs import EVENT_SPECS
from napari_bonemarrow.review.journal.events import Event


class History:
    """The lines of a case's journal."""

    def __init__(self, core: CaseCore) -> None:
        self._core = core

    def events(self) -> list[Event]:
        """Return the journal, oldest event first. For one cell's lines, `of_cell` is faster."""
        return self._core.journal.events

    @property
    def last(self) -> Event:
        """Return the newest line of the journal."""
        return self._core.journal.lines.last

    def of_cell(self, cell_id: int) -> list[Event]:
        """Return reviewers' acts on one cell, oldest first; in a blind reading only its own."""
        state, found = self._core.state, self._core.journal.lines.of_cell(cell_id)
        if not state.blind:
            return found
        return [
            event for event in found if event.reading == state.reading or EVENT_SPECS[event.kind].reshapes
        ]

    def date_in_doubt(self, seq: int) -> bool:
        """Return whether the computer's clock, and so the date of a line, may have been wrong.

        Times in the journal never go back: after a clock was ahead, a line takes the time of the line
        before it and notes the clock's time.
        """
        lines = [line for line in self._core.journal.lines.events if line.seq >= seq]
        at = lines[0].at if lines else ""
        return any(line.clock is not None and (line.seq == seq or line.clock < at) for line in lines)

    @property
    def clock_note(self) -> str:
        """Return a line if the computer's clock was set back during work on the case, else an empty one."""
        back = [line.seq for line in self._core.journal.lines.events if line.clock is not None]
        if not back:
            return ""
        return counted_message(
            "the computer's clock had been set back at {n} line: dates about line {first} may be wrong",
            "the computer's clock had been set back at {n} lines: dates about line {first} may be wrong",
            len(back),
            first=back[0],
        )
