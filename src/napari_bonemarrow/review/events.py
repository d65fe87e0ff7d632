"""What a journal holds: events, their canonical form and their hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

GENESIS = "0" * 64
"""The hash that stands before the first event."""

IMPORTED = "import"
"""Source of a label that came with the data: no reviewer has seen the cell."""


class Kind(StrEnum):
    """What an event did. Later versions add kinds; none is ever renamed."""

    SLIDE_OPENED = "slide opened"
    SLIDE_MOVED = "slide moved"
    SCALE_CONFIRMED = "scale confirmed"
    FRAME_SET = "region and target set"
    REGIONS_RANKED = "regions ranked"
    TILES_SEARCHED = "tiles searched"
    DETECTOR_RUN = "detector run"
    MODEL_RUN = "model run"
    CELL_ADDED = "cell added"
    CELL_REMOVED = "cell removed"
    CELL_SPLIT = "cell split"
    CELLS_MERGED = "cells merged"
    LABEL_SET = "label set"
    LABEL_CLEARED = "label cleared"
    TAG_SET = "tag set"
    TAG_CLEARED = "tag cleared"
    COMMENT = "comment"
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
        Kind.TAG_SET,
        Kind.TAG_CLEARED,
    }
)
"""A reviewer's acts that `undo` takes back. A new detection empties the undo stack."""


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


@dataclass(frozen=True, slots=True)
class Event:
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
        ``reviewer``, ``model:<sha256>``, ``detector``, ``rule`` or ``import``.
    refers : int or None
        The event that an undo or redo is about.
    clock : str or None
        What the computer's clock said, where it had been set back.
    previous, hash : str
        SHA-256 of the event before, and of this one.
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

    @classmethod
    def from_body(cls, body: str, digest: str) -> Event:
        """Read a line back."""
        fields = json.loads(body)
        fields["cells"] = tuple(fields["cells"])
        fields.setdefault("clock", None)
        return cls(**fields, hash=digest)


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
        ``reviewer``, ``rule`` or ``import``.
    """

    code: str
    by: str
    at: str
    source: str


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
