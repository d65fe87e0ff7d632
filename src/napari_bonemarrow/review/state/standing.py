"""How a case stands: which reading is active, and what was signed."""

from __future__ import annotations

from dataclasses import replace

from napari_bonemarrow.review.identity.names import same_person, short
from napari_bonemarrow.review.journal.events import Event
from napari_bonemarrow.review.journal.reading import FIRST, KINDS, SECOND, SETTLING, Reading
from napari_bonemarrow.review.journal.signature import Signature
from napari_bonemarrow.review.state.figures import signed_otherwise
from napari_bonemarrow.review.state.permission import NotAllowedError
from napari_bonemarrow.review.state.reading_state import Read, merged
from napari_bonemarrow.review.state.state import State
from napari_bonemarrow.review.state.statement import proof_fails


def begin(state: State, event: Event) -> None:
    """Begin the second reading, which ends the first, or the settling of the two."""
    number, who = event.new["reading"], event.new["reader"]
    _check_begins(state, number, who)
    if number != len(state.reads) + 1 or number not in KINDS:
        raise ValueError(f"line {event.seq} begins reading {number} out of turn")
    reading = Reading(number, who, KINDS[number], event.at, None)
    if number == SECOND:  # what is compared must not move any more
        _mark_ended(state, FIRST, event.at)
        state.reads[number] = Read(reading)
    else:
        first, second = state.reads[FIRST], state.reads[SECOND]
        state.reads[number] = Read(reading, merged(first.labels, second.labels))
        state.reads[number].rest_on(first)
    state.show(number)


def _check_begins(state: State, number: int, who: str) -> None:
    """See that the second reader is another person, and that settling waits for both.

    Raises
    ------
    NotAllowedError
    """
    first = state.reads[FIRST]
    if number == SECOND and (who.casefold() in first.readers or same_person(who, first.reading.reviewer)):
        raise NotAllowedError(f"{short(who)} took part in the first reading and cannot be its second reader")
    if number == SETTLING and state.reads[SECOND].reading.ended_at is None:
        raise NotAllowedError("the second reading had not been ended when the two were settled")


def end(state: State, event: Event) -> None:
    """End a reading; after the second one the first is shown again."""
    number = event.new["reading"]
    _mark_ended(state, number, event.at)
    if number == SECOND:
        state.show(FIRST)


def take_up(state: State, event: Event) -> None:
    """Show a reading. One that was ended goes on, unless another rests on it or it was the blind one."""
    number = event.new["reading"]
    read = state.reads[number]
    if number == max(state.reads) and number != SECOND:
        read.reading = replace(read.reading, ended_at=None)
    state.show(number)


def sign(state: State, event: Event) -> None:
    """Take in a signature; nothing before it is undone any more."""
    if event.new["head"] != event.previous:
        raise NotAllowedError("it signs another state than the one before it")
    if proof_fails(state, event):
        raise NotAllowedError("the key that it names did not sign this")
    if state.replaying:
        state.catch_up()
    differs = signed_otherwise(state, event.new)
    if differs:
        raise NotAllowedError(differs)
    state.signatures.append(Signature.from_json(event.new, event.at, event.seq))
    state.forget_acts()


def amend(state: State, event: Event) -> None:
    """Put the signature in force out of force, and keep it."""
    if state.signature is None or event.old["signature"] != state.signature.seq:
        raise NotAllowedError("it amends a signature that was not in force")
    state.signatures[-1] = replace(state.signatures[-1], amended=event.new["reason"])


def _mark_ended(state: State, number: int, at: str) -> None:
    read = state.reads[number]
    if read.reading.ended_at is None:
        read.reading = replace(read.reading, ended_at=at)
