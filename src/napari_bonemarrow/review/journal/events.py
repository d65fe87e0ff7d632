"""What a journal holds: events, their canonical form and their hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import Any, NamedTuple

GENESIS = "0" * 64
"""The hash that stands before the first event."""

IMPORTED = "import"
"""Source of a label that came with the data: no reviewer has seen the cell. The file's hash may follow."""


def is_imported(source: str) -> bool:
    """Tell of a source whether it is data: ``import``, or ``import:`` with the SHA-256 of the file."""
    return source == IMPORTED or source.startswith(f"{IMPORTED}:")


class Kind(StrEnum):
    """What an event did. Later versions add kinds; none is ever renamed."""

    SLIDE_OPENED = "slide opened"
    SLIDE_MOVED = "slide moved"
    SCALE_CONFIRMED = "scale confirmed"
    FRAME_SET = "region and target set"
    REGIONS_RANKED = "regions ranked"
    TILES_SEARCHED = "tiles searched"
    DETECTOR_RUN = "detector run"
    SEARCH_DISCARDED = "search discarded"
    MODEL_RUN = "model run"
    CELL_ADDED = "cell added"
    CELL_REMOVED = "cell removed"
    CELL_SPLIT = "cell split"
    CELLS_MERGED = "cells merged"
    LABEL_SET = "label set"
    LABEL_CLEARED = "label cleared"
    LABELS_IMPORTED = "labels imported"
    TAG_SET = "tag set"
    TAG_CLEARED = "tag cleared"
    COMMENT = "comment"
    FLAG_SET = "flag set"
    FLAG_CLEARED = "flag cleared"
    BULK_RULE = "bulk rule"
    READING_BEGUN = "reading begun"
    READING_ENDED = "reading ended"
    READING_TAKEN_UP = "reading taken up"
    SIGNED = "signed"
    AMENDED = "amended"
    TALLIED = "tallied"
    TALLY_FIELD_BEGUN = "tally field begun"
    FEATURES_RECORDED = "features recorded"
    MAP_RECORDED = "map recorded"
    UNDO = "undo"
    REDO = "redo"


UNDOABLE = frozenset(
    {
        Kind.CELL_ADDED,
        Kind.CELL_REMOVED,
        Kind.CELL_SPLIT,
        Kind.CELLS_MERGED,
        Kind.LABEL_SET,
        Kind.LABEL_CLEARED,
        Kind.LABELS_IMPORTED,
        Kind.TAG_SET,
        Kind.TAG_CLEARED,
        Kind.FLAG_SET,
        Kind.FLAG_CLEARED,
        Kind.BULK_RULE,
        Kind.TALLIED,
        Kind.TALLY_FIELD_BEGUN,
    }
)
"""A reviewer's acts that `undo` takes back. A new detection or a signature empties the undo stack."""

READING = UNDOABLE | {Kind.COMMENT, Kind.UNDO, Kind.REDO}
"""What a reader does within a reading."""

ON_CELLS = frozenset(
    {
        Kind.LABEL_SET,
        Kind.LABEL_CLEARED,
        Kind.LABELS_IMPORTED,
        Kind.TAG_SET,
        Kind.TAG_CLEARED,
        Kind.FLAG_SET,
        Kind.FLAG_CLEARED,
        Kind.BULK_RULE,
        Kind.COMMENT,
        Kind.CELL_REMOVED,
    }
)
"""Acts on cells, all of which exist."""

RESHAPING = frozenset(
    {
        Kind.CELL_ADDED,
        Kind.CELL_REMOVED,
        Kind.CELL_SPLIT,
        Kind.CELLS_MERGED,
        Kind.DETECTOR_RUN,
        Kind.SEARCH_DISCARDED,
    }
)
"""What adds or removes cells. Of an undo or redo, look at `Change.of`."""

OF_READINGS = frozenset({Kind.READING_BEGUN, Kind.READING_ENDED, Kind.READING_TAKEN_UP})
"""What changes which reading is shown, and with it any cell."""


_TO_REFERS = itemgetter("seq", "at", "reviewer", "kind", "slide", "cells", "old", "new", "source", "refers")
"""Takes the fields of an event, in their order, that every line has."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before the journal has given it a number, a time and a hash."""

    kind: Kind
    cells: tuple[int, ...] = ()
    old: Any = None
    new: Any = None
    source: str = "reviewer"
    refers: int | None = None
    slide: int = 1
    reading: int = 1
    time: tuple[str, str | None] | None = None
    """When it was done, and what a clock that was set back said, where that was fixed before writing."""


class Event(NamedTuple):
    """One line of the journal.

    Attributes
    ----------
    seq : int
        1, 2, 3, … without gaps.
    at : str
        UTC, ISO 8601 with milliseconds and ``Z``; never before the event before it.
    reviewer : str
    kind : str
        One of `Kind`, or a kind that a later version knows.
    slide : int
    cells : tuple of int
        The cells it is about.
    old, new : JSON value
        What was and what is.
    source : str
        ``reviewer``, ``model:<sha256>``, ``detector``, ``rule``, ``import`` or ``import:<sha256>``.
    refers : int or None
        The event that an undo or redo is about.
    clock : str or None
        What the computer's clock said, where it had been set back.
    previous, hash : str
        SHA-256 of the event before, and of this one.
    reading : int
        The reading it belongs to. It stands in the journal only where it is not the first.
    """

    seq: int
    at: str
    reviewer: str
    kind: str
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
        """Read back a line of our own."""
        fields = json.loads(body)
        return cls.from_fields({**fields, "cells": tuple(fields["cells"])}, digest)

    @classmethod
    def from_fields(cls, fields: dict[str, Any], digest: str) -> Event:
        """Make an event of a line that was read and found well-formed; see `line_schema.read_line`."""
        clock, reading = fields.get("clock"), fields.get("reading", 1)
        return cls._make((*_TO_REFERS(fields), clock, fields["previous"], digest, reading))


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
        """Whether it came with the data, so that no reviewer has seen the cell."""
        return is_imported(self.source)


@dataclass(frozen=True, slots=True)
class Comment:
    """A remark on a cell, or on the slide where ``cell_id`` is None."""

    cell_id: int | None
    text: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Change:
    """What `Case.changed` tells after an act is on disk.

    Attributes
    ----------
    kind : str
        One of `Kind`.
    cell_ids : tuple of int
        The cells concerned.
    of : str or None
        The kind of the act that an undo or redo took back or repeated.
    """

    kind: str
    cell_ids: tuple[int, ...]
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a journal is as it was written.

    Attributes
    ----------
    ok : bool
    first_bad_seq : int or None
        The first line that does not fit; None where all do, or where what is wrong is no line.
    text : str
        One line.
    """

    ok: bool
    first_bad_seq: int | None
    text: str


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no blanks, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(data: bytes | memoryview) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
