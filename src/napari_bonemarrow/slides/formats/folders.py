"""The files of a folder in natural order."""

from __future__ import annotations

import re
from pathlib import Path


def visible_files(folder: Path) -> list[Path]:
    """Return a folder's visible files in natural order (field 2 before field 10).

    Raises
    ------
    OSError
        If it cannot be listed.
    """
    found = [file for file in folder.iterdir() if not file.name.startswith(".") and file.is_file()]
    return sorted(found, key=lambda file: natural(file.name))


def files_below(folder: Path) -> list[tuple[str, Path]]:
    """Return the names and files of a folder and its subfolders; none if it does not exist."""
    if not folder.is_dir():
        return []
    return sorted((file.relative_to(folder).as_posix(), file) for file in folder.rglob("*") if file.is_file())


def natural(name: str) -> list[tuple[bool, int, str]]:
    """Return a sort key in which runs of digits are numbers."""
    parts = re.findall(r"\d+|\D+", name.casefold())
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]
