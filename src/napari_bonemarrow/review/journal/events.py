"""The events of a journal, their canonical form and their hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from napari_bonemarrow.review.journal.event_specs import EVENT_SPECS, EventKind
from napari_bonemarrow.review.journal.sources import is_imported

GENESIS = "0" * 64
"""The hash before the first event."""


_TO_REFERS = itemgetter("seq", "at", "reviewer", "kind", "slide", "cells", "old", "new", "source", "refers")
"""Returns the fields that every line has, in their order."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before the journal has given it a number, a time and a hash."""

    kind: EventKind
    cells: tuple[int, ...] = ()
    old: Any = None
    new: Any = None
    source: str = "reviewer"
    refers: int | None = None
    slide: int = 1
    reading: int = 1
    time: tuple[str, str | None] | None = None
    """Its time, and the time of a clock that was set back, if fixed before writing."""


class Event(NamedTuple):
    """One line of the journal.

    Attributes
    ----------
    seq : int
        1, 2, 3, … without gaps.
    at : str
        UTC, ISO 8601 with milliseconds and ``Z``; never earlier than the event before it.
    reviewer : str
    kind : EventKind
    slide : int
    cells : tuple of int
        The cells that it concerns.
    old, new : JSON value
        The old and the new value: of the type that `EVENT_SPECS` names for the kind.
    source : str
        ``reviewer``, ``model:<sha256>``, ``detector``, ``rule``, ``import`` or ``import:<sha256>``.
    refers : int or None
        The event that an undo or redo refers to.
    clock : str or None
        The time of the computer's clock, if it had been set back.
    previous, hash : str
        SHA-256 of the event before, and of this one.
    reading : int
        The reading it belongs to. It is written to the journal only if it is not the first.
    """

    seq: int
    at: str
    reviewer: str
    kind: EventKind
    slide: int
    cells: tuple[int, ...]
    old: Any
    new: Any
    source: str
    refers: int | None
    clock: str | None
    previous: str
    hash: str
    reading: int = 1

    @classmethod
    def from_body(cls, body: str, digest: str) -> Event:
        """Read back a line of this program."""
        fields = json.loads(body)
        return cls.from_fields({**fields, "cells": tuple(fields["cells"])}, digest)

    @classmethod
    def from_fields(cls, fields: dict[str, Any], digest: str) -> Event:
        """Make an event from a line that was read and is well-formed; see `line_schema.read_line`."""
        seq, at, reviewer, kind, *rest = _TO_REFERS(fields)
        end = fields.get("clock"), fields["previous"], digest, fields.get("reading", 1)
        return cls._make((seq, at, reviewer, EventKind(kind), *rest, *end))


@dataclass(frozen=True, slots=True)
class Label:
    """The class that a reviewer gave a cell.

    Attributes
    ----------
    code : str
    by : str
        The reviewer.
    at : str
        UTC, ISO 8601.
    source : str
        ``reviewer``, ``rule``, ``import`` or ``import:<sha256>`` with the hash of the file it came from.
    """

    code: str
    by: str
    at: str
    source: str

    @property
    def imported(self) -> bool:
        """Return whether it came with the data, so that no reviewer has seen the cell."""
        return is_imported(self.source)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a cell, or on the slide if ``cell_id`` is None."""

    cell_id: int | None
    text: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Change:
    """The argument of `Case.changed` after an act is on disk.

    Attributes
    ----------
    kind : EventKind
    cell_ids : tuple of int
        The cells concerned.
    of : EventKind or None
        The kind of the act that an undo or redo took back or repeated.
    """

    kind: EventKind
    cell_ids: tuple[int, ...]
    of: EventKind | None = None

    @property
    def act(self) -> EventKind:
        """Return the kind of the act that was done, taken back or repeated."""
        return self.of or self.kind


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of checking that a journal is unchanged.

    Attributes
    ----------
    ok : bool
    first_bad_seq : int or None
        The first wrong line; None if all are right, or if the fault is not in a line.
    text : str
        One line.
    """

    ok: bool
    first_bad_seq: int | None
    text: str


def text_of(event: Event, cell_id: int) -> str:
    """Return a description of an event for one of its cells."""
    text = EVENT_SPECS[event.kind].text
    if text is None:
        return str(event.kind)
    return text(event.old, event.new, event.cells.index(cell_id), event.source)


def canonical(value: Any) -> str:
    """Return the canonical JSON text of a value: sorted keys, no blanks, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(data: bytes | memoryview) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
