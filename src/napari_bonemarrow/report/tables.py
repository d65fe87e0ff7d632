"""CSV tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_bonemarrow.cytology import CLASSES, Cells, Differential, Field
from napari_bonemarrow.report.document import (
    CELL_COLUMNS,
    FIELD_COLUMNS,
    FOUND_COLUMNS,
    cell_rows,
    found_rows,
    further_columns,
)
from napari_bonemarrow.report.files import ReportError, in_turn, write_text
from napari_bonemarrow.review import Case


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """The result of one input.

    Attributes
    ----------
    input : str
        The file as found, or its anonymous name.
    folder : str
        Name of its folder of results, empty without one.
    error : str
        One line, empty on success.
    microns_per_pixel : float or None
    scale_source : str
    found : int
        Cells found, in the frame or not.
    differential : Differential or None
        None if nothing was classified.
    model, device : str
        The bundle and its device; no device if the case was already complete.
    seconds : float
    """

    input: str
    folder: str = ""
    error: str = ""
    microns_per_pixel: float | None = None
    scale_source: str = ""
    found: int = 0
    differential: Differential | None = None
    model: str = ""
    device: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Return whether the input succeeded."""
        return not self.error

    def values(self) -> dict[str, object]:
        """Return the row of ``summary.csv``; only counts, since a percentage needs its interval."""
        row: dict[str, object] = {
            "input": self.input,
            "folder": self.folder,
            "status": "ok" if self.ok else "error",
            "error": self.error,
            "microns_per_pixel": self.microns_per_pixel,
            "scale_source": self.scale_source,
            "cells_found": self.found if self.ok else None,
            "seconds": round(self.seconds, 2),
            "model": self.model,
            "device": self.device,
        }
        count = self.differential
        if count is None:
            return row
        ratio = count.ratios["m_to_e"].value
        row |= {
            "counted": count.counted,
            "excluded": sum(count.excluded.values()),
            "reviewed": count.reviewed,
            "unreviewed": count.unreviewed,
            "imported": count.imported,
            "m_to_e": None if ratio is None else round(ratio, 2),
            "flags": " ".join(flag.code for flag in count.flags),
        }
        row |= {f"n_{entry.code}": entry.count for entry in count.classes}
        return row | {f"n_{code}": number for code, number in count.excluded.items()}


_SUMMARY_COLUMNS = (
    "input",
    "folder",
    "status",
    "error",
    "microns_per_pixel",
    "scale_source",
    "cells_found",
    "counted",
    "excluded",
    "reviewed",
    "unreviewed",
    "imported",
    "m_to_e",
    "flags",
    "seconds",
    "model",
    "device",
)


def write_summary_csv(rows: Iterable[SummaryRow], path: Path) -> None:
    """Write a row per input, with the number of cells of each class.

    Existing rows of other inputs stay; those of the same inputs are replaced. Programs that count into one
    folder take turns.

    Raises
    ------
    ReportError
    """
    new = [row.values() for row in rows]
    with in_turn(path):
        kept = [row for row in _summary_rows(path) if not any(_same_input(row, each) for each in new)]
        _write_summary([*kept, *new], path)


def _same_input(row: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Return whether two rows are of the same input, by its name or its folder of results."""
    if row.get("input") == defused(other["input"]):
        return True
    return bool(other["folder"]) and row.get("folder") == defused(other["folder"])


def _summary_rows(path: Path) -> list[dict[str, object]]:
    """Return the rows of a summary, none from another file."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [dict(row) for row in csv.DictReader(file)]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReportError(f"{path}: cannot be read to keep its rows: move it away and count again") from error
    if not all(row.keys() >= {"input", "folder", "status"} for row in rows):
        raise ReportError(f"{path}: is another table than a summary: move it away and count again")
    return [{name: value for name, value in row.items() if name and value} for row in rows]


def _write_summary(values: Sequence[Mapping[str, object]], path: Path) -> None:
    codes = [f"n_{code}" for code in CLASSES]
    seen = [code for code in codes if any(code in row for row in values)]
    write_text(path, table((*_SUMMARY_COLUMNS, *seen), values))


def write_cells_csv(case: Case, path: Path, *, anonymous: bool = False) -> None:
    """Write a row per cell of a case, without file names.

    Raises
    ------
    ReportError
    """
    write_text(path, table((*CELL_COLUMNS, *further_columns(case)), cell_rows(case)))


def write_found_csv(cells: Cells, microns_per_pixel: float, path: Path, fields: Sequence[Field] = ()) -> None:
    """Write a row per cell before classification.

    Raises
    ------
    ReportError
    """
    columns = (*FOUND_COLUMNS, *FIELD_COLUMNS) if fields else FOUND_COLUMNS
    write_text(path, table(columns, found_rows(cells, microns_per_pixel, fields)))


def table(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Return rows as CSV text; missing columns of a row are empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: defused(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Beginnings of a formula, the wide ones of East Asian keyboards too."""


def defused(value: object) -> object:
    """Return a name with a leading quote if a spreadsheet would take it for a formula.

    Bytes of a file name that are no text are written out.
    """
    if not isinstance(value, str):
        return value
    text = value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
