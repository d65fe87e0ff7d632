"""Places of a case's slide: the recorded path, and the places that are searched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_bonemarrow.review.journal.journal_json import SlideRecord

_MOST_BESIDE = 1000
"""Largest number of files examined in a case's folder; each requires reading up to 64 MiB."""


def place_of(slide: Path, case: Path) -> tuple[str, str, str | None]:
    """Return a slide's name, its path, and its path relative to the case; empty if it is not a file."""
    if slide == Path():  # made in memory
        return "", "", None
    path = slide.absolute()
    try:
        relative: str | None = Path(os.path.relpath(path, case.parent)).as_posix()
    except ValueError:  # another drive
        relative = None
    return path.name, str(path), relative


def candidates(record: SlideRecord, folder: Path) -> Iterator[Path]:
    """Iterate over the possible paths of a slide of that name, given its case's folder."""
    if not record.name or record.is_nameless:
        return
    places = [Path(record.path), folder / record.name]
    if record.relative is not None:
        places.insert(1, Path(os.path.normpath(folder / record.relative)))
    yield from dict.fromkeys(places)


def found_by_fingerprint(record: SlideRecord, folder: Path) -> Path | None:
    """Return the image of a folder that has a slide's fingerprint, or None."""
    from napari_bonemarrow.slides import SUFFIXES, SlideError, fingerprint

    try:
        entries = sorted(islice(folder.iterdir(), _MOST_BESIDE))
    except OSError:
        return None
    for entry in entries:
        try:
            if (entry.suffix.lower() in SUFFIXES or entry.is_dir()) and fingerprint(
                entry
            ) == record.fingerprint:
                return entry
        except (OSError, SlideError):  # an unreadable file is not the slide
            continue
    return None
