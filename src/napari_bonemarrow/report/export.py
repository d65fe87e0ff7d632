"""Write a case in any of the formats on offer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari_bonemarrow.report.document import differential_json
from napari_bonemarrow.report.files import ReportError, write_text
from napari_bonemarrow.report.geojson import geojson_text
from napari_bonemarrow.report.html import html_report
from napari_bonemarrow.report.tables import write_cells_csv
from napari_bonemarrow.review import Case


def write_differential_json(case: Case, path: Path, *, anonymous: bool = False) -> None:
    """Write ``differential.json``.

    Raises
    ------
    ReportError
    """
    write_text(path, differential_json(case, anonymous=anonymous))


def write_html(case: Case, path: Path, *, anonymous: bool = False) -> None:
    """Write the report as one HTML page.

    Raises
    ------
    ReportError
    """
    write_text(path, html_report(case, anonymous=anonymous))


def write_geojson(case: Case, path: Path, *, anonymous: bool = False) -> None:
    """Write the cells as GeoJSON points in level-0 pixels, which QuPath imports.

    Raises
    ------
    ReportError
    """
    write_text(path, geojson_text(case))


def _write_csv(case: Case, path: Path, *, anonymous: bool = False) -> None:
    write_cells_csv(case, path)  # it names no file


_WRITERS: dict[str, Callable[..., None]] = {
    "csv": _write_csv,
    "json": write_differential_json,
    "html": write_html,
    "geojson": write_geojson,
}
FORMATS = tuple(_WRITERS)


def export(case: Case, format: str, path: Path, *, anonymous: bool = False) -> None:
    """Write a case to a file.

    Parameters
    ----------
    case : Case
    format : {"csv", "json", "html", "geojson"}
    path : Path
    anonymous : bool
        Name the slide by its fingerprint instead of its file.

    Raises
    ------
    ReportError
        An unknown format, or the file cannot be written.
    """
    writer = _WRITERS.get(format)
    if writer is None:
        raise ReportError(f"{format}: no such format: choose one of {', '.join(FORMATS)}")
    writer(case, path, anonymous=anonymous)
