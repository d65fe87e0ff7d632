"""Export of a case in any format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name

from napari_bonemarrow.report.files import ReportError
from napari_bonemarrow.report.formats import FORMATS
from napari_bonemarrow.report.page.options import ReportOptions
from napari_bonemarrow.review import Case
from napari_bonemarrow.review.report_fields import LONGEST


def export(
    case: Case, format: str, path: Path, *, anonymous: bool = False, options: ReportOptions | None = None
) -> None:
    """Write a case to a file.

    Parameters
    ----------
    case : Case
    format : str
        A key of `FORMATS`.
    path : Path
        A file, or a folder for formats of several files.
    anonymous : bool
        Name the slide by its fingerprint instead of its file.
    options : ReportOptions, optional
        Choices for the formats that print a page or can name the patient; the others take none.

    Raises
    ------
    ReportError
        If the format is unknown, a field is no text or too long, or the file cannot be written.
    """
    if format not in FORMATS:
        raise ReportError(f"{format}: no such format: choose one of {', '.join(FORMATS)}")
    chosen = FORMATS[format]
    write = resolve_name(f"napari_bonemarrow.report.{chosen.writer}")
    if chosen.printed or chosen.identified:
        _check_fields({} if options is None else options.fields)
        write(case, path, anonymous=anonymous, options=options or ReportOptions())
    else:
        write(case, path, anonymous=anonymous)


def _check_fields(fields: Mapping[str, str]) -> None:
    """Refuse fields that no file can hold."""
    for key, text in fields.items():
        if len(text) > LONGEST:
            raise ReportError(f"{key}: has {len(text)} characters: shorten it to {LONGEST}")
        if any("\ud800" <= letter <= "\udfff" for letter in key + text):
            raise ReportError(f"{key}: holds bytes that are not text: type it as UTF-8")
