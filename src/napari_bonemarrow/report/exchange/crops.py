"""Crops of the reviewed cells in the layout of the TCIA data set, as training reads them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from napari_bonemarrow.cytology import Cells
from napari_bonemarrow.cytology.defaults import CROP_MICRONS_PER_PIXEL
from napari_bonemarrow.report.files import ReportError, in_turn, make_folder, write_bytes, write_text
from napari_bonemarrow.report.tables import table
from napari_bonemarrow.review import Case

INDEX = "index.csv"
"""The table of a folder's crops, which `train` also reads: it keeps the cells of a slide together."""
COLUMNS = ("file", "label", "slide", "microns_per_pixel", "scheme", "case", "cell_id")
_THOUSAND = 1000
"""Crops of a class from which its folder is divided, and of a division."""
_AT_ONCE = 256
"""Crops in memory: 48 MB."""
_OURS = re.compile(r"([A-Z]{3})/(?:\d{4,}-\d{4,}/)?\1_(\d{5,})\.png")

Row = Mapping[str, object]


def write_crops(case: Case, path: Path, *, anonymous: bool = False) -> None:
    """Write a crop of each reviewed cell into one folder per class, as `train` reads them.

    Crops are 250 px at 0.1 µm per pixel, named ``BLA/BLA_00001.png``, and ``BLA/0001-1000/BLA_00001.png`` in
    a class of more than 1,000. Several cases can go into one folder: numbers go on, and ``index.csv`` tells
    the case and cell of each. An earlier export of the same case is replaced.

    Parameters
    ----------
    case : Case
    path : Path
        The folder, made if missing.
    anonymous : bool
        Without effect: neither crops nor table name the slide's file.

    Raises
    ------
    ReportError, CaseError, SlideError
        If nothing is reviewed, nothing can be written, or the slide cannot be found or read.
    """
    if case.distrust:
        raise ReportError(f"{case.path}: no pictures to learn from. {case.distrust}")
    cells = case.cells.select(case.reviewed())
    if not len(cells):
        raise ReportError(f"{case.path}: no cell has been reviewed yet: only reviewed cells become crops")
    crops = _crops(case, cells)
    first = next(crops)  # before anything is written: the slide may be gone
    with in_turn(make_folder(path) / INDEX):
        rows = _rows(path / INDEX)
        kept = [row for row in rows if row["case"] != case.case_id]
        names = _names([case.labels[cell].code for cell in cells.cell_id.tolist()], rows)
        new = []
        for (cell_id, data), name in zip(_chained(first, crops), names, strict=True):
            make_folder((path / name).parent)
            write_bytes(path / name, data)
            new.append(_row(case, cell_id, name))
        about = {"microns_per_pixel": CROP_MICRONS_PER_PIXEL, "scheme": "bmc21"}
        write_text(path / "source.json", json.dumps(about) + "\n")
        write_text(path / INDEX, table(COLUMNS, [*kept, *new]))
        for row in rows:
            if row["case"] == case.case_id:
                (path / str(row["file"])).unlink(missing_ok=True)


def _crops(case: Case, cells: Cells) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the PNG of each cell."""
    from PIL import Image

    from napari_bonemarrow.slides import cut_crops, open_slide

    slide = open_slide(case.slide_file.require())
    case.slide_file.check(slide)
    slide = slide.with_scale(case.scale)
    for start in range(0, len(cells), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        crops = cut_crops(slide, cells.x[some], cells.y[some])
        for cell_id, crop in zip(cells.cell_id[some].tolist(), crops, strict=True):
            file = io.BytesIO()
            Image.fromarray(crop).save(file, "PNG")
            yield cell_id, file.getvalue()


def _chained(first: tuple[int, bytes], rest: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    yield first
    yield from rest


def _names(codes: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Return a new name for a crop of each class in turn, after those in the folder."""
    last: Counter[str] = Counter()
    for row in rows:
        found = _OURS.fullmatch(str(row["file"]))
        if found is not None:
            last[found[1]] = max(last[found[1]], int(found[2]))
    total, names = last + Counter(codes), []
    for code in codes:
        last[code] += 1
        number = last[code]
        begin = (number - 1) // _THOUSAND * _THOUSAND + 1
        part = f"{begin:04d}-{begin + _THOUSAND - 1:04d}/" if total[code] > _THOUSAND else ""
        names.append(f"{code}/{part}{code}_{number:05d}.png")
    return names


def _row(case: Case, cell_id: int, name: str) -> dict[str, object]:
    return {
        "file": name,
        "label": case.labels[cell_id].code,
        "slide": case.slide_record.fingerprint[:12],
        "microns_per_pixel": CROP_MICRONS_PER_PIXEL,
        "scheme": "bmc21",
        "case": case.case_id,
        "cell_id": cell_id,
    }


def _rows(path: Path) -> list[dict[str, object]]:
    """Return the rows of a folder's table, none from a folder without one."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows: list[dict[str, object]] = [dict(row) for row in csv.DictReader(file)]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReportError(f"{path}: cannot be read to add to it: choose another folder") from error
    for row in rows:
        if not ({*COLUMNS} <= row.keys() and _OURS.fullmatch(str(row["file"]))):
            raise ReportError(f"{path}: is not a table of crops of this program: choose another folder")
    return rows
