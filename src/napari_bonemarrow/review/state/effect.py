"""The effect of a journal line on the state of its case, and its reversal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.events import Event
from napari_bonemarrow.review.state.state import State


class Effect(NamedTuple):
    """The effect of a kind of event on the state.

    Attributes
    ----------
    apply : callable
        Applies an event. It raises if the event does not fit the case.
    revert : callable or None
        Reverts it; None if it cannot be undone.
    """

    apply: Callable[[State, Event], None]
    revert: Callable[[State, Event], None] | None = None


Effects = Mapping[EventKind, Effect]
