"""The path of a slide's case, and of one that was started over."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from glob import escape
from pathlib import Path

from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.line_schema import read_line
from napari_bonemarrow.review.journal.schema import APPLICATION_ID
from napari_bonemarrow.review.journal.sqlite import connect, translated
from napari_bonemarrow.review.journal.storage import SUFFIX, can_write_in
from napari_bonemarrow.review.journal.verify import altered
from napari_bonemarrow.system.home import home


def case_path_for(slide: Path | str) -> Path:
    """Return the path of a slide's case, existing or new.

    An existing case comes first. It is ``<stem>.bmcase`` next to the slide; if that is the case of
    another image (``a.jpg`` next to ``a.png``), ``<name>.bmcase`` with the whole file name. If the folder
    of the slide cannot be written, it is ``<stem>-<first 8 digits of the fingerprint>.bmcase`` under
    ``$NAPARI_BONEMARROW_HOME/cases``.

    Parameters
    ----------
    slide : Path or str
        The image file.

    Returns
    -------
    Path
        Absolute. No file is created.

    Raises
    ------
    CaseError
        If the slide has to be read but cannot be.
    """
    slide = Path(slide).absolute()
    short, long = (slide.with_name(f"{name}{SUFFIX}") for name in (slide.stem, slide.name))
    for candidate in (short, long):
        if candidate.exists() and _belongs(candidate, slide):
            return candidate
    own = home() / "cases"
    if any(own.glob(f"{escape(slide.stem)}-*{SUFFIX}")) and _apart(slide).exists():
        return _apart(slide)
    free = long if short.exists() else short
    if not free.exists() and can_write_in(slide.parent):
        return free
    return _apart(slide)


def set_aside(case: Path) -> Path:
    """Rename a closed case, so that a new one can be begun in its place.

    Parameters
    ----------
    case : Path

    Returns
    -------
    Path
        ``<stem>.before-N.bmcase`` in its folder, with the first free N. No file is replaced.

    Raises
    ------
    CaseError
        If it is still open elsewhere, or cannot be renamed; it is then unchanged.
    """
    if case.with_name(f"{case.name}-wal").exists():  # SQLite uses it by its name while any process reads
        raise CaseError(f"{case.name} is open in another window: close it there, then start over")
    number = 1
    while True:
        kept = case.with_name(f"{case.stem}.before-{number}{SUFFIX}")
        try:
            os.close(os.open(kept, os.O_CREAT | os.O_EXCL))  # from here on the name is reserved
        except FileExistsError:
            number += 1
            continue
        except OSError as error:
            raise CaseError(f"cannot keep {case.name} as {kept.name}: {error.strerror}") from error
        try:
            case.replace(kept)
        except OSError as error:
            kept.unlink(missing_ok=True)
            raise CaseError(f"cannot keep {case.name} as {kept.name}: {error.strerror}") from error
        return kept


def was_set_aside(case: Path) -> bool:
    """Return whether a case was started over and replaced, by its name."""
    return case.suffix.lower() == SUFFIX and re.search(r"\.before-\d+$", case.stem) is not None


def _apart(slide: Path) -> Path:
    return home() / "cases" / f"{slide.stem}-{_fingerprint(slide)[:8]}{SUFFIX}"


def _belongs(case: Path, slide: Path) -> bool:
    """Return whether a case belongs to a slide: by name, or by fingerprint after renaming."""
    try:
        with closing(connect(case, read_only=True)) as database, translated(case, "read"):
            if database.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                return False
            name, known = _slide_in(database)
    except CaseError:
        # An unreadable file with the usual name counts as this case, so that opening it shows the error.
        return case.stem == slide.stem
    return bool(name == slide.name or (not slide.with_name(name).exists() and known == _fingerprint(slide)))


def _slide_in(database: sqlite3.Connection) -> tuple[str, str]:
    """Return the slide record in the first line of a journal.

    Raises
    ------
    CaseError
        If the file is not a case, or the line is invalid.
    """
    if altered(database):
        raise CaseError("its protection was altered")
    row = database.execute("SELECT CAST(body AS BLOB) FROM events WHERE seq = 1").fetchone()
    fields, trouble = read_line(bytes(row[0] or b"") if row else b"")
    if trouble or fields["kind"] != EventKind.SLIDE_OPENED:
        raise CaseError("its first line names no slide")
    slide = fields["new"]["slide"]
    return slide["name"], slide["fingerprint"]


def _fingerprint(slide: Path) -> str:
    from napari_bonemarrow.slides import fingerprint

    try:
        return fingerprint(slide)
    except OSError as error:
        raise CaseError(f"cannot read {slide}: {error.strerror}") from error
