"""Rules for the acts that a case allows: a signature freezes it, and a reading has its reader.

The rules are applied before an act is written, and again to each line when a journal is replayed: a line that
this program would have refused was written by another program.
"""

from __future__ import annotations

from napari_bonemarrow.review.identity.names import same_person, short
from napari_bonemarrow.review.journal.event_specs import EVENT_SPECS, EventKind
from napari_bonemarrow.review.journal.reading import FIRST, SECOND
from napari_bonemarrow.review.state.state import State


class NotAllowedError(ValueError):
    """The error for a journal line that its case did not allow; one line for the user."""


def refusal(state: State, kind: EventKind, reviewer: str) -> str:
    """Return in one line why a kind of act is refused; empty if it is allowed.

    Parameters
    ----------
    state : State
    kind : EventKind
        For an undo or redo, the kind of the act it refers to.
    reviewer : str
        Name of the person who would act.
    """
    spec, signature = EVENT_SPECS[kind], state.signature
    if signature is not None and not spec.after_signature:
        return (
            f"the case was signed by {short(signature.name)} on {signature.at[:10]}: "
            "start an amendment to change it"
        )
    if kind is EventKind.COUNTING_RULES_SET and SECOND in state.reads:
        return "both readers count by the same rules: they stay as they were when the second reading began"
    if spec.changes_sample and SECOND in state.reads:
        return "both readers read the same cells: they stay as they were when the second reading began"
    if spec.changes_sample and kind is not EventKind.SAMPLE_BEGUN and in_sample(state):
        return (
            "a sample of the cells is being reviewed, so they stay as they are: name such a cell ART or NIF, "
            "or review all cells instead"
        )
    if kind is EventKind.READING_BEGUN and in_sample(state):
        return "a sample is read by one person: review all cells instead before a second reading"
    if spec.in_reading:
        return _not_this_reader(state, reviewer)
    return ""


def in_sample(state: State) -> bool:
    """Return whether a sample of the cells is reviewed, not all of them."""
    return state.sample is not None and not state.sample.widened


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
