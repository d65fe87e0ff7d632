"""Whether a case file is as it was written.

The chain makes changes evident; it does not tell who made them, and somebody who rewrites every line after
a change can make a new, whole chain. It is tamper-evident, not authenticated.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from napari_bonemarrow.review.events import GENESIS, Event, Verification, digest_of
from napari_bonemarrow.review.schema import schema_of

# As bytes, which is what was hashed; a body that is no text any more is none that we wrote.
_LINES = """SELECT seq, typeof(body), CAST(body AS BLOB), CAST(hash AS BLOB) FROM events ORDER BY seq"""


def verify_file(connection: sqlite3.Connection, events: list[Event] | None = None) -> Verification:
    """Check the schema, every line, the last number given, and every array.

    What the window was to remember of its view (`remembered`) and who holds the case are no part of the
    chain and are not checked.

    Parameters
    ----------
    connection : sqlite3.Connection
    events : list of Event, optional
        Gets the lines, so that opening a case parses each once. It is whole only where all are as written.
    """
    changed = _changed_schema(connection)
    if changed:
        return Verification(False, None, f"the protection of the file was altered ({', '.join(changed)})")
    named: dict[str, int] = {}
    previous, seq, clocks = GENESIS, 0, 0
    for number, kind, body, written in connection.execute(_LINES):
        expected = seq + 1
        if number != expected:
            return Verification(False, expected, f"line {expected} of the journal is missing")
        digest = digest_of(body) if kind == "text" else ""
        fields = _fields(body) if written == digest.encode() else None
        if fields is None or fields.get("seq") != number:
            return Verification(False, number, f"line {number} of the journal was changed")
        if fields.get("previous") != previous:
            return Verification(False, number, f"line {number} of the journal does not follow the one before")
        if isinstance(fields.get("new"), dict):
            for array in _arrays_of(fields["new"]):
                named.setdefault(array, number)
        clocks += "clock" in fields
        previous, seq = digest, number
        if events is not None:
            event = _event(fields, digest)
            if event is None:
                return Verification(False, number, f"line {number} of the journal is no event")
            events.append(event)
    last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    if last is None or last[0] != seq:
        return Verification(False, seq + 1, f"line {seq + 1} of the journal is missing")
    return _verify_arrays(connection, named, seq, clocks)


def _verify_arrays(
    connection: sqlite3.Connection, named: dict[str, int], lines: int, clocks: int
) -> Verification:
    kept = set()
    for digest, data in connection.execute("SELECT sha256, data FROM arrays"):
        kept.add(digest)
        if digest not in named:
            return Verification(False, None, "the file holds data that no line of the journal names")
        if not isinstance(data, bytes) or digest_of(data) != digest:
            line = named[digest]
            return Verification(False, line, f"the data of line {line} of the journal were changed")
    missing = [line for digest, line in named.items() if digest not in kept]
    if missing:
        return Verification(
            False, min(missing), f"the data of line {min(missing)} of the journal are missing"
        )
    note = f"; the computer's clock had been set back at {clocks}" if clocks else ""
    return Verification(True, None, f"{lines} lines, all as written{note}")


def _changed_schema(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    found = dict(rows.fetchall())
    written = schema_of(connection.execute("PRAGMA user_version").fetchone()[0])
    return sorted(name for name in found.keys() | written.keys() if found.get(name) != written.get(name))


def _event(fields: dict[str, Any], digest: str) -> Event | None:
    try:
        return Event.from_fields(fields, digest)
    except (TypeError, KeyError, AttributeError):
        return None


def _fields(body: bytes) -> dict[str, Any] | None:
    try:
        fields = from_json(body, allow_inf_nan=False)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def _arrays_of(new: dict[str, Any]) -> Iterator[str]:
    arrays = new.get("arrays")
    if isinstance(arrays, dict):
        yield from (str(spec.get("sha256")) for spec in arrays.values() if isinstance(spec, dict))
