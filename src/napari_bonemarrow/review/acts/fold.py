"""The fold of a journal into the state of its case, up to the first invalid line.

An act on a case writes its event and then applies it here; opening a case applies every event from the
first. Both use `apply`, so the screen shows the same state as reopening does.
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
    counting,
    detection,
    findings,
    label_edits,
    learning,
    model_output,
    readings,
    sample_review,
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
    **counting.EFFECTS,
    **detection.EFFECTS,
    **model_output.EFFECTS,
    **label_edits.EFFECTS,
    **bulk.EFFECTS,
    **learning.EFFECTS,
    **sample_review.EFFECTS,
    **cell_edits.EFFECTS,
    **tally.EFFECTS,
    **findings.EFFECTS,
    **readings.EFFECTS,
    **sign_off.EFFECTS,
}
"""The effect of each kind of event except undo and redo, which refer to another event."""

_NONSENSE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, MemoryError)
"""Exceptions that an invalid line can raise."""


def open_journal(path: Path, read_only: bool, take_over: bool) -> tuple[Journal, State, Verification | None]:
    """Open the journal of a case and fold it.

    Raises
    ------
    CaseError
        If it cannot be opened, or holds an invalid line and is not opened read-only.
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
    """Postpone garbage collection: it would examine each event of a long journal and free none."""
    usual = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if usual:
            gc.enable()


def fold(journal: Journal) -> tuple[State, Verification | None]:
    """Replay a journal up to the first line that is invalid or was not allowed.

    That line and all later ones, which depend on it, are not applied.

    Returns
    -------
    State
    Verification or None
        The first line that was not applied and why; None if all were.

    Raises
    ------
    CaseError
        If even the first line is invalid.
    """
    events = journal.lines.events
    state, trouble = _replayed(journal, events)
    while trouble is not None:
        if trouble.first_bad_seq in (None, events[0].seq):
            raise CaseError(f"{journal.path.name}: {trouble.text}; restore it from a copy")
        events = [event for event in events if event.seq < (trouble.first_bad_seq or 0)]
        state, again = _replayed(journal, events)  # from the start: the line may be partly applied
        if again is None:
            break
        trouble = again
    return state, trouble


def _replayed(journal: Journal, events: Sequence[Event]) -> tuple[State, Verification | None]:
    state, seq = State(journal.blob), 0
    try:
        with state.replay():
            state.learning.expect(events)
            for event in events:
                seq = event.seq
                apply(state, event)
                state.learning.note(state, seq)
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
    """Apply one event to the state.

    Raises
    ------
    NotAllowedError
        If the current case does not allow it, by the same rules as for an act.
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError
        If it does not fit the state of the case.
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
    """Check that the writer of the line was allowed to write it.

    Raises
    ------
    NotAllowedError
    """
    kind = event.kind
    if (kind == EventKind.SLIDE_OPENED) != (event.seq == 1):
        raise NotAllowedError("a journal begins with its slide, and has one")
    if not state.signatures and len(state.reads) == 1 and state.read.reading.ended_at is None:
        return  # nothing is refused yet; saves time over tens of thousands of lines
    if kind == EventKind.UNDO and state.undoable:
        kind = state.undoable[-1].kind
    elif kind == EventKind.REDO and state.redoable:
        kind = state.redoable[-1].kind
    refused = refusal(state, kind, event.reviewer)
    if refused:
        raise NotAllowedError(refused.rpartition(": ")[0] or refused)  # without the advice to the user


def _note_reader(state: State, event: Event) -> None:
    """Record who reads."""
    read = state.read
    if is_imported(event.source):
        return
    read.names.add(event.reviewer)
    name = event.reviewer.casefold()
    if name not in read.readers:
        if not read.readers and state.reading == FIRST:  # the slide may be opened by another person
            read.reading = replace(read.reading, reviewer=event.reviewer)
        read.readers.add(name)


def _do(state: State, event: Event) -> None:
    if EVENT_SPECS[event.kind].on_cells and not state.table.existing.issuperset(event.cells):
        raise ValueError(f"line {event.seq} is about a cell that is not there")
    EFFECTS[event.kind].apply(state, event)


def _revert(state: State, event: Event) -> None:
    revert = EFFECTS[event.kind].revert
    assert revert is not None  # only undoable acts are on the stack
    revert(state, event)


def _pop(stack: list[Event], event: Event) -> Event:
    if not stack or stack[-1].seq != event.refers or stack[-1].cells != event.cells:
        raise ValueError(f"line {event.seq} takes back what was not the last act")
    return stack.pop()
