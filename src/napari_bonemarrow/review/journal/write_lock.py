"""The write lock of a case: one row in the case itself, so that no second file is needed.

A killed process leaves its row behind; the next process on the same computer detects that it has
ended (or that its number now belongs to a younger process) and takes over. This cannot be detected on
another computer, so a row from there stays until ``take_over`` is set.
"""

from __future__ import annotations

import getpass
import os
import socket
import sqlite3
from dataclasses import dataclass

import psutil

from napari_bonemarrow.review.errors import CaseError

SCHEMA = """CREATE TABLE holder (
  id INTEGER PRIMARY KEY CHECK (id = 1), pid INTEGER NOT NULL, started REAL NOT NULL,
  host TEXT NOT NULL, user TEXT NOT NULL, since TEXT NOT NULL)"""

_SAME_START_S = 2.0
_LONGEST = 255
"""Largest number of characters of a host's or user's name (POSIX: HOST_NAME_MAX, LOGIN_NAME_MAX)."""
_HIGHEST_PID = 2**31


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that writes a case."""

    pid: int
    started: float
    host: str
    user: str
    since: str

    @classmethod
    def this_process(cls, since: str) -> Holder:
        """Return the holder for this process."""
        pid = os.getpid()
        return cls(pid, psutil.Process(pid).create_time(), socket.gethostname(), user_name(), since)

    def is_alive(self) -> bool:
        """Return whether it may still be writing; a process on another computer is assumed to be."""
        if self.host != socket.gethostname():
            return True
        try:
            process = psutil.Process(self.pid)
            ended = process.status() == psutil.STATUS_ZOMBIE  # killed, but not yet reaped by its parent
            return not ended and abs(process.create_time() - self.started) < _SAME_START_S
        except psutil.NoSuchProcess:
            return False
        except psutil.Error:  # it exists, but belongs to another user
            return True

    def __str__(self) -> str:
        return f"{self.user} on {self.host} (process {self.pid}, since {self.since})"


def user_name() -> str:
    """Return the name of the operating system's user, or ``unknown``."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's numeric user has no name
        return "unknown"


def current(connection: sqlite3.Connection) -> Holder | None:
    """Return the holder of a case."""
    row = connection.execute("SELECT pid, started, host, user, since FROM holder").fetchone()
    return Holder(*row) if _is_claim(row) else None


def _is_claim(row: tuple[object, ...] | None) -> bool:
    """Return whether a process of this program could have written a row."""
    if row is None:
        return False
    pid, started, *texts = row
    named = all(isinstance(text, str) and len(text) <= _LONGEST for text in texts)
    return isinstance(pid, int) and 0 < pid < _HIGHEST_PID and isinstance(started, float) and named


def take(connection: sqlite3.Connection, name: str, since: str, *, take_over: bool) -> None:
    """Write this process's row, within the caller's transaction.

    Raises
    ------
    CaseError
        If another process holds the case.
    """
    other = current(connection)
    if other is not None and not take_over and other.is_alive():
        raise CaseError(f"{name} is being reviewed by {other}: open it read-only, or close it there first")
    us = Holder.this_process(since)
    connection.execute(
        "INSERT OR REPLACE INTO holder VALUES (1, ?, ?, ?, ?, ?)",
        (us.pid, us.started, us.host, us.user, us.since),
    )


def release(connection: sqlite3.Connection) -> None:
    """Delete the row if it is this process's."""
    connection.execute("DELETE FROM holder WHERE pid = ? AND host = ?", (os.getpid(), socket.gethostname()))
