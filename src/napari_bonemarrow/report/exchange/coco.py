"""Cells in the JSON of the COCO data set, which detection networks read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from napari_bonemarrow.cytology import CLASSES, Region
from napari_bonemarrow.cytology.statements import RESEARCH_USE
from napari_bonemarrow.report.exchange.codes import CELL_ONTOLOGY
from napari_bonemarrow.report.exchange.exchanged_cells import ExchangedCells, exchanged_cells
from napari_bonemarrow.report.exchange.geojson import HALF_PIXEL
from napari_bonemarrow.report.files import draft
from napari_bonemarrow.review import Case, SlideRecord
from napari_bonemarrow.review.journal.program import program_name

_NUMBERS = {code: number for number, code in enumerate(CLASSES, start=1)}
_UNCLASSIFIED = len(CLASSES) + 1


def write_coco(case: Case, path: Path, *, anonymous: bool = False) -> None:
    """Write images, categories and a box per cell.

    The image is the slide, or each field of a folder. A box is the square around a cell of its diameter, cut
    at the image's border; its area is the circle's. A case keeps no outlines, so there are no segmentations.
    ``attributes`` tell whether a cell counts and is reviewed.

    Parameters
    ----------
    case : Case
    path : Path
    anonymous : bool
        Name images by the slide's fingerprint instead of their files.

    Raises
    ------
    ReportError
    """
    cells, images = exchanged_cells(case), _images(case.slide_record, anonymous)
    info = {"description": f"Bone-marrow smear. {RESEARCH_USE}.", "version": program_name()}
    if case.distrust:
        info["distrust"] = case.distrust
    head = {"info": info, "licenses": [], "images": [image for image, _place in images]}
    head["categories"] = _categories("" in cells.code)
    with draft(path) as part, part.open("wb") as file:
        file.write(to_json(head)[:-1] + b',"annotations":[\n')
        for number, annotation in enumerate(_annotations(case, cells, [place for _image, place in images])):
            file.write((b",\n" if number else b"") + to_json(annotation))
        file.write(b"\n]}\n")


def _images(record: SlideRecord, anonymous: bool) -> list[tuple[dict[str, Any], Region]]:
    """Return each image with its place in the case's pixels."""
    named = [(record.name, Region(0, 0, record.width, record.height))]
    if record.fields and not record.is_misplaced:
        named = [(field.name, field.region) for field in record.fields]
    return [
        (
            {
                "id": number,
                "file_name": f"{record.fingerprint[:12]}-{number}" if anonymous else name,
                "width": int(place.width),
                "height": int(place.height),
            },
            place,
        )
        for number, (name, place) in enumerate(named, start=1)
    ]


def _categories(with_unclassified: bool) -> list[dict[str, Any]]:
    """Return every class, so that the numbers of two files agree; the code is the name."""
    made: list[dict[str, Any]] = [
        {"id": _NUMBERS[code], "name": code, "supercategory": str(cell.lineage), "title": cell.name}
        for code, cell in CLASSES.items()
    ]
    for each in made:
        if each["name"] in CELL_ONTOLOGY:
            each["cell_ontology"] = CELL_ONTOLOGY[each["name"]]
    if with_unclassified:
        made.append({"id": _UNCLASSIFIED, "name": "unclassified", "supercategory": "unclassified"})
    return made


def _annotations(case: Case, cells: ExchangedCells, places: list[Region]) -> Iterator[dict[str, Any]]:
    which = _nearest(places, cells)
    boxes = _boxes(case, cells, places, which).tolist()
    areas = (np.pi / 4 * cells.diameter_px(case.microns_per_pixel) ** 2).round(2).tolist()
    scores = cells.score.astype(float).round(3).tolist()
    confidence = cells.confidence.astype(float).round(4).tolist()
    in_frame, reviewed = cells.in_frame.tolist(), cells.reviewed.tolist()
    for at, cell_id in enumerate(cells.cell_id.tolist()):
        attributes = {"in_frame": in_frame[at], "reviewed": reviewed[at]}
        if cells.predicted[at]:
            attributes |= {"predicted": cells.predicted[at], "confidence": confidence[at]}
        yield {
            "id": cell_id,
            "image_id": int(which[at]) + 1,
            "category_id": _NUMBERS.get(cells.code[at], _UNCLASSIFIED),
            "bbox": boxes[at],
            "area": areas[at],
            "iscrowd": 0,
            "score": scores[at],
            "attributes": attributes,
        }


def _nearest(places: list[Region], cells: ExchangedCells) -> NDArray[np.intp]:
    """Return the image of each cell: the one it lies in, which is the nearest to it."""
    found, least = np.zeros(len(cells), np.intp), np.full(len(cells), np.inf)
    for number, place in enumerate(places):
        across = np.maximum(np.maximum(place.x - cells.x, cells.x - (place.x + place.width - 1)), 0)
        down = np.maximum(np.maximum(place.y - cells.y, cells.y - (place.y + place.height - 1)), 0)
        closer = np.hypot(across, down) < least
        found[closer] = number
        least = np.minimum(least, np.hypot(across, down))
    return found


def _boxes(
    case: Case, cells: ExchangedCells, places: list[Region], which: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return left, top, width and height of each box from its image's corner, px."""
    left, top, width, height = np.array([[p.x, p.y, p.width, p.height] for p in places]).T[:, which]
    radius = cells.diameter_px(case.microns_per_pixel) / 2
    x, y = cells.x - left + HALF_PIXEL, cells.y - top + HALF_PIXEL
    start = np.clip([x - radius, y - radius], 0, [width, height])
    stop = np.clip([x + radius, y + radius], 0, [width, height])
    return np.concatenate([start, stop - start]).T.round(2)
