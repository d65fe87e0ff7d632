"""The report as a PDF for archives: PDF/A-2a and PDF/UA-1, tagged, made by typst.

Data reach the template as one JSON file of strings in memory, so that no text is ever read as markup. Only
pictures of cells and the logo lie on the disk, in a temporary folder, while it is made. Nothing is fetched,
and no font of the system is used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from napari_bonemarrow.cytology.lines import one_line
from napari_bonemarrow.report.files import ReportError, write_bytes
from napari_bonemarrow.report.page.contents import Bar, Picture, ReportPage
from napari_bonemarrow.report.page.drawings import bar_svg
from napari_bonemarrow.report.page.options import ReportOptions
from napari_bonemarrow.report.page.page import GatheredReport, gather_report
from napari_bonemarrow.review import Case

if TYPE_CHECKING:
    import typst

STANDARDS: tuple[Literal["a-2a", "ua-1"], ...] = ("a-2a", "ua-1")
"""PDF/A-2a (ISO 19005-2, level A) and PDF/UA-1 (ISO 14289-1)."""
_LONGEST_NAME = 60
"""Largest number of characters of the slide's name at the foot of a page."""


def write_pdf(
    case: Case, path: Path, *, anonymous: bool = False, options: ReportOptions | None = None
) -> None:
    """Write the report as a PDF.

    Raises
    ------
    ReportError
        If an option is invalid, the laboratory's template fails, or the file cannot be written.
    """
    write_bytes(path, pdf_of(gather_report(case, anonymous=anonymous, options=options)))


def pdf_of(gathered: GatheredReport) -> bytes:
    """Return a gathered report as a PDF; a report of a given time has always the same bytes.

    Raises
    ------
    ReportError
        If the laboratory's template fails.
    """
    page = gathered.completed()
    made = page.made_at if page.made_at.tzinfo else page.made_at.replace(tzinfo=UTC)
    [data] = _compile(
        page, gathered, format="pdf", pdf_standards=list(STANDARDS), timestamp=int(made.timestamp())
    )
    return data


def pictures_of(gathered: GatheredReport, dots_per_inch: float = 110.0) -> list[bytes]:
    """Return the pages of the PDF as PNG files.

    Raises
    ------
    ReportError
        If the laboratory's template fails.
    """
    return _compile(gathered.completed(), gathered, format="png", ppi=dots_per_inch)


def _compile(page: ReportPage, gathered: GatheredReport, **how: Any) -> list[bytes]:
    import typst

    own = gathered.layout.template
    path = gathered.layout.beside(own, "template") if own else None
    try:
        template = _template() if path is None else path.read_bytes()
    except OSError as error:
        raise ReportError(f"{path}: the template cannot be read ({error.strerror})") from error
    texts, pictures = page_files(page)
    try:
        with TemporaryDirectory(prefix="report-") as root:  # typst takes only text files from memory
            for name, data in pictures.items():
                (Path(root) / name).write_bytes(data)
            made: Any = typst.compile(  # of several pictures a list, which its types do not say
                {"main.typ": template, **texts},
                root=root,
                font_paths=_fonts(),
                ignore_system_fonts=True,
                **how,
            )
    except OSError as error:
        raise ReportError(
            f"the pictures of the report cannot be kept while it is made: {error.strerror}"
        ) from error
    except (typst.TypstError, RuntimeError, ValueError) as error:
        what = path if path is not None else "report.typ"
        raise ReportError(f"{what}: {_told(error)}") from error
    return made if isinstance(made, list) else [made]


def _told(error: Exception) -> str:
    """Return typst's message with its line, in one line."""
    diagnostic = str(getattr(error, "diagnostic", "") or "")
    where = ""
    for line in diagnostic.splitlines():
        if "main.typ:" in line:
            where = f"line {line.rpartition('main.typ:')[2].partition(':')[0].strip()}: "
            break
    return one_line(where + str(getattr(error, "message", "") or error), 300)


def page_files(page: ReportPage) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the files that a template reads.

    Parameters
    ----------
    page : ReportPage

    Returns
    -------
    texts, pictures : dict of str to bytes
        ``report.json`` with the drawings that it names, and the other pictures.
    """
    files: dict[str, bytes] = {}
    data = _plain(page, _names(), files)
    lang, _, region = page.language.partition("-")
    data |= {"lang": lang, "region": region or None, "slide_end": _cut(page.slide)}
    texts = {name: data for name, data in files.items() if name.endswith(".svg")}
    pictures = {name: data for name, data in files.items() if name not in texts}
    return {"report.json": json.dumps(data, ensure_ascii=False).encode("utf-8"), **texts}, pictures


def _plain(value: Any, names: Iterator[str], pictures: dict[str, bytes]) -> Any:
    """Return a part of the page as JSON values; pictures are named, and kept apart."""
    if isinstance(value, Bar):
        value = Picture(bar_svg(value).encode("utf-8"), "svg", value.alt)
    if isinstance(value, Picture):
        name = f"{next(names)}.{value.kind}"
        pictures[name] = value.data
        return {"file": name, "alt": value.alt}
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name), names, pictures) for each in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each, names, pictures) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _names() -> Iterator[str]:
    """Yield the names of pictures."""
    number = 0
    while True:
        yield f"picture-{number}"
        number += 1


def _cut(name: str) -> int:
    """Return the bytes of a name that the foot of a page has room for."""
    return len(name[:_LONGEST_NAME].encode("utf-8"))


@cache
def _template() -> bytes:
    return (files("napari_bonemarrow.report") / "templates" / "report.typ").read_bytes()


@cache
def _fonts() -> typst.Fonts:
    """Return DejaVu Sans, which matplotlib brings along, so that a report looks alike everywhere."""
    from importlib.util import find_spec

    import typst

    spec = find_spec("matplotlib")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])
