"""Which acts a case allows now: a signature freezes it, and a reading has its reader.

An act asks before it is written, and replaying a journal asks again for each line: a line that this program
would have refused to write was written by something else.
"""

from __future__ import annotations

from napari_bonemarrow.review.identity.names import same_person, short
from napari_bonemarrow.review.journal.event_specs import EVENT_SPECS, EventKind
from napari_bonemarrow.review.journal.reading import FIRST, SECOND
from napari_bonemarrow.review.state.state import State


class NotAllowedError(ValueError):
    """A line of a journal that the case as it stood did not allow; one line for the user."""


def refusal(state: State, kind: EventKind, reviewer: str) -> str:
    """Return why an act of some kind is refused, in one line; empty where it is allowed.

    Parameters
    ----------
    state : State
    kind : EventKind
        Of an undo or redo, the kind of the act it is about.
    reviewer : str
        Who would act.
    """
    spec, signature = EVENT_SPECS[kind], state.signature
    if signature is not None and not spec.after_signature:
        return (
            f"the case was signed by {short(signature.name)} on {signature.at[:10]}: "
            "start an amendment to change it"
        )
    if spec.changes_sample and SECOND in state.reads:
        return "both readers read the same cells: they stay as they were when the second reading began"
    if spec.in_reading:
        return _not_this_reader(state, reviewer)
    return ""


def _not_this_reader(state: State, reviewer: str) -> str:
    reading = state.read.reading
    if reading.ended_at is not None:
        what = "settle the two readings" if SECOND in state.reads else "take it up again"
        return f"the {reading.kind} reading was ended: {what} to change classes"
    if state.reading == SECOND and not same_person(reviewer, reading.reviewer):
        return (
            f"this is the blind reading of {short(reading.reviewer)}: work under that name, "
            f"or go to reading {FIRST}"
        )
    return ""
