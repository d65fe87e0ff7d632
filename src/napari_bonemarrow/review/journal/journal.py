"""The journal of a case: an SQLite file that only grows."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal import write_lock
from napari_bonemarrow.review.journal.events import GENESIS, Draft, Event, Verification, canonical, digest_of
from napari_bonemarrow.review.journal.line_schema import read_line
from napari_bonemarrow.review.journal.lines import Lines
from napari_bonemarrow.review.journal.schema import APPLICATION_ID, SCHEMA, SCHEMA_VERSION, migrate
from napari_bonemarrow.review.journal.sqlite import connect, translated
from napari_bonemarrow.review.journal.storage import on_network
from napari_bonemarrow.review.journal.verify import altered, verify_file

Blobs = Mapping[str, bytes]

_READ = frozenset({"events", "arrays", "sqlite_sequence"})
"""Tables that are read before a case is known to be unchanged."""
_REMEMBERS = 2
"""The first schema that stores the window's view."""


class Journal:
    """One case file, open for reading or for appending.

    Every `append` is one transaction that is on the disk when it returns: write-ahead log with
    ``synchronous=FULL`` on local disks, rollback journal with ``synchronous=EXTRA`` on network disks.
    """

    def __init__(self, path: Path, *, read_only: bool = False, take_over: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self._closed = False
        self._connection = connect(path, read_only=read_only)
        try:
            self._check_kind()
            self._check_tables()
            events: list[Event] = []
            self.verification = self._verify(events)
            if not read_only:
                self._refuse_changed()
                self._hold(take_over)
            if not self.verification.ok:  # the list ends at the first break of the chain
                with translated(path, "read"):
                    events = self._read_events()
            self.lines = Lines(events)
        except BaseException:
            self._connection.close()
            raise

    @classmethod
    def create(cls, path: Path, first: Draft, reviewer: str) -> None:
        """Write a new case file with its first event; it gets its name only when complete.

        Raises
        ------
        CaseError
            If the file exists already, or the disk is full or not writable.
        """
        if path.exists():
            raise CaseError(f"{path.name} already exists in {path.parent}: open it, or choose another name")
        half = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            half.unlink(missing_ok=True)
            with translated(path, "create"), closing(sqlite3.connect(half, isolation_level=None)) as database:
                database.execute("PRAGMA synchronous=EXTRA")
                database.execute("BEGIN IMMEDIATE")
                database.execute(f"PRAGMA application_id={APPLICATION_ID}")
                database.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
                for statement in SCHEMA.values():
                    database.execute(statement)
                _insert(database, _seal(first, 1, GENESIS, reviewer, ""))
                database.execute("COMMIT")
            _appear(half, path)
        except OSError as error:
            raise CaseError(f"cannot create {path.name} in {path.parent}: {error.strerror}") from error
        finally:
            half.unlink(missing_ok=True)

    @property
    def events(self) -> list[Event]:
        """Return every event, oldest first."""
        return list(self.lines.events)

    def blob(self, digest: str) -> bytes:
        """Return the bytes of an array.

        Raises
        ------
        CaseError
            If they are missing.
        """
        with translated(self.path, "read"):
            row = self._connection.execute("SELECT data FROM arrays WHERE sha256 = ?", (digest,)).fetchone()
        if row is None:
            raise CaseError(f"{self.path.name} lacks data that its journal names: restore it from a copy")
        return bytes(row[0])

    def append(self, draft: Draft, reviewer: str, blobs: Blobs | None = None) -> Event:
        """Write one event durably, with its arrays.

        Raises
        ------
        CaseError
            If it could not be written; nothing is stored then, and it can be tried again.
        """
        if self._closed:
            raise CaseError(f"{self.path.name} is closed: open it again")
        if self.read_only:
            raise CaseError(f"{self.path.name} is open read-only: nothing was changed")
        last = self.lines.last
        sealed = _seal(draft, last.seq + 1, last.hash, reviewer, last.at)
        _, trouble = read_line(sealed[1].encode())
        if trouble:
            raise CaseError(f"this cannot be written to {self.path.name} ({trouble}): nothing was changed")
        with self._transaction():
            head = self._connection.execute(
                "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1"
            ).fetchone()
            if head != (last.seq, last.hash):
                raise CaseError(
                    f"{self.path.name} was changed by another program: close it and open it again"
                )
            self._connection.executemany("INSERT OR IGNORE INTO arrays VALUES (?, ?)", (blobs or {}).items())
            _insert(self._connection, sealed)
        event = Event.from_body(*sealed[1:])
        self.lines.events.append(event)
        return event

    def time(self) -> tuple[str, str | None]:
        """Return the time for a line written now, and the clock's time if it was set back."""
        return _time(self.lines.last.at)

    def planned(self, draft: Draft, reviewer: str) -> Event:
        """Return the event that `append` would write now; a draft with a fixed time gives the same event."""
        last = self.lines.last
        return Event.from_body(*_seal(draft, last.seq + 1, last.hash, reviewer, last.at)[1:])

    def verify(self) -> Verification:
        """Verify every line and array currently in the file against the chain."""
        return self._verify(None)

    def _verify(self, events: list[Event] | None) -> Verification:
        with translated(self.path, "read"):
            self._connection.execute("BEGIN")  # one consistent view while another program appends
            try:
                return verify_file(self._connection, events)
            finally:
                self._connection.execute("ROLLBACK")

    def remember(self, reviewer: str, view: str) -> None:
        """Store the window's view for a reviewer: outside the chain, without an event, replaced by the next.

        It does not wait for the disk: a killed program loses nothing of it, but a power cut may.

        Raises
        ------
        CaseError
            If it could not be written.
        """
        if self._closed or self.read_only:
            return
        with translated(self.path, "save"):
            level = self._connection.execute("PRAGMA synchronous").fetchone()[0]
            if self._connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
                self._connection.execute("PRAGMA synchronous=NORMAL")
        try:
            with self._transaction():
                self._connection.execute(
                    "INSERT OR REPLACE INTO remembered VALUES (?, ?, ?)", (reviewer, view, _now())
                )
        finally:
            self._connection.execute(f"PRAGMA synchronous={level}")

    def remembered(self, reviewer: str) -> str | None:
        """Return the view stored for a reviewer, or None."""
        with translated(self.path, "read"):
            if not self.verification.ok or self._version() < _REMEMBERS:
                return None
            row = self._connection.execute(
                "SELECT view FROM remembered WHERE reviewer = ?", (reviewer,)
            ).fetchone()
        return None if row is None else str(row[0])

    def close(self) -> None:
        """Close the case and merge the write-ahead log into the file.

        While another process reads the case the log stays; the last process to close it merges it.
        """
        if self._closed:
            return
        self._closed = True
        if not self.read_only:
            # A reader or a full disk may prevent merging the log. Everything is durable in it, and the
            # next process takes over the row of one that has ended.
            with suppress(CaseError, sqlite3.OperationalError):
                with self._transaction():
                    write_lock.release(self._connection)
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._connection.execute("PRAGMA journal_mode=DELETE")
        self._connection.close()

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _check_kind(self) -> None:
        name = self.path.name
        with translated(self.path, "open"):
            application = self._connection.execute("PRAGMA application_id").fetchone()[0]
            version = self._version()
        if application != APPLICATION_ID:
            raise CaseError(f"{name} is not a case of napari-bonemarrow: choose a .bmcase file")
        if version > SCHEMA_VERSION:
            raise CaseError(
                f"{name} was written by a newer napari-bonemarrow (schema {version}, this one knows up to "
                f"{SCHEMA_VERSION}): update the program"
            )
        if version < 1:
            raise CaseError(f"{name} is of no version that was ever written: restore it from a copy")

    def _check_tables(self) -> None:
        """Check that the read tables are those of a case, not other objects with their names.

        Raises
        ------
        CaseError
        """
        with translated(self.path, "read"):
            changed = altered(self._connection)
        if not _READ.isdisjoint(changed):
            raise CaseError(
                f"{self.path.name} has other tables than a case of napari-bonemarrow: restore it from a copy"
            )

    def _refuse_changed(self) -> None:
        if not self.verification.ok:
            raise CaseError(
                f"{self.path.name} was changed outside napari-bonemarrow: {self.verification.text}. "
                "Open it read-only to look at it, or restore it from a copy"
            )

    def _hold(self, take_over: bool) -> None:
        with self._transaction("open"):
            write_lock.take(self._connection, self.path.name, _now(), take_over=take_over)
            migrate(self._connection)
        with translated(self.path, "open"):
            mode = "delete" if on_network(self.path) else "wal"
            now = self._connection.execute(f"PRAGMA journal_mode={mode}").fetchone()[0]
            self._connection.execute(f"PRAGMA synchronous={'FULL' if now == 'wal' else 'EXTRA'}")

    def _read_events(self) -> list[Event]:
        """Read the valid lines of a changed journal."""
        events: list[Event] = []
        rows = "SELECT CAST(body AS BLOB), CAST(hash AS TEXT) FROM events ORDER BY seq"
        for body, digest in self._connection.execute(rows):
            fields, trouble = read_line(bytes(body or b""))
            if trouble:
                break
            events.append(Event.from_fields(fields, str(digest)))
        if not events:
            raise CaseError(f"{self.path.name} has no journal: restore it from a copy")
        return events

    @contextmanager
    def _transaction(self, doing: str = "save") -> Iterator[None]:
        with translated(self.path, doing):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite itself rolls back on a full disk
                    self._connection.execute("ROLLBACK")
                raise


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seal(draft: Draft, seq: int, previous: str, reviewer: str, not_before: str) -> tuple[int, str, str]:
    """Number, date and hash an event. Times never go back: a clock that does is noted separately."""
    at, clock = draft.time or _time(not_before)
    body = {
        "seq": seq,
        "at": at,
        "reviewer": reviewer,
        "kind": str(draft.kind),
        "slide": draft.slide,
        "cells": list(draft.cells),
        "old": draft.old,
        "new": draft.new,
        "source": draft.source,
        "refers": draft.refers,
        "previous": previous,
    }
    if draft.reading != 1:  # journals of one reading keep the old form
        body["reading"] = draft.reading
    if clock is not None:
        body["clock"] = clock
    text = canonical(body)
    return seq, text, digest_of(text.encode())


def _time(not_before: str) -> tuple[str, str | None]:
    now = _now()
    return max(now, not_before), now if now < not_before else None


def _insert(connection: sqlite3.Connection, sealed: tuple[int, str, str]) -> None:
    connection.execute("INSERT INTO events (seq, body, hash) VALUES (?, ?, ?)", sealed)


def _appear(half: Path, path: Path) -> None:
    """Give a finished file its name without ever replacing another."""
    try:
        os.link(half, path)
    except FileExistsError as error:
        raise CaseError(f"{path.name} already exists in {path.parent}: open it") from error
    except OSError:  # no hard links here (exFAT, some shares)
        half.rename(path)
    if os.name != "posix":
        return
    with suppress(OSError):  # some network disks sync no folders
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
