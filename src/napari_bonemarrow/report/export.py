"""Write a case in any of the formats on offer."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from napari_bonemarrow.report.document import differential_json
from napari_bonemarrow.report.files import ReportError, make_folder, write_bytes, write_text
from napari_bonemarrow.report.geojson import geojson_text
from napari_bonemarrow.report.html import html_report
from napari_bonemarrow.report.tables import write_cells_csv
from napari_bonemarrow.report.tally import write_tally_csv
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


def write_crops(case: Case, path: Path, *, anonymous: bool = False) -> None:
    """Write a picture of each cell that a reviewer has classed, into a folder a class, as `train` reads them.

    Parameters
    ----------
    case : Case
    path : Path
        A folder; it is made. Pictures are 250 px at 0.1 µm per pixel, named by the slide's fingerprint
        and the cell's number.
    anonymous : bool
        They never name the slide's file.

    Raises
    ------
    ReportError, CaseError, SlideError
        Nothing is reviewed, nothing can be written, or the slide cannot be found or read.
    """
    from PIL import Image

    from napari_bonemarrow.slides import cut_crops, open_slide

    if case.distrust:
        raise ReportError(f"{case.path}: no pictures to learn from. {case.distrust}")
    cells = case.cells.select(case.reviewed())
    if not len(cells):
        raise ReportError(f"{case.path}: no cell has been reviewed yet: only reviewed cells become crops")
    slide = open_slide(case.require_slide())
    case.check_slide(slide)
    slide = slide.with_scale(case.scale)
    for cell_id, crop in zip(cells.cell_id.tolist(), cut_crops(slide, cells.x, cells.y), strict=True):
        folder = make_folder(path / case.labels[cell_id].code)
        file = io.BytesIO()
        Image.fromarray(crop).save(file, "PNG")
        write_bytes(folder / f"{slide.fingerprint[:12]}_{cell_id}.png", file.getvalue())


def _write_csv(case: Case, path: Path, *, anonymous: bool = False) -> None:
    write_cells_csv(case, path)  # it names no file


_WRITERS: dict[str, Callable[..., None]] = {
    "csv": _write_csv,
    "json": write_differential_json,
    "html": write_html,
    "geojson": write_geojson,
    "crops": write_crops,
    "tally": write_tally_csv,
}
FORMATS = tuple(_WRITERS)


def export(case: Case, format: str, path: Path, *, anonymous: bool = False) -> None:
    """Write a case to a file.

    Parameters
    ----------
    case : Case
    format : {"csv", "json", "html", "geojson", "crops", "tally"}
    path : Path
        A file; a folder for ``crops``.
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
