"""What the Review tab says of the learning from reviewed cells (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass

from napari_bonemarrow.review import Case

LAST = 50
"""Number of labels over which model and lessons are compared."""
FEWEST = 5
"""Labels before which nothing is said of them."""


@dataclass(frozen=True, slots=True)
class TeachingInfo:
    """The learning from reviewed cells.

    Attributes
    ----------
    text : str
        One line; empty while there is nothing to say.
    on : bool
        Whether what is taught may predict.
    can_switch : bool
    """

    text: str
    on: bool
    can_switch: bool


def teaching_info(case: Case) -> TeachingInfo:
    """Return what is said of the learning in a case; nothing of it in a blind reading."""
    learning = case.learning
    free = not (case.read_only or case.is_signed or case.is_blind)
    if case.is_blind:
        return TeachingInfo("", learning.on, False)
    return TeachingInfo(_text(case), learning.on, free)


def _text(case: Case) -> str:
    learning = case.learning
    told = learning.prequential
    if told is None or len(told) < FEWEST:
        if learning.serves and learning.laboratory_name:
            return f"begins with what {learning.laboratory_name} taught"
        return ""
    if not learning.on:
        return "what you teach is off: the model alone predicts"
    last = told.last(LAST)
    alone = f"{100 * last.bundle.mean():.0f} %"
    if not learning.serves:
        return f"model alone: {alone} of the last {len(last)}; what you taught does not help yet"
    return f"last {len(last)}: model alone {alone}, with what you taught {100 * last.head.mean():.0f} %"
