"""Files that are either whole or not there."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DRAFT = ".draft-"
"""Start of the name of a file that is not whole yet."""


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Give a place beside a path to write to; its file replaces the path's once it is on the disk.

    After an error nothing half-written is left, and what was there stays.

    Parameters
    ----------
    path : Path
        The folder must exist. The draft has the same suffix.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    part = path.with_name(f"{DRAFT}{secrets.token_hex(4)}{path.suffix}")
    try:
        yield part
        put_in_place(part, path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def put_in_place(part: Path, path: Path) -> None:
    """Give a finished file its name in one step, once its bytes are on the disk: a power cut loses neither.

    Raises
    ------
    OSError
        If that is not possible.
    """
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with draft(path) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, with line ends as they are, as `write_bytes` does."""
    write_bytes(path, text.encode("utf-8"))


def why(error: OSError) -> str:
    """Return why a file could not be read or written, in the system's words."""
    return error.strerror or str(error)
