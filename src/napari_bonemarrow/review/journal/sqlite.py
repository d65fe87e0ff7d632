"""Connections to SQLite files, and SQLite's errors in plain words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from napari_bonemarrow.review.errors import CaseError

_BUSY_S = 5.0
_SAID = 120
"""Number of characters kept of SQLite's message, which can quote the file."""


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open an existing SQLite file.

    Raises
    ------
    CaseError
        If the file does not exist or cannot be opened.
    """
    if path.is_dir():
        raise CaseError(f"{path} is a folder: choose a .bmcase file in it")
    try:
        if not path.is_file():
            raise CaseError(f"there is no case {path}: check the path")
        if path.stat().st_size == 0:
            raise CaseError(
                f"{path.name} is empty (0 bytes) and no case: restore it from a copy or delete it"
            )
    except OSError as error:
        raise CaseError(f"cannot open {path}: {error.strerror}") from error
    mode = "ro" if read_only else "rw"
    with translated(path, "open"):
        connection = _connected(path, mode)
        try:
            # A closed case has no log. If its folder cannot be written, SQLite could not even read a
            # file whose last writer was killed; without a log next to it, nothing can be missed.
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            if not read_only or any(path.with_name(path.name + log).exists() for log in ("-wal", "-journal")):
                raise
            connection = _connected(path, "ro&immutable=1")
        except BaseException:
            connection.close()
            raise
        # A damaged text is detected by its hash, line by line, not by an error that quotes it.
        connection.text_factory = lambda text: text.decode(errors="replace")
        connection.execute("PRAGMA cell_size_check=ON")  # a damaged page is detected when it is read
        connection.execute("PRAGMA fullfsync=ON")  # macOS: bypass the disk's own cache
        connection.execute("PRAGMA checkpoint_fullfsync=ON")
    return connection


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    # Path.as_uri names the server of a Windows share as an authority, which SQLite refuses.
    name = quote(os.fsencode(path.absolute().as_posix()))
    slashes = "//" if name.startswith("/") else "///"
    return sqlite3.connect(
        f"file:{slashes}{name}?mode={mode}", uri=True, isolation_level=None, timeout=_BUSY_S
    )


@contextmanager
def translated(path: Path, doing: str) -> Iterator[None]:
    """Convert SQLite's errors into one line that advises the user."""
    try:
        yield
    except UnicodeDecodeError as error:  # SQLite's message quotes a name in the file that is not text
        raise CaseError(f"cannot {doing} {path.name}: the file is damaged. Restore it from a copy") from error
    except sqlite3.Error as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code not in _ADVICE:
            said = " ".join(str(error).split())[:_SAID]  # the quote of a damaged table contains line breaks
            raise CaseError(f"cannot {doing} {path.name}: {said}") from error
        why, advice = _ADVICE[code]
        raise CaseError(f"cannot {doing} {path.name}: {why}. {advice}") from error


_NOT_SAVED = "Nothing was changed; make room and try again"
_ADVICE = {
    sqlite3.SQLITE_FULL: ("the disk is full", _NOT_SAVED),
    sqlite3.SQLITE_TOOBIG: ("the data are too large", "Nothing was changed"),
    sqlite3.SQLITE_IOERR: (
        "the disk could not be read or written",
        "Nothing was changed; check the disk and try again",
    ),
    sqlite3.SQLITE_READONLY: (
        "no permission to write",
        "Open it read-only, or copy it to a folder of your own",
    ),
    sqlite3.SQLITE_PERM: ("no permission", "Open it read-only, or copy it to a folder of your own"),
    sqlite3.SQLITE_CANTOPEN: ("the file or its folder cannot be opened", "Check its permissions"),
    sqlite3.SQLITE_BUSY: ("another program is writing it", "Try again, or open it read-only"),
    sqlite3.SQLITE_LOCKED: ("another program is writing it", "Try again, or open it read-only"),
    sqlite3.SQLITE_CORRUPT: ("the file is damaged", "Restore it from a copy"),
    sqlite3.SQLITE_NOTADB: ("it is not a case of napari-bonemarrow", "Choose a .bmcase file"),
}
