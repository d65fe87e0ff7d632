"""Import of labels into a case: from a table, or annotations of QuPath."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from napari_bonemarrow.cytology import CLASSES, BoneMarrowError, Region
from napari_bonemarrow.review import Case

SAME_CELL_UM = 4.0
"""Largest distance of a place from its cell: the nuclei of two touching lymphocytes lie 6 µm apart."""
_LONGEST = 200 * 2**20
"""Largest file of labels, bytes: two million rows."""
_NAMED = 5
"""Most unknown classes and cells named in a line; of others, only the number is given."""
_HALF_PIXEL = 0.5
"""Offset of QuPath's origin, the image's corner, from ours, the centre of the first pixel."""
_CODES = {code.casefold(): code for code in CLASSES} | {
    cell.name.casefold(): cell.code for cell in CLASSES.values()
}


class LabelFileError(BoneMarrowError):
    """A file of labels that cannot be imported; one line for the user."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of importing a file of labels.

    Attributes
    ----------
    taken : int
        Cells with the file's class now, including those that had it before.
    changed : int
        Cells among them whose class or status changed.
    kept : int
        Cells that keep a reviewer's class, since no reviewer vouches for the file.
    unmatched : int
        Rows without a cell of the case.
    unknown : int
        Rows with an unknown class.
    empty : int
        Rows without a class, which are ignored.
    unknown_names : tuple of str
        Up to five of the unknown classes.
    """

    taken: int
    changed: int
    kept: int
    unmatched: int
    unknown: int
    empty: int
    unknown_names: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return the result in one line."""
        named = f" ({', '.join(self.unknown_names)})" if self.unknown_names else ""
        parts = [f"{self.taken} taken", f"{self.unmatched} not matched", f"{self.unknown} unknown{named}"]
        if self.empty:
            parts.append(f"{self.empty} without a label")
        if self.kept:
            parts.append(f"{self.kept} kept as a reviewer has them")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row with a label: a cell by number, by place, or by both; NaN and None where missing."""

    label: str
    cell: int | None
    x: float
    y: float
    line: int


def import_labels(case: Case, path: Path | str, *, vouch: bool = False) -> Imported:
    """Import the labels of a file into a case, as one act with one undo.

    Parameters
    ----------
    case : Case
        Open for writing. The labels are written under its ``reviewer``'s name.
    path : Path or str
        A CSV file (comma, semicolon or tab) with the column ``label`` and ``cell_id``, or ``x_px`` and
        ``y_px``, or ``field``, ``field_x_px`` and ``field_y_px``; or GeoJSON from QuPath. A place belongs to
        the nearest cell within 4 µm. Where a row has number and place, both must fit.
    vouch : bool
        Whether that reviewer vouches for them, so that they count as reviewed. Otherwise they count as
        imported, lift no warning, and do not replace a reviewer's class.

    Returns
    -------
    Imported

    Raises
    ------
    LabelFileError
        If the file cannot be read, lacks these columns, has an invalid number, or gives one cell two
        classes. Nothing is written then.
    CaseError
        If the case accepts no labels now.
    """
    path = Path(path)
    data = _read(path)
    rows, empty = _rows(case, path, data)
    labels, unmatched, unknown = _matched(case, path, rows)
    before = case.labels
    kept = [cell for cell in labels if not vouch and cell in before and not before[cell].imported]
    wanted = {cell: code for cell, code in labels.items() if cell not in set(kept)}
    change = case.edits.import_labels(wanted, sha256(data).hexdigest(), vouch=vouch) if wanted else None
    names = dict.fromkeys(_shortened(name) for name in unknown)
    return Imported(
        taken=len(wanted),
        changed=0 if change is None else len(change.cell_ids),
        kept=len(kept),
        unmatched=unmatched,
        unknown=len(unknown),
        empty=empty,
        unknown_names=tuple(names)[:_NAMED],
    )


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise LabelFileError(f"{path}: there is no such file: check the path")
        if path.stat().st_size > _LONGEST:
            raise LabelFileError(f"{path}: is longer than {_LONGEST >> 20} MiB: give a table of labels")
        return path.read_bytes()
    except OSError as error:
        raise LabelFileError(f"{path}: cannot be read ({error.strerror}): check its permissions") from error


def _rows(case: Case, path: Path, data: bytes) -> tuple[list[_Row], int]:
    """Return rows with a label, and the number of those without."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabelFileError(f"{path}: is not UTF-8 text: save it as CSV UTF-8") from error
    found = _of_geojson(path, text) if text.lstrip()[:1] == "{" else _of_table(case, path, text)
    rows, empty = [], 0
    for row in found:
        rows.append(row) if row.label else (empty := empty + 1)
    return rows, empty


