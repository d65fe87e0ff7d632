"""Files that are written completely or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DRAFT = ".draft-"
"""Prefix of an incomplete file's name."""


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to a path; its file replaces the path's once it is on disk.

    After an error no partial file is left, and the old file stays.

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
    """Rename a complete file in one step, after its bytes are on disk: a power cut loses neither file.

    Raises
    ------
    OSError
        If that is not possible.
    """
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file completely or not at all.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with draft(path) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8 with unchanged line ends, as `write_bytes` does."""
    write_bytes(path, text.encode("utf-8"))


def why(error: OSError) -> str:
    """Return why a file could not be read or written, in the system's words."""
    return error.strerror or str(error)
