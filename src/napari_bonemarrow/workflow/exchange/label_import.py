"""Import of labels into a case: from a table, or annotations of QuPath."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.report.exchange.geojson import DERIVED
from napari_bonemarrow.review import Case
from napari_bonemarrow.workflow.exchange.label_file import (
    LabelFileError,
    LabelRow,
    label_rows,
    read_file,
    shortened,
)

SAME_CELL_UM = 4.0
"""Largest distance of a place from its cell: the nuclei of two touching lymphocytes lie 6 µm apart."""
_NAMED = 5
"""Most unknown classes named in a line; of others, only the number is given."""
_CODES = {code.casefold(): code for code in CLASSES} | {
    cell.name.casefold(): cell.code for cell in CLASSES.values()
}


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
    unknown_names : dict of str to int
        Every unknown class and its rows, the most frequent first; long names are shortened.
    """

    taken: int
    changed: int
    kept: int
    unmatched: int
    unknown: int
    empty: int
    unknown_names: dict[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Return the result in one line."""
        names = [f"{number} {name}" for name, number in self.unknown_names.items()]
        more = f" and {count_of(len(names) - _NAMED, 'other name')}" if len(names) > _NAMED else ""
        named = f" ({', '.join(names[:_NAMED])}{more})" if names else ""
        parts = [f"{self.taken} taken", f"{self.unmatched} not matched", f"{self.unknown} unknown{named}"]
        if self.empty:
            parts.append(f"{self.empty} without a label")
        if self.kept:
            parts.append(f"{self.kept} kept as a reviewer has them")
        return ", ".join(parts)


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
    text, digest = read_file(path)
    rows, empty = label_rows(path, text, case.slide_record.fields)
    labels, unmatched, unknown = _matched(case, path, rows)
    before = case.labels
    kept = {cell for cell in labels if not vouch and cell in before and not before[cell].imported}
    wanted = {cell: code for cell, code in labels.items() if cell not in kept}
    change = case.edits.import_labels(wanted, digest, vouch=vouch) if wanted else None
    names = Counter(shortened(name) for name in unknown)
    return Imported(
        taken=len(wanted),
        changed=0 if change is None else len(change.cell_ids),
        kept=len(kept),
        unmatched=unmatched,
        unknown=len(unknown),
        empty=empty,
        unknown_names=dict(names.most_common()),
    )


def _code_of(label: str) -> str | None:
    """Return the code of a class by code or name, also of a derived one: ``BLA: auer_rod`` is BLA.

    A name with two different classes has none.
    """
    whole = _CODES.get(label.casefold())
    if whole is not None or DERIVED.strip() not in label:
        return whole
    parts = {_CODES.get(part.strip().casefold()) for part in label.split(DERIVED.strip())} - {None}
    return parts.pop() if len(parts) == 1 else None


def _matched(case: Case, path: Path, rows: Sequence[LabelRow]) -> tuple[dict[int, str], int, list[str]]:
    """Return codes by cell, rows without a cell, and unknown classes."""
    labels: dict[int, str] = {}
    unmatched, unknown = 0, []
    for row, cell in zip(rows, _cells_of(case, rows), strict=True):
        code = _code_of(row.label)
        if code is None:
            unknown.append(row.label)
        elif cell < 0:
            unmatched += 1
        elif labels.setdefault(cell, code) != code:
            raise LabelFileError(
                f"{path}: cell {cell} gets two classes, {labels[cell]} and {code} (row {row.line}): leave one"
            )
    return labels, unmatched, unknown


def _cells_of(case: Case, rows: Sequence[LabelRow]) -> list[int]:
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
    at = np.minimum(at, len(cells) - 1)  # scipy gives the number of cells for an overflowing distance
    found[placed] = np.where(reach * microns <= SAME_CELL_UM, cells.cell_id[at], -1)
    return found
