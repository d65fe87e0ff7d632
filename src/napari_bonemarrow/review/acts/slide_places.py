"""Where a case's slide lies: what the case keeps of it, and where it is looked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_bonemarrow.review.journal.journal_json import SlideRecord

_MOST_BESIDE = 1000
"""Files in a case's folder that are looked at; each costs reading up to 64 MiB."""


def place_of(slide: Path, case: Path) -> tuple[str, str, str | None]:
    """Return a slide's name, where it lies, and that seen from the case; empty where it is not a file."""
    if slide == Path():  # made in memory
        return "", "", None
    path = slide.absolute()
    try:
        relative: str | None = Path(os.path.relpath(path, case.parent)).as_posix()
    except ValueError:  # another drive
        relative = None
    return path.name, str(path), relative


def candidates(record: SlideRecord, folder: Path) -> Iterator[Path]:
    """Iterate over the places where a slide of that name may lie, seen from its case's folder."""
    if not record.name or record.is_nameless:
        return
    places = [Path(record.path), folder / record.name]
    if record.relative is not None:
        places.insert(1, Path(os.path.normpath(folder / record.relative)))
    yield from dict.fromkeys(places)


def found_by_fingerprint(record: SlideRecord, folder: Path) -> Path | None:
    """Return the image of a folder that has a slide's fingerprint, None where there is none."""
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
        except (OSError, SlideError):  # what cannot be read is not the slide
            continue
    return None
