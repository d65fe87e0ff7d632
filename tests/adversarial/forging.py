"""Rewriting a case as somebody who knows the file would: lines put in, changed or cut, the chain mended."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from napari_bonemarrow.review.journal.events import GENESIS, canonical, digest_of
from napari_bonemarrow.review.journal.schema import SCHEMA

TRIGGERS = tuple(name for name, sql in SCHEMA.items() if sql.startswith("CREATE TRIGGER"))

Line = dict[str, Any]


def lines_of(path: Path) -> list[Line]:
    """Read every line of a journal."""
    with closing(sqlite3.connect(path)) as database:
        return [json.loads(body) for (body,) in database.execute("SELECT body FROM events ORDER BY seq")]


def rewrite(path: Path, lines: Iterable[Line], *, mend: bool = True) -> None:
    """Write a journal of these lines, with numbers and hashes that fit where ``mend`` is asked for.

    Arrays stay as they are; the triggers are there afterwards.
    """
    with closing(sqlite3.connect(path)) as database:
        for trigger in TRIGGERS:
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute("DELETE FROM events")
        database.execute("DELETE FROM sqlite_sequence")
        previous = GENESIS
        for number, line in enumerate(lines, start=1):
            if mend:
                line = {**line, "seq": number, "previous": previous}
                if line["kind"] == "signed":
                    line["new"] = {**line["new"], "head": previous}
            body = canonical(line)
            previous = digest_of(body.encode())
            database.execute(
                "INSERT INTO events (seq, body, hash) VALUES (?, ?, ?)", (number, body, previous)
            )
        for trigger in TRIGGERS:
            database.execute(SCHEMA[trigger])
        database.commit()


def alter(path: Path, change: Callable[[list[Line]], object]) -> None:
    """Change the lines of a journal in place and mend its chain."""
    lines = lines_of(path)
    change(lines)
    rewrite(path, lines)


def following(line: Line, **fields: Any) -> Line:
    """Return a well-formed line that could stand after another."""
    blank = {"cells": [], "old": None, "new": None, "source": "reviewer", "refers": None}
    return {**{name: line[name] for name in ("at", "reviewer", "slide")}, **blank, **fields}


def execute(path: Path, *statements: str) -> None:
    """Change the file as somebody with an SQLite shell would."""
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
