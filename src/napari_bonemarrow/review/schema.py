"""The tables of a case file.

The text of an event stands once, as canonical JSON in ``body``; the columns that people want to read are
generated from it, so that no second copy can differ. Triggers refuse to change or delete what is written.
"""

from __future__ import annotations

from napari_bonemarrow.review import holder

APPLICATION_ID = 0x626D6331  # "bmc1"
SCHEMA_VERSION = 1

_READABLE = ("at", "reviewer", "kind", "slide", "cells", "old", "new", "source", "refers", "previous")
_COLUMNS = ",\n  ".join(
    f"{name} GENERATED ALWAYS AS (json_extract(body, '$.{name}')) VIRTUAL" for name in _READABLE
)

SCHEMA: dict[str, str] = {
    # AUTOINCREMENT keeps the highest number ever given in sqlite_sequence: a last line cut off shows there.
    "events": f"""CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, hash TEXT NOT NULL,
  {_COLUMNS})""",
    "arrays": "CREATE TABLE arrays (sha256 TEXT PRIMARY KEY, data BLOB NOT NULL)",
    "holder": holder.SCHEMA,
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
