"""What a signing key signs: everything that a signature says, over the journal up to there, as one text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_bonemarrow.review.identity.signing_key import holds
from napari_bonemarrow.review.journal.events import Event, canonical
from napari_bonemarrow.review.state.state import State

FORM = "napari-bonemarrow signature 1"
"""Names the form of the text, so that a signature of one form is never taken for one of another."""
_OF_THE_PROOF = frozenset({"key", "timestamp"})


def statement(state: State, event: Event, public: str) -> bytes:
    """Return the text that is signed: canonical JSON, UTF-8.

    It holds the case, its slide, the line with its number, time and writer, all that the signature states
    (counts, name, reason, model, the hash of the line before) and the public key.

    Parameters
    ----------
    state : State
        As it stands before the line.
    event : Event
        The line of the signature; its hash is not looked at.
    public : str
        The key that signs.
    """
    said: Mapping[str, Any] = event.new
    text = {
        "form": FORM,
        "case": state.case_id,
        "slide": None if state.slide is None else state.slide.fingerprint,
        "seq": event.seq,
        "at": event.at,
        "clock": event.clock,
        "reviewer": event.reviewer,
        "previous": event.previous,
        "signed": {name: value for name, value in said.items() if name not in _OF_THE_PROOF},
        "key": public,
    }
    return canonical(text).encode()


def proof_fails(state: State, event: Event) -> bool:
    """Tell whether a line's signature names a key that did not make it; one without a key fails nothing."""
    key = event.new.get("key")
    return key is not None and not holds(key["public"], key["proof"], statement(state, event, key["public"]))
