"""Cells as GeoJSON, for QuPath and geographic tools."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from napari_bonemarrow.cytology import CLASSES, images_at
from napari_bonemarrow.report.document import FIELD_COLUMNS
from napari_bonemarrow.report.exchange.exchanged_cells import ExchangedCells, exchanged_cells
from napari_bonemarrow.report.files import draft
from napari_bonemarrow.review import Case

HALF_PIXEL = 0.5
"""Offset of QuPath's origin, the image's corner, from ours, the centre of the first pixel."""
DERIVED = ": "
"""What QuPath writes between a class and those derived from it, here the tags: ``BLA: auer_rod``."""
_DIGITS = 3


def write_geojson(case: Case, path: Path, *, anonymous: bool = False) -> None:
    """Write a FeatureCollection with a point per cell, which QuPath imports as detections.

    Coordinates are level-0 pixels from the image's corner, as in QuPath. Each cell has its effective class
    with its tags as derived classes, ``measurements`` (diameter, detection score, confidence and the
    probability of each class from 0.0005 on), and in ``metadata`` its number and whether it counts. In a
    folder of fields, coordinates refer to the fields side by side, and ``metadata`` has the place in a field.

    Parameters
    ----------
    case : Case
    path : Path
    anonymous : bool
        Without effect: the file names no other.

    Raises
    ------
    ReportError
    """
    with draft(path) as part, part.open("wb") as file:
        # RFC 7946, 6.1 allows foreign members.
        distrust = b'"distrust":' + to_json(case.distrust) + b"," if case.distrust else b""
        file.write(b'{"type":"FeatureCollection",' + distrust + b'"features":[\n')
        for number, feature in enumerate(_features(case)):
            file.write((b",\n" if number else b"") + to_json(feature))
        file.write(b"\n]}\n")


def _features(case: Case) -> Iterator[dict[str, Any]]:
    cells = exchanged_cells(case)
    measured, places = _measurements(cells), _places(case, cells)
    names = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:uuid:{case.case_id}")
    x, y = (cells.x + HALF_PIXEL).round(2).tolist(), (cells.y + HALF_PIXEL).round(2).tolist()
    in_frame, reviewed = cells.in_frame.tolist(), cells.reviewed.tolist()
    for at, cell_id in enumerate(cells.cell_id.tolist()):
        code = cells.code[at]
        properties: dict[str, Any] = {"objectType": "detection", "name": str(cell_id)}
        if code:
            properties["classification"] = _classification(code, cells.tags.get(cell_id, frozenset()))
        properties["measurements"] = next(measured)
        properties["metadata"] = {
            "cell_id": str(cell_id),
            "in_frame": "true" if in_frame[at] else "false",
            "reviewed": "true" if reviewed[at] else "false",
            "predicted": cells.predicted[at],
            **next(places),
        }
        yield {
            "type": "Feature",
            "id": str(uuid.uuid5(names, str(cell_id))),
            "geometry": {"type": "Point", "coordinates": [x[at], y[at]]},
            "properties": properties,
        }


def _classification(code: str, tags: frozenset[str]) -> dict[str, Any]:
    color = CLASSES[code].color.lstrip("#")
    rgb = [int(color[start : start + 2], 16) for start in (0, 2, 4)]
    return {"name": DERIVED.join((code, *sorted(tags))), "color": rgb}


def _measurements(cells: ExchangedCells) -> Iterator[dict[str, float]]:
    diameters = cells.diameter_um.astype(float).round(2).tolist()
    scores = cells.score.astype(float).round(_DIGITS).tolist()
    names = [f"Probability: {code}" for code in cells.classes]
    for at, (diameter, score) in enumerate(zip(diameters, scores, strict=True)):
        measured = {"Diameter µm": diameter, "Detection score": score}
        if cells.predicted[at]:
            measured["Confidence"] = round(float(cells.confidence[at]), _DIGITS)
        row = cells.probabilities[at].astype(float).round(_DIGITS).tolist()
        yield measured | {name: value for name, value in zip(names, row, strict=True) if value > 0}


def _places(case: Case, cells: ExchangedCells) -> Iterator[dict[str, str]]:
    """Return the field of each cell and the place in it, as in ``cells.csv``; all values are texts."""
    record = case.slide_record
    fields = () if record.is_misplaced else record.fields
    for at, which in enumerate(images_at([field.region for field in fields], cells.x, cells.y).tolist()):
        if which < 0:
            yield {}
            continue
        region = fields[which].region
        place = (str(which + 1), f"{cells.x[at] - region.x:.2f}", f"{cells.y[at] - region.y:.2f}")
        yield dict(zip(FIELD_COLUMNS, place, strict=True))
