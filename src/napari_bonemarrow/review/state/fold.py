"""The fold of a journal into the state of its case, as far as it makes sense.

An act on a case writes its event and then applies it here; opening a case applies every event from the
first. Both go through `apply`, so what the screen shows is what reopening gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.events import (
    ON_CELLS,
    READING,
    UNDOABLE,
    Event,
    Kind,
    Verification,
    is_imported,
)
from napari_bonemarrow.review.journal.journal import Journal
from napari_bonemarrow.review.journal.reading import FIRST
from napari_bonemarrow.review.state.acts import DO, TAKE_BACK
from napari_bonemarrow.review.state.permission import NotAllowedError, refusal
from napari_bonemarrow.review.state.state import State

_NONSENSE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, MemoryError)
"""What a line that fits nothing can raise."""


def fold(journal: Journal) -> tuple[State, Verification | None]:
    """Replay a journal up to the first line that does not make sense or was not allowed.

    Nothing of such a line or of those behind it is taken in: they hang on it.

    Returns
    -------
    State
    Verification or None
        Which line it is and why it is not taken in; None where all were.

    Raises
    ------
    CaseError
        Where not even the first line makes sense.
    """
    events = journal.lines.events
    state, trouble = _replayed(journal, events)
    while trouble is not None:
        if trouble.first_bad_seq in (None, events[0].seq):
            raise CaseError(f"{journal.path.name}: {trouble.text}; restore it from a copy")
        events = [event for event in events if event.seq < (trouble.first_bad_seq or 0)]
        state, again = _replayed(journal, events)  # from the start: the line may be half taken in
        if again is None:
            break
        trouble = again
    return state, trouble


def _replayed(journal: Journal, events: Sequence[Event]) -> tuple[State, Verification | None]:
    state, seq = State(journal.blob), 0
    try:
        with state.replay():
            for event in events:
                seq = event.seq
                apply(state, event)
    except NotAllowedError as error:
        return state, Verification(False, seq, f"line {seq} of the journal was not allowed: {error}")
    except CaseError as error:
        return state, Verification(False, seq, f"line {seq} of the journal cannot be read: {error}")
    except _NONSENSE:
        return state, Verification(
            False, seq, f"line {seq} of the journal makes no sense: it does not fit what stands before it"
        )
    return state, None


def apply(state: State, event: Event) -> None:
    """Take one event in.

    Raises
    ------
    NotAllowedError
        Where the case as it stands does not allow it, by the same rules as an act.
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError
        Where it fits nothing that the case holds.
    """
    kind = event.kind
    _check_allowed(state, event)
    read = state.read
    if kind in READING:
        if event.reading != state.reading:
            raise ValueError(f"line {event.seq} belongs to a reading that was not active")
        if event.reviewer not in read.names:
            _note_reader(state, event)
    if kind == Kind.UNDO:
        act = _pop(read.undoable, event)
        TAKE_BACK[act.kind](state, act)
        read.redoable.append(act)
    elif kind == Kind.REDO:
        act = _pop(read.redoable, event)
        _do(state, act)
        read.undoable.append(act)
    else:
        _do(state, event)
        if kind in UNDOABLE:
            read.undoable.append(event)
            read.redoable.clear()


def _check_allowed(state: State, event: Event) -> None:
    """See that whoever wrote the line was allowed to.

    Raises
    ------
    NotAllowedError
    """
    kind = event.kind
    if (kind == Kind.SLIDE_OPENED) != (event.seq == 1):
        raise NotAllowedError("a journal begins with its slide, and has one")
    if not state.signatures and len(state.reads) == 1 and state.read.reading.ended_at is None:
        return  # nothing is refused yet, and a journal has tens of thousands of lines
    if kind == Kind.UNDO and state.undoable:
        kind = state.undoable[-1].kind
    elif kind == Kind.REDO and state.redoable:
        kind = state.redoable[-1].kind
    refused = refusal(state, kind, event.reviewer)
    if refused:
        raise NotAllowedError(refused.rpartition(": ")[0] or refused)  # without advice to who acts


def _note_reader(state: State, event: Event) -> None:
    """Keep who reads."""
    read = state.read
    if is_imported(event.source):
        return
    read.names.add(event.reviewer)
    name = event.reviewer.casefold()
    if name not in read.readers:
        if not read.readers and state.reading == FIRST:  # whoever opened the slide need not read it
            read.reading = replace(read.reading, reviewer=event.reviewer)
        read.readers.add(name)


def _do(state: State, event: Event) -> None:
    if event.kind in ON_CELLS and not state.table.existing.issuperset(event.cells):
        raise ValueError(f"line {event.seq} is about a cell that is not there")
    DO[event.kind](state, event)


def _pop(stack: list[Event], event: Event) -> Event:
    if not stack or stack[-1].seq != event.refers or stack[-1].cells != event.cells:
        raise ValueError(f"line {event.seq} takes back what was not the last act")
    return stack.pop()
