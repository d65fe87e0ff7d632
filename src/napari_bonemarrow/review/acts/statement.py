"""The statement of a signature: the text that a key signs, and its comparison with the case."""

from __future__ import annotations

from collections import Counter

import numpy as np

from napari_bonemarrow.review.identity.signing_key import holds
from napari_bonemarrow.review.journal.documents import SignaturePayload, SignedEstimate
from napari_bonemarrow.review.journal.events import Event, canonical
from napari_bonemarrow.review.state.cell_table import count_codes
from napari_bonemarrow.review.state.state import State
from napari_bonemarrow.review.state.statistics import counted_rows, estimated, tallied, unsettled

FORM = "napari-bonemarrow signature 1"
"""Name of the text's form, so that a signature of one form is never taken for one of another."""
_PLACES = 2
"""Decimals of a signed percentage: beyond what the arithmetic of another computer could change."""
_OF_THE_PROOF = frozenset({"key", "timestamp"})


def statement(state: State, event: Event, public: str) -> bytes:
    """Return the signed text: canonical JSON, UTF-8.

    It holds the case, its slide, the line with its number, time and writer, the content of the signature
    (counts, name, reason, model, the hash of the line before) and the public key.

    Parameters
    ----------
    state : State
        The state before the line.
    event : Event
        The line of the signature; its hash is ignored.
    public : str
        The signing key.
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
    """Return whether a line's signature was not made by the key it names; False without a key."""
    key = event.new.get("key")
    return key is not None and not holds(key["public"], key["proof"], statement(state, event, key["public"]))


def signed_estimate(state: State) -> SignedEstimate | None:
    """Return what a signature says of the sample under review; None if all cells are."""
    found = estimated(state)
    if found is None:
        return None
    return {
        "method": found.method,
        "frame": found.frame,
        "reviewed": found.reviewed,
        "seed": found.seed,
        "shares": {
            row.code: {
                "percent": None if row.percent is None else round(row.percent, _PLACES),
                "ci95": [round(limit, _PLACES) for limit in row.ci95],
                "seen": row.seen,
            }
            for row in (*found.classes, *found.groups)
        },
    }


def _figures(estimate: SignedEstimate | None) -> object:
    """Return an estimate without the words for its method."""
    return None if estimate is None else {name: each for name, each in estimate.items() if name != "method"}


def signed_otherwise(state: State, signed: SignaturePayload) -> str:
    """Return in one line how a signature differs from the case; empty if it does not.

    Cells left out of the count are compared together with those counted, so that a laboratory's rules
    make no difference here.

    Parameters
    ----------
    state : State
        The state when it was signed.
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
    # Signatures without a key, by older versions, counted imported labels as reviewed ones.
    allowed = {reviewed} if "key" in signed else {reviewed, reviewed + imported}
    if signed["reviewed"] + signed["unreviewed"] != total or signed["reviewed"] not in allowed:
        return "the signed number of reviewed cells is not that of the case"
    if (signed["imported"], signed["disagreements"]) != (imported, unsettled(state)):
        return "what the signature says was left to do is not what was left"
    if Counter(signed["tallied"]) != tallied(state) or signed["reading"] != state.reading or state.blind:
        return "the signature is of another reading or tally"
    if signed["rules"] not in (state.profile.name, state.profile.title):
        return "the signature names other counting rules than the case"
    if _figures(signed.get("estimate")) != _figures(signed_estimate(state)):
        return "the signed estimate is not that of the sample"
    model = None if state.model is None else {"name": state.model.name, "sha256": state.model.sha256}
    return "" if signed["model"] == model else "the signature names another model"
