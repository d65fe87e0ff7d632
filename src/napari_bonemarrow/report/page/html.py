"""The report as one self-contained, printable HTML page."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from napari_bonemarrow.report.files import write_text
from napari_bonemarrow.report.page.contents import Bar, Picture, ReportPage
from napari_bonemarrow.report.page.drawings import bar_svg
from napari_bonemarrow.report.page.options import ReportOptions
from napari_bonemarrow.report.page.page import report_page
from napari_bonemarrow.review import Case

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

_MIME = {"png": "image/png", "jpg": "image/jpeg", "svg": "image/svg+xml"}


def html_report(
    case: Case,
    *,
    anonymous: bool = False,
    made: datetime | None = None,
    options: ReportOptions | None = None,
) -> str:
    """Return the report as HTML text.

    Parameters
    ----------
    case : Case
    anonymous : bool
        Name the slide by its fingerprint.
    made : datetime, optional
        Time of the report; by default that of the options, or now.
    options : ReportOptions, optional

    Raises
    ------
    ReportError
        If an option is invalid.
    """
    chosen = options or ReportOptions()
    if made is not None:
        chosen = chosen.with_time(made)
    return html_of(report_page(case, anonymous=anonymous, options=chosen))


def html_of(page: ReportPage) -> str:
    """Return a gathered report as HTML text."""
    return _template().render(page=page)


def write_html(
    case: Case, path: Path, *, anonymous: bool = False, options: ReportOptions | None = None
) -> None:
    """Write the report as one HTML page.

    Raises
    ------
    ReportError
        If an option is invalid or the file cannot be written.
    """
    write_text(path, html_report(case, anonymous=anonymous, options=options))


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("napari_bonemarrow.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"drawn": _drawn, "data": _data_of, "inline": _inline}
    return environment.get_template("report.html.j2")


def _drawn(bar: Bar) -> Markup:
    """Return a bar as an element of the page; its texts are escaped where it is drawn."""
    from markupsafe import Markup

    return Markup(bar_svg(bar))


def _inline(picture: Picture) -> Markup:
    """Return a drawing of the program as an element of the page."""
    from markupsafe import Markup

    return Markup(picture.data.decode("utf-8"))


def _data_of(picture: Picture) -> str:
    return f"data:{_MIME[picture.kind]};base64,{b64encode(picture.data).decode('ascii')}"
