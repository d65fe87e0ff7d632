"""Replaying a journal into the state of its case, as far as it makes sense."""

from __future__ import annotations

from collections.abc import Sequence

from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.events import Event, Verification
from napari_bonemarrow.review.journal.journal import Journal
from napari_bonemarrow.review.state.permission import NotAllowedError
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
    state, seq = State(), 0
    try:
        with state.replay():
            for event in events:
                seq = event.seq
                state.apply(event, journal.blob)
    except NotAllowedError as error:
        return state, Verification(False, seq, f"line {seq} of the journal was not allowed: {error}")
    except CaseError as error:
        return state, Verification(False, seq, f"line {seq} of the journal cannot be read: {error}")
    except _NONSENSE:
        return state, Verification(
            False, seq, f"line {seq} of the journal makes no sense: it does not fit what stands before it"
        )
    return state, None
