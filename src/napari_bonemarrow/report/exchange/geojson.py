"""Cells as GeoJSON, for QuPath and geographic tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.report.document import FIELD_COLUMNS, cell_rows
from napari_bonemarrow.report.files import write_text
from napari_bonemarrow.review import Case


def geojson_text(case: Case) -> str:
    """Return a FeatureCollection with a point per cell.

    Coordinates are level-0 pixels with the origin at the image's corner, as in QuPath: half a pixel more than
    ours, whose origin is the centre of the first pixel. In a folder of fields they refer to the fields side
    by side; the properties give field and place in it, as in ``cells.csv``.
    """
    codes = case.effective_codes()
    features = [_feature(row, code) for row, code in zip(cell_rows(case), codes, strict=True)]
    collection: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    if case.distrust:  # RFC 7946, 6.1 allows foreign members
        collection["distrust"] = case.distrust
    return json.dumps(collection, ensure_ascii=False) + "\n"


def write_geojson(case: Case, path: Path, *, anonymous: bool = False) -> None:
    """Write the cells as GeoJSON points in level-0 pixels, which QuPath imports.

    Raises
    ------
    ReportError
    """
    write_text(path, geojson_text(case))


def _feature(row: dict[str, object], code: str) -> dict[str, Any]:
    properties: dict[str, Any] = {"objectType": "annotation", "name": str(row["cell_id"])}
    if code:
        color = CLASSES[code].color.lstrip("#")
        rgb = [int(color[start : start + 2], 16) for start in (0, 2, 4)]
        properties["classification"] = {"name": code, "color": rgb}
    for key in ("predicted", "confidence", "label", *FIELD_COLUMNS):
        if key in row:
            properties[key] = row[key]
    return {
        "type": "Feature",
        "id": int(str(row["cell_id"])),
        "geometry": {
            "type": "Point",
            "coordinates": [float(str(row["x_px"])) + 0.5, float(str(row["y_px"])) + 0.5],
        },
        "properties": properties,
    }
