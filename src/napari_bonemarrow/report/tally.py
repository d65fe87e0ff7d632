"""Table of the manual tally: a row per class, a column per field."""

from __future__ import annotations

from pathlib import Path

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.report.document import DISTRUST_COLUMN
from napari_bonemarrow.report.files import write_text
from napari_bonemarrow.report.tables import table
from napari_bonemarrow.review import Case

_LAST = ("total", "percent", "ci95_low", "ci95_high")


def tally_csv(case: Case) -> str:
    """Return the tally as CSV text, without detected cells.

    Classes excluded from the denominator have an empty ``counted`` and no percentage.
    """
    fields = [field for field in case.tally.fields if field]
    names = [f"field_{number}" for number in range(1, len(fields) + 1)]
    total = case.tally.total
    counted = {row.code: row for row in case.tally.differential().classes}
    rows: list[dict[str, object]] = []
    for code, cell in CLASSES.items():
        row: dict[str, object] = {"code": code, "class": cell.name, "total": total[code]}
        row |= {name: field.get(code, 0) for name, field in zip(names, fields, strict=True)}
        line = counted.get(code)
        if line is not None:
            row["counted"] = "yes"
        if line is not None and line.percent is not None and line.ci95 is not None:
            low, high = line.ci95
            row |= {"percent": line.percent, "ci95_low": round(low, 2), "ci95_high": round(high, 2)}
        rows.append(row)
    last = (*_LAST, DISTRUST_COLUMN) if case.distrust else _LAST
    if case.distrust:
        rows = [{**row, DISTRUST_COLUMN: case.distrust} for row in rows]
    return table(("code", "class", "counted", *names, *last), rows)


def write_tally_csv(case: Case, path: Path, *, anonymous: bool = False) -> None:
    """Write the manual tally, without file names.

    Raises
    ------
    ReportError
    """
    write_text(path, tally_csv(case))
