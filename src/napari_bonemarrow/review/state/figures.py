"""The figures of a case that a signature states, and whether one states those of the case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.review.state.cell_table import count_codes
from napari_bonemarrow.review.state.state import State


def counted_rows(state: State) -> NDArray[np.bool_]:
    """Tell which rows of the table are counted: none while the frame is not set."""
    table = state.table
    return table.counted() if state.frame is not None else np.zeros(len(table), bool)


def unsettled(state: State) -> int:
    """Return on how many counted cells two readers differ and nobody has settled it."""
    rows = state.table.rows(state.disagreements())
    there = rows >= 0
    return int(np.count_nonzero(counted_rows(state)[rows[there]]))


def tallied(state: State) -> Counter[str]:
    """Return how many cells of each class were counted by eye in the active reading."""
    return sum(state.read.tallies, Counter())


def signed_otherwise(state: State, signed: Mapping[str, Any]) -> str:
    """Return in one line what a signature states that the case does not hold; empty where all fits.

    What is left out of the count is looked at together with what is counted, so that a laboratory's rules
    make no difference here.

    Parameters
    ----------
    state : State
        As it stood when it was signed.
    signed : mapping
        JSON of the signature.
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
