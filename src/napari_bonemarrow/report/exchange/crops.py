"""Crops of the reviewed cells, one folder per class."""

from __future__ import annotations

import io
from pathlib import Path

from napari_bonemarrow.report.files import ReportError, make_folder, write_bytes
from napari_bonemarrow.review import Case


def write_crops(case: Case, path: Path, *, anonymous: bool = False) -> None:
    """Write a crop of each reviewed cell into one folder per class, as `train` reads them.

    Parameters
    ----------
    case : Case
    path : Path
        The folder, made if missing. Crops are 250 px at 0.1 µm per pixel, named by the slide's fingerprint
        and the cell's number.
    anonymous : bool
        Without effect: crops never name the slide's file.

    Raises
    ------
    ReportError, CaseError, SlideError
        If nothing is reviewed, nothing can be written, or the slide cannot be found or read.
    """
    from PIL import Image

    from napari_bonemarrow.slides import cut_crops, open_slide

    if case.distrust:
        raise ReportError(f"{case.path}: no pictures to learn from. {case.distrust}")
    cells = case.cells.select(case.reviewed())
    if not len(cells):
        raise ReportError(f"{case.path}: no cell has been reviewed yet: only reviewed cells become crops")
    slide = open_slide(case.slide_file.require())
    case.slide_file.check(slide)
    slide = slide.with_scale(case.scale)
    for cell_id, crop in zip(cells.cell_id.tolist(), cut_crops(slide, cells.x, cells.y), strict=True):
        folder = make_folder(path / case.labels[cell_id].code)
        file = io.BytesIO()
        Image.fromarray(crop).save(file, "PNG")
        write_bytes(folder / f"{slide.fingerprint[:12]}_{cell_id}.png", file.getvalue())
