"""Files of labels: tables and GeoJSON as rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from napari_bonemarrow.cytology import BoneMarrowError, Field, Region
from napari_bonemarrow.report.exchange.geojson import DERIVED, HALF_PIXEL
from napari_bonemarrow.workflow.exchange.feature_stream import features

_LONGEST = 2**30
"""Largest file of labels, bytes: two million cells as GeoJSON with measurements; it is in memory twice."""


class LabelFileError(BoneMarrowError):
    """A file of labels that cannot be imported; one line for the user."""


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A row with a label: a cell by number, by place, or by both; NaN and None where missing."""

    label: str
    cell: int | None
    x: float
    y: float
    line: int


def read_file(path: Path) -> tuple[str, str]:
    """Return the text of a file of labels and its SHA-256.

    Raises
    ------
    LabelFileError
        If it cannot be read, is too long, or is not UTF-8.
    """
    try:
        if not path.is_file():
            raise LabelFileError(f"{path}: there is no such file: check the path")
        if path.stat().st_size > _LONGEST:
            raise LabelFileError(f"{path}: is longer than {_LONGEST >> 20} MiB: give a table of labels")
        data = path.read_bytes()
        return data.decode("utf-8-sig"), sha256(data).hexdigest()
    except OSError as error:
        raise LabelFileError(f"{path}: cannot be read ({error.strerror}): check its permissions") from error
    except UnicodeDecodeError as error:
        raise LabelFileError(f"{path}: is not UTF-8 text: save it as CSV UTF-8") from error


def label_rows(path: Path, text: str, fields: Sequence[Field]) -> tuple[list[LabelRow], int]:
    """Return rows with a label, and the number of those without.

    Raises
    ------
    LabelFileError
        If it is neither a table nor GeoJSON, or has an invalid number.
    """
    found = _of_geojson(path, text) if text[:99].lstrip()[:1] in ("{", "[") else _of_table(path, text, fields)
    rows, empty = [], 0
    for row in found:
        rows.append(row) if row.label else (empty := empty + 1)
    return rows, empty


def _of_table(path: Path, text: str, fields: Sequence[Field]) -> Iterator[LabelRow]:
    first = text.split("\n", 1)[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    columns = [str(name).strip() for name in reader.fieldnames or ()]
    if len(set(columns)) < len(columns):
        raise LabelFileError(f"{path}: a column occurs twice in its first line: leave one out")
    reader.fieldnames = columns
    places = [
        names for names in (("x_px", "y_px"), ("field", "field_x_px", "field_y_px")) if {*names} <= {*columns}
    ]
    if "label" not in columns or not ("cell_id" in columns or places):
        raise LabelFileError(
            f"{path}: has no columns cell_id,label or x_px,y_px,label or field,field_x_px,field_y_px,label: "
            "name them in its first line"
        )
    try:
        for line, row in enumerate(reader, start=2):
            said = {name: str(row.get(name) or "").strip() for name in columns}
            cell = _whole(path, line, said["cell_id"]) if said.get("cell_id") else None
            x, y = np.nan, np.nan
            if places and said["label"]:
                x, y = _place(path, line, said, places[0], fields)
            yield LabelRow(said["label"], cell, x, y, line)
    except csv.Error as error:
        raise LabelFileError(f"{path}: is not CSV ({error}): save it as CSV UTF-8") from error


def _place(
    path: Path, line: int, said: Mapping[str, str], names: Sequence[str], fields: Sequence[Field]
) -> tuple[float, float]:
    *field, x, y = names
    if not (said[x] and said[y]):
        return np.nan, np.nan
    where = _number(path, line, said[x]), _number(path, line, said[y])
    if not field:
        return where
    region = _field(path, line, said["field"], fields)
    return where[0] + region.x, where[1] + region.y


def _field(path: Path, line: int, text: str, fields: Sequence[Field]) -> Region:
    """Return the place of a field by its number from 1 or its file name."""
    for number, field in enumerate(fields, start=1):
        if text in (str(number), field.name):
            return field.region
    raise LabelFileError(
        f"{path}: line {line}: the case has no field {shortened(text)}: check the column field"
    )


def _whole(path: Path, line: int, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise LabelFileError(f"{path}: line {line}: {shortened(text)} is not a cell number: check cell_id")
    return int(text)


def _number(path: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise LabelFileError(f"{path}: line {line}: {shortened(text)} is not a pixel coordinate: check it")
    return value


def _of_geojson(path: Path, text: str) -> Iterator[LabelRow]:
    """Return points and outlines with a class, in pixels, from QuPath's annotations and detections."""
    try:
        for number, feature in enumerate(features(text), start=1):
            properties = feature.get("properties") or {}
            label = _class_name(properties.get("classification"))
            x, y = _centre(feature["geometry"])
            yield LabelRow(label, None, x - HALF_PIXEL, y - HALF_PIXEL, number)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise LabelFileError(
            f"{path}: is not GeoJSON with points or outlines: export it from QuPath"
        ) from error


def _class_name(classification: Any) -> str:
    """Return a class of QuPath by its name, or by its names where it is derived."""
    if isinstance(classification, dict):
        names = classification.get("names") or ()
        classification = classification.get("name") or DERIVED.join(map(str, names))
    return str(classification or "").strip()


def _centre(geometry: Mapping[str, Any]) -> tuple[float, float]:
    """Return a point, or the middle of an outline, in pixels from the image's corner."""
    kind, places = geometry["type"], geometry["coordinates"]
    if kind == "Polygon":
        places = places[0][:-1] or places[0]
    elif kind == "MultiPolygon":
        places = [place for part in places for place in part[0][:-1]]
    elif kind != "Point":
        raise ValueError("neither a point nor an outline")
    xy = np.asarray(places, float).reshape(-1, 2).mean(axis=0)
    if not np.isfinite(xy).all():
        raise ValueError("no place")
    return float(xy[0]), float(xy[1])


def shortened(text: str) -> str:
    """Return a text of a file, shortened for one line of a terminal."""
    plain = "".join(letter for letter in text if letter.isprintable())
    return plain if len(plain) <= 30 else f"{plain[:30]}…"
