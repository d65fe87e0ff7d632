"""What a signature states: the text that a key signs, and whether the case holds what it says."""

from __future__ import annotations

from collections import Counter

import numpy as np

from napari_bonemarrow.review.identity.signing_key import holds
from napari_bonemarrow.review.journal.documents import SignaturePayload
from napari_bonemarrow.review.journal.events import Event, canonical
from napari_bonemarrow.review.state.cell_table import count_codes
from napari_bonemarrow.review.state.state import State
from napari_bonemarrow.review.state.statistics import counted_rows, tallied, unsettled

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
    said: SignaturePayload = event.new
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


def signed_otherwise(state: State, signed: SignaturePayload) -> str:
    """Return in one line what a signature states that the case does not hold; empty where all fits.

    What is left out of the count is looked at together with what is counted, so that a laboratory's rules
    make no difference here.

    Parameters
    ----------
    state : State
        As it stood when it was signed.
    signed : SignaturePayload
    """
    table, counted = state.table, counted_rows(state)
    of = count_codes(table.code[counted])
    stated = Counter(signed["counts"]) + Counter(signed["excluded"])
    if stated != Counter({code: number for code, number in of.items() if code}):
        return "the signed counts are not those of the cells"
    if sum(signed["counts"].values()) != signed["counted"]:
        return "the signed counts do not add up"
    imported = int(np.count_nonzero(counted & table.imported))
    total, reviewed = int(np.count_nonzero(counted)), int(np.count_nonzero(counted & table.reviewed))
    # Signatures without a key, of older versions, took imported labels for reviewed ones.
    allowed = {reviewed} if "key" in signed else {reviewed, reviewed + imported}
    if signed["reviewed"] + signed["unreviewed"] != total or signed["reviewed"] not in allowed:
        return "the signed number of reviewed cells is not that of the case"
    if (signed["imported"], signed["disagreements"]) != (imported, unsettled(state)):
        return "what the signature says was left to do is not what was left"
    if Counter(signed["tallied"]) != tallied(state) or signed["reading"] != state.reading or state.blind:
        return "the signature is of another reading or tally"
    model = None if state.model is None else {"name": state.model.name, "sha256": state.model.sha256}
    return "" if signed["model"] == model else "the signature names another model"
