"""The check that a case file is unchanged.

The chain reveals changes but not their author, and a person who rewrites every line after
a change can make a new, complete chain. It is tamper-evident, not authenticated.
"""

from __future__ import annotations

import sqlite3
from hashlib import sha256
from typing import Any

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.review.journal.events import GENESIS, Event, Verification, digest_of
from napari_bonemarrow.review.journal.line_schema import read_line
from napari_bonemarrow.review.journal.schema import OWN_OF_SQLITE, schema_of

_FEW, _LONGEST = 3, 40
"""Number of altered names that are listed, and of characters of each."""

# As bytes, which were hashed; a body that is no longer text was not written by this program.
_LINES = """SELECT seq, typeof(body), CAST(body AS BLOB), CAST(hash AS BLOB) FROM events ORDER BY seq"""


def verify_file(connection: sqlite3.Connection, events: list[Event] | None = None) -> Verification:
    """Check the schema, every line, the last number given, and every array.

    The window's view (`remembered`) and the holder of the case are not part of the
    chain and are not checked.

    Parameters
    ----------
    connection : sqlite3.Connection
    events : list of Event, optional
        Filled with the lines, so that opening a case parses each once. Complete only if all are unchanged.
    """
    changed = altered(connection)
    if changed:
        return Verification(False, None, f"the protection of the file was altered ({_few(changed)})")
    named: dict[str, int] = {}
    previous, seq, at, clocks = GENESIS, 0, "", 0
    for number, kind, body, written in connection.execute(_LINES):
        expected = seq + 1
        if number != expected:
            return Verification(False, expected, f"line {expected} of the journal is missing")
        digest = sha256(body).hexdigest() if kind == "text" else ""
        if written != digest.encode():
            return Verification(False, number, f"line {number} of the journal was changed")
        fields, trouble = read_line(body)
        if trouble:
            return Verification(False, number, f"line {number} of the journal makes no sense: {trouble}")
        if fields["seq"] != number:
            return Verification(False, number, f"line {number} of the journal was changed")
        if fields["previous"] != previous:
            return Verification(False, number, f"line {number} of the journal does not follow the one before")
        if fields["at"] < at:
            return Verification(False, number, f"line {number} of the journal is older than the one before")
        new = fields["new"]
        if type(new) is dict and "arrays" in new:
            for spec in new["arrays"].values():
                named.setdefault(spec["sha256"], number)
        clocks += "clock" in fields
        previous, seq, at = digest, number, fields["at"]
        if events is not None:
            events.append(Event.from_fields(fields, digest))
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
    return Verification(True, None, f"{count_of(lines, 'line')}, all as written{note}")


def altered(connection: sqlite3.Connection) -> list[str]:
    """Return the tables, views, triggers and indices of a file that differ from those of its version.

    Names reserved by SQLite are checked too: a trigger can be hidden there by hand.
    """
    rows = connection.execute("SELECT name, sql FROM sqlite_master").fetchall()
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    written: dict[Any, Any] = {**schema_of(version), **OWN_OF_SQLITE}
    found = dict(rows)
    names = {*found, *written} if len(found) == len(rows) else {*found, "two of one name"}
    return sorted(str(name) for name in names if found.get(name, "") != written.get(name, ""))


def _few(names: list[str]) -> str:
    """Return up to three names, shortened, since they come from the file."""
    told = [name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…" for name in names[:_FEW]]
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return f"{', '.join(told)}{more}"
