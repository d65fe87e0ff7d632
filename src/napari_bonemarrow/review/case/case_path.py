"""Where the case of a slide lies, and where one goes that was started over."""

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
    """Return where the case of a slide is, or would be made.

    A case that exists comes first. It is ``<stem>.bmcase`` beside the slide; where that is the case of
    another image (``a.jpg`` beside ``a.png``), ``<name>.bmcase`` with the whole file name. Where nothing can
    be written beside the slide, it is ``<stem>-<first 8 digits of the fingerprint>.bmcase`` under
    ``$NAPARI_BONEMARROW_HOME/cases``.

    Parameters
    ----------
    slide : Path or str
        The image file.

    Returns
    -------
    Path
        Absolute. Nothing is made.

    Raises
    ------
    CaseError
        Where the slide cannot be read but would have to be.
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
    """Rename a case that was closed, so that a new one can be begun in its place.

    Parameters
    ----------
    case : Path

    Returns
    -------
    Path
        ``<stem>.before-N.bmcase`` beside it, with the first N whose name is free. No file is replaced.

    Raises
    ------
    CaseError
        Where somebody still reads it, or it cannot be renamed; it stays as it was.
    """
    if case.with_name(f"{case.name}-wal").exists():  # SQLite keeps it by its name while anybody reads
        raise CaseError(f"{case.name} is open in another window: close it there, then start over")
    number = 1
    while True:
        kept = case.with_name(f"{case.stem}.before-{number}{SUFFIX}")
        try:
            os.close(os.open(kept, os.O_CREAT | os.O_EXCL))  # the name is ours from here on
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
    """Tell by its name whether a case was started over: another one has taken its place."""
    return case.suffix.lower() == SUFFIX and re.search(r"\.before-\d+$", case.stem) is not None


def _apart(slide: Path) -> Path:
    return home() / "cases" / f"{slide.stem}-{_fingerprint(slide)[:8]}{SUFFIX}"


def _belongs(case: Path, slide: Path) -> bool:
    """Tell whether a case is about a slide: by name, or by fingerprint after renaming."""
    try:
        with closing(connect(case, read_only=True)) as database, translated(case, "read"):
            if database.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                return False
            name, known = _slide_in(database)
    except CaseError:
        # What cannot be read under the usual name is taken for ours, so that opening it says what is wrong.
        return case.stem == slide.stem
    return bool(name == slide.name or (not slide.with_name(name).exists() and known == _fingerprint(slide)))


def _slide_in(database: sqlite3.Connection) -> tuple[str, str]:
    """Read from the first line of a journal which slide it is about.

    Raises
    ------
    CaseError
        Where the file is not made as a case is, or the line is none.
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
