"""Where the case of a slide lies."""

from __future__ import annotations

from contextlib import closing
from glob import escape
from pathlib import Path

from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.places import SUFFIX, can_write_in, home
from napari_bonemarrow.review.schema import APPLICATION_ID
from napari_bonemarrow.review.sqlite import connect, translated


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


def _apart(slide: Path) -> Path:
    return home() / "cases" / f"{slide.stem}-{_fingerprint(slide)[:8]}{SUFFIX}"


def _belongs(case: Path, slide: Path) -> bool:
    """Tell whether a case is about a slide: by name, or by fingerprint after renaming."""
    try:
        with closing(connect(case, read_only=True)) as database, translated(case, "read"):
            if database.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                return False
            name, known = database.execute("SELECT name, fingerprint FROM slides ORDER BY slide").fetchone()
    except (CaseError, TypeError):
        # What cannot be read under the usual name is taken for ours, so that opening it says what is wrong.
        return case.stem == slide.stem
    return bool(name == slide.name or (not slide.with_name(name).exists() and known == _fingerprint(slide)))


def _fingerprint(slide: Path) -> str:
    from napari_bonemarrow.slides import fingerprint

    try:
        return fingerprint(slide)
    except OSError as error:
        raise CaseError(f"cannot read {slide}: {error.strerror}") from error