def _of_table(case: Case, path: Path, text: str) -> Iterator[_Row]:
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
    fields = case.slide_record.fields
    try:
        for line, row in enumerate(reader, start=2):
            said = {name: str(row.get(name) or "").strip() for name in columns}
            cell = _whole(path, line, said["cell_id"]) if said.get("cell_id") else None
            x, y = np.nan, np.nan
            if places and said["label"]:
                x, y = _place(path, line, said, places[0], fields)
            yield _Row(said["label"], cell, x, y, line)
    except csv.Error as error:
        raise LabelFileError(f"{path}: is not CSV ({error}): save it as CSV UTF-8") from error


def _place(
    path: Path, line: int, said: Mapping[str, str], names: Sequence[str], fields: Sequence[Any]
) -> tuple[float, float]:
    *field, x, y = names
    if not (said[x] and said[y]):
        return np.nan, np.nan
    where = _number(path, line, said[x]), _number(path, line, said[y])
    if not field:
        return where
    region = _field(path, line, said["field"], fields)
    return where[0] + region.x, where[1] + region.y


def _field(path: Path, line: int, text: str, fields: Sequence[Any]) -> Region:
    """Return the place of a field by its number from 1 or its file name."""
    for number, field in enumerate(fields, start=1):
        if text in (str(number), field.name):
            region: Region = field.region
            return region
    raise LabelFileError(
        f"{path}: line {line}: the case has no field {_shortened(text)}: check the column field"
    )


def _whole(path: Path, line: int, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise LabelFileError(f"{path}: line {line}: {_shortened(text)} is not a cell number: check cell_id")
    return int(text)


def _number(path: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise LabelFileError(f"{path}: line {line}: {_shortened(text)} is not a pixel coordinate: check it")
    return value


def _of_geojson(path: Path, text: str) -> Iterator[_Row]:
    """Return points and outlines with a class, in pixels, from QuPath's annotations and detections."""
    try:
        whole = from_json(text, allow_inf_nan=False)
        features = whole["features"] if isinstance(whole, dict) and "features" in whole else [whole]
        for number, feature in enumerate(features, start=1):
            properties = feature.get("properties") or {}
            label = properties.get("classification") or {}
            name = (
                label.get("name") or ": ".join(label.get("names") or ()) if isinstance(label, dict) else label
            )
            x, y = _centre(feature["geometry"])
            yield _Row(str(name or "").strip(), None, x - _HALF_PIXEL, y - _HALF_PIXEL, number)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise LabelFileError(
            f"{path}: is not GeoJSON with points or outlines: export it from QuPath"
        ) from error


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


def _matched(case: Case, path: Path, rows: Sequence[_Row]) -> tuple[dict[int, str], int, list[str]]:
    """Return codes by cell, rows without a cell, and unknown classes."""
    labels: dict[int, str] = {}
    unmatched, unknown = 0, []
    for row, cell in zip(rows, _cells_of(case, rows), strict=True):
        code = _CODES.get(row.label.casefold())
        if code is None:
            unknown.append(row.label)
        elif cell < 0:
            unmatched += 1
        elif labels.setdefault(cell, code) != code:
            raise LabelFileError(
                f"{path}: cell {cell} gets two classes, {labels[cell]} and {code} (row {row.line}): leave one"
            )
    return labels, unmatched, unknown


def _cells_of(case: Case, rows: Sequence[_Row]) -> list[int]:
    """Return the cell of each row by number and by place, -1 without one."""
    x, y = np.array([row.x for row in rows], float), np.array([row.y for row in rows], float)
    nearest = _nearest(case, x, y)
    found = []
    for row, near, placed in zip(rows, nearest.tolist(), np.isfinite(x).tolist(), strict=True):
        if row.cell is None:
            found.append(near)
        else:
            fits = case.has_cell(row.cell) and (not placed or near == row.cell)
            found.append(row.cell if fits else -1)
    return found


def _nearest(case: Case, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the nearest cell within 4 µm of each place, -1 without one."""
    found = np.full(len(x), -1, np.int64)
    cells, microns, placed = case.cells, case.microns_per_pixel, np.isfinite(x)
    if not len(cells) or microns is None or not placed.any():
        return found
    from scipy.spatial import KDTree

    reach, at = KDTree(np.column_stack([cells.x, cells.y])).query(np.column_stack([x[placed], y[placed]]))
    found[placed] = np.where(reach * microns <= SAME_CELL_UM, cells.cell_id[at], -1)
    return found


def _shortened(text: str) -> str:
    """Return a text of a file, shortened for one line of a terminal."""
    plain = "".join(letter for letter in text if letter.isprintable())
    return plain if len(plain) <= 30 else f"{plain[:30]}…"
