"""The fold of a journal into the state of its case, as far as it makes sense.

An act on a case writes its event and then applies it here; opening a case applies every event from the
first. Both go through `apply`, so what the screen shows is what reopening gives.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from napari_bonemarrow.review.acts import (
    bulk,
    cell_edits,
    detection,
    label_edits,
    model_output,
    readings,
    sampling,
    sign_off,
    slide_file,
    tally,
)
from napari_bonemarrow.review.acts.permission import NotAllowedError, refusal
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.event_specs import EVENT_SPECS, EventKind
from napari_bonemarrow.review.journal.events import Event, Verification
from napari_bonemarrow.review.journal.journal import Journal
from napari_bonemarrow.review.journal.reading import FIRST
from napari_bonemarrow.review.journal.sources import is_imported
from napari_bonemarrow.review.state.effect import Effects
from napari_bonemarrow.review.state.state import State

EFFECTS: Effects = {
    **slide_file.EFFECTS,
    **sampling.EFFECTS,
    **detection.EFFECTS,
    **model_output.EFFECTS,
    **label_edits.EFFECTS,
    **bulk.EFFECTS,
    **cell_edits.EFFECTS,
    **tally.EFFECTS,
    **readings.EFFECTS,
    **sign_off.EFFECTS,
}
"""What each kind of event does, but undo and redo, which are about another one."""

_NONSENSE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, MemoryError)
"""What a line that fits nothing can raise."""


def open_journal(path: Path, read_only: bool, take_over: bool) -> tuple[Journal, State, Verification | None]:
    """Open the journal of a case and fold it.

    Raises
    ------
    CaseError
        Where it cannot be opened, or holds a line that is not taken in and is not only read.
    """
    with _no_collection():
        journal = Journal(path, read_only=read_only, take_over=take_over)
        try:
            state, trouble = fold(journal)
            if trouble is not None and not read_only:
                raise CaseError(
                    f"{path.name}: {trouble.text}. Open it read-only to look at it, or restore it from a copy"
                )
        except BaseException:
            journal.close()
            raise
    return journal, state, trouble


@contextmanager
def _no_collection() -> Iterator[None]:
    """Put off collecting garbage: none of a long journal's events is any, and each is looked at for it."""
    usual = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if usual:
            gc.enable()


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
    kind, spec = event.kind, EVENT_SPECS[event.kind]
    _check_allowed(state, event)
    read = state.read
    if spec.in_reading:
        if event.reading != state.reading:
            raise ValueError(f"line {event.seq} belongs to a reading that was not active")
        if event.reviewer not in read.names:
            _note_reader(state, event)
    if kind == EventKind.UNDO:
        act = _pop(read.undoable, event)
        _revert(state, act)
        read.redoable.append(act)
    elif kind == EventKind.REDO:
        act = _pop(read.redoable, event)
        _do(state, act)
        read.undoable.append(act)
    else:
        _do(state, event)
        if spec.undoable:
            read.undoable.append(event)
            read.redoable.clear()


def _check_allowed(state: State, event: Event) -> None:
    """See that whoever wrote the line was allowed to.

    Raises
    ------
    NotAllowedError
    """
    kind = event.kind
    if (kind == EventKind.SLIDE_OPENED) != (event.seq == 1):
        raise NotAllowedError("a journal begins with its slide, and has one")
    if not state.signatures and len(state.reads) == 1 and state.read.reading.ended_at is None:
        return  # nothing is refused yet, and a journal has tens of thousands of lines
    if kind == EventKind.UNDO and state.undoable:
        kind = state.undoable[-1].kind
    elif kind == EventKind.REDO and state.redoable:
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
    if EVENT_SPECS[event.kind].on_cells and not state.table.existing.issuperset(event.cells):
        raise ValueError(f"line {event.seq} is about a cell that is not there")
    EFFECTS[event.kind].apply(state, event)


def _revert(state: State, event: Event) -> None:
    revert = EFFECTS[event.kind].revert
    assert revert is not None  # only what can be taken back is put on the stack
    revert(state, event)


def _pop(stack: list[Event], event: Event) -> Event:
    if not stack or stack[-1].seq != event.refers or stack[-1].cells != event.cells:
        raise ValueError(f"line {event.seq} takes back what was not the last act")
    return stack.pop()
