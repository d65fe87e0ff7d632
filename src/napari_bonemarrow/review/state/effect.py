"""What a line of a journal does to the state of its case, and how that is taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.events import Event
from napari_bonemarrow.review.state.state import State


class Effect(NamedTuple):
    """What a kind of event does to the state.

    Attributes
    ----------
    apply : callable
        Takes an event in. It raises where the event fits nothing that the case holds.
    revert : callable or None
        Takes it back; None where undo does not.
    """

    apply: Callable[[State, Event], None]
    revert: Callable[[State, Event], None] | None = None


Effects = Mapping[EventKind, Effect]
