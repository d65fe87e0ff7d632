"""The tables of a case file.

The text of an event is stored once, as canonical JSON in ``body``; the columns for people are
generated from it, so that no second copy can differ. Triggers refuse to change or delete existing lines.
"""

from __future__ import annotations

import sqlite3

from napari_bonemarrow.review.journal import write_lock

APPLICATION_ID = 0x626D6331  # "bmc1"
SCHEMA_VERSION = 2
"""Schema 1 had no `remembered`. A file of schema 1 gets it when it is opened for writing."""

_READABLE = ("at", "reviewer", "kind", "slide", "cells", "old", "new", "source", "refers", "previous")
_COLUMNS = ",\n  ".join(
    f"{name} GENERATED ALWAYS AS (json_extract(body, '$.{name}')) VIRTUAL" for name in _READABLE
)

SCHEMA: dict[str, str] = {
    # AUTOINCREMENT keeps the highest number ever given in sqlite_sequence, which reveals a removed last line.
    "events": f"""CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, hash TEXT NOT NULL,
  {_COLUMNS})""",
    "arrays": "CREATE TABLE arrays (sha256 TEXT PRIMARY KEY, data BLOB NOT NULL)",
    "holder": write_lock.SCHEMA,
    "remembered": """CREATE TABLE remembered (
  reviewer TEXT PRIMARY KEY, view TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID""",
    "slides": """CREATE VIEW slides AS SELECT slide, json_extract(body, '$.new.slide.name') AS name,
  json_extract(body, '$.new.slide.path') AS path,
  json_extract(body, '$.new.slide.fingerprint') AS fingerprint,
  json_extract(body, '$.new.slide.width') AS width, json_extract(body, '$.new.slide.height') AS height
  FROM events WHERE kind = 'slide opened'""",
    "meta": """CREATE VIEW meta AS SELECT json_extract(body, '$.new.case') AS "case",
  json_extract(body, '$.new.program') AS program, at AS created FROM events WHERE seq = 1""",
}
for _table in ("events", "arrays"):
    for _act in ("UPDATE", "DELETE"):
        SCHEMA[f"{_table}_no_{_act.lower()}"] = f"""CREATE TRIGGER {_table}_no_{_act.lower()}
  BEFORE {_act} ON {_table} BEGIN SELECT RAISE(ABORT, 'the journal of a case only grows'); END"""

_ADDED = {2: ("remembered",)}
"""The additions of each version of the schema."""


OWN_OF_SQLITE: dict[str, str | None] = {
    "sqlite_sequence": "CREATE TABLE sqlite_sequence(name,seq)",
    "sqlite_autoindex_arrays_1": None,
}
"""The objects that SQLite itself adds to these tables."""


def schema_of(version: int) -> dict[str, str]:
    """Return the statements that create a file of some version."""
    later = {name for since, names in _ADDED.items() if since > version for name in names}
    return {name: statement for name, statement in SCHEMA.items() if name not in later}


def migrate(connection: sqlite3.Connection) -> None:
    """Bring an older file up to `SCHEMA_VERSION`, within the caller's transaction; no line is changed."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == SCHEMA_VERSION:
        return
    for since in range(version + 1, SCHEMA_VERSION + 1):
        for name in _ADDED[since]:
            connection.execute(SCHEMA[name])
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
