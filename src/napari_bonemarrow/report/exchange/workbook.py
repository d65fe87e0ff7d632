"""Cases as an Excel workbook: a row per case, a row per class, a row per cell."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from napari_bonemarrow.cytology import CLASSES, Differential
from napari_bonemarrow.cytology.rows import ADJUSTED_FROM, AdjustedShare
from napari_bonemarrow.cytology.statements import RESEARCH_USE
from napari_bonemarrow.report.document import (
    CELL_COLUMNS,
    DISTRUST_COLUMN,
    FIELD_COLUMNS,
    READER_COLUMNS,
    STANDING_COLUMNS,
    cell_rows,
)
from napari_bonemarrow.report.exchange.status import counting_method, shown_signature, status_of
from napari_bonemarrow.report.files import draft
from napari_bonemarrow.report.tables import defused
from napari_bonemarrow.review import Case
from napari_bonemarrow.review.journal.program import program_name

LAST_ROW = 1_048_576
"""Rows of a sheet in Excel, its heading among them."""
_LONGEST = 32_767
"""Characters of a cell in Excel."""
_CLASS_COLUMNS = (
    "case",
    "code",
    "class",
    "cells",
    "percent",
    "ci95_low",
    "ci95_high",
    "ci_method",
    "adjusted_percent",
    "adjusted_ci95_low",
    "adjusted_ci95_high",
    "support",
)
_CELLS = ("case", *CELL_COLUMNS, *FIELD_COLUMNS, *STANDING_COLUMNS, *READER_COLUMNS, DISTRUST_COLUMN)
_TEXTS = frozenset(
    {"case", "predicted", "second", "label", "labelled_by", "labelled_at", "tags", "comment", "predicted_by"}
    | {"bundle_predicted", "in_frame", "reviewed", "flagged", "sampled", DISTRUST_COLUMN, *READER_COLUMNS}
)
"""Columns of cells that are never numbers, whatever a person has written there."""
_STATE = ("status", "method", "counted", "target", "reviewed", "unreviewed", "signed_by", "signed_at")
_RATIO = ("m_to_e", "m_to_e_ci95_low", "m_to_e_ci95_high")
_ADJUSTED_RATIO = tuple(f"adjusted {name}" for name in _RATIO)
_COUNTS = (
    *("case", "slide", "fingerprint", *_STATE, "model", *_RATIO),
    *(f"{code} {what}" for code, cell in CLASSES.items() if cell.counted for what in ("%", "cells")),
    *_ADJUSTED_RATIO,
    *(f"{code} adjusted %" for code, cell in CLASSES.items() if cell.counted),
    *(f"{code} left out" for code in CLASSES),
    "notes",
    DISTRUST_COLUMN,
)


def write_xlsx(case: Case, path: Path, *, anonymous: bool = False) -> None:
    """Write one case as an Excel workbook.

    Raises
    ------
    ReportError
    """
    with workbook(path) as book:
        book.add(case, case.slide_record.fingerprint[:12] if anonymous else case.path.stem, anonymous)


@contextmanager
def workbook(path: Path) -> Iterator[Workbook]:
    """Yield a workbook to add cases to; it is written row by row, so that its cells need no memory.

    Raises
    ------
    ReportError
        If it cannot be written. The old file then stays.
    """
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    with draft(path) as part, tempfile.TemporaryDirectory(prefix=".draft-", dir=path.parent) as folder:
        options = {
            "constant_memory": True,
            "tmpdir": folder,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        made = xlsxwriter.Workbook(str(part), options)
        made.set_properties({"title": "Differential counts", "comments": f"{RESEARCH_USE}. {program_name()}"})
        try:
            yield Workbook(made)
        except BaseException:
            with suppress(FileCreateError):
                made.close()  # its temporary files, which could not be deleted while open
            raise
        try:
            made.close()
        except FileCreateError as error:
            raise OSError(*getattr(error.args[0], "args", error.args)) from error


class Workbook:
    """A workbook of cases with the sheets Differential, Classes, Cells and About.

    Parameters
    ----------
    book : xlsxwriter.Workbook
        In constant memory: the rows of a sheet are written in their order.
    """

    def __init__(self, book: Any) -> None:
        self._book = book
        self._bold = book.add_format({"bold": True})
        self._counts = _Sheet(self, "Differential", _COUNTS)
        self._classes = _Sheet(self, "Classes", _CLASS_COLUMNS)
        self._about = _Sheet(self, "About", ("case", "what", "value"))
        self._cells = _Sheet(self, "Cells", _CELLS)
        self._about.write({"what": "use", "value": f"{RESEARCH_USE}."})
        self._about.write({"what": "program", "value": program_name()})

    def add(self, case: Case, name: str, anonymous: bool) -> None:
        """Add a case.

        Parameters
        ----------
        case : Case
        name : str
            Its name in every sheet.
        anonymous : bool
            Name neither the slide's file nor the signer.
        """
        count = case.differential()
        adjusted = count.adjusted
        self._counts.write({"case": name, **_summary(case, count, anonymous)})
        for row in (*count.classes, *count.groups):
            low, high = row.ci95 or (None, None)
            share = None if adjusted is None else adjusted.row(row.code)
            self._classes.write(
                {
                    **{"case": name, "code": row.code, "class": row.name, "cells": row.known_count},
                    **{"percent": row.percent, "ci95_low": low, "ci95_high": high},
                    **{"ci_method": row.ci_method, "support": str(row.support)},
                    **({} if share is None else _adjusted_row(share)),
                }
            )
        for what, value in _about(case, count).items():
            self._about.write({"case": name, "what": what, "value": value})
        for cell in cell_rows(case):
            self._cells.write({"case": name, **{key: _number(key, value) for key, value in cell.items()}})

    def sheet(self, name: str, columns: Sequence[str]) -> Any:
        """Return a new sheet with its heading."""
        made = self._book.add_worksheet(name)
        made.freeze_panes(1, 1)
        for at, column in enumerate(columns):
            made.write_string(0, at, column, self._bold)
        return made


class _Sheet:
    """A table in a workbook, continued on another sheet where Excel has no more rows."""

    def __init__(self, book: Workbook, name: str, columns: Sequence[str]) -> None:
        self._book, self._name, self._columns = book, name, columns
        self._number, self._row = 1, 1
        self._sheet = book.sheet(name, columns)

    def write(self, values: Mapping[str, object]) -> None:
        """Write a row; missing columns are empty."""
        if self._row == LAST_ROW:
            self._number, self._row = self._number + 1, 1
            self._sheet = self._book.sheet(f"{self._name} {self._number}", self._columns)
        for at, column in enumerate(self._columns):
            value = values.get(column)
            if isinstance(value, int | float):
                if math.isfinite(value):  # an infinite limit is left out, as in JSON
                    self._sheet.write_number(self._row, at, value)
            elif value not in (None, ""):
                self._sheet.write_string(self._row, at, _plain(str(value)))
        self._row += 1


@lru_cache(maxsize=4096)  # most texts of cells are codes
def _plain(text: str) -> str:
    """Return a text that Excel and XML take, and that no program takes for a formula."""
    legal = "".join(letter for letter in text if letter in "\t\n\r" or _is_legal(ord(letter)))
    return str(defused(legal))[:_LONGEST]


def _is_legal(point: int) -> bool:
    """Return whether XML 1.0 has this character."""
    return 0x20 <= point <= 0xD7FF or 0xE000 <= point <= 0xFFFD or point >= 0x10000


def _number(column: str, value: object) -> object:
    """Return a value of ``cells.csv`` as a number where the column has numbers."""
    if column in _TEXTS or not isinstance(value, str) or not value:
        return value
    try:
        return float(value)
    except ValueError:
        return value


def _summary(case: Case, count: Differential, anonymous: bool) -> dict[str, object]:
    signature, ratio = shown_signature(case), count.ratios["m_to_e"]
    low, high = ratio.ci95 or (None, None)
    row: dict[str, object] = {
        "slide": None if anonymous else case.slide_record.name,
        "fingerprint": case.slide_record.fingerprint,
        "status": status_of(case),
        "method": counting_method(case, count),
        "counted": count.counted,
        "target": count.target,
        "reviewed": count.reviewed,
        "unreviewed": count.unreviewed,
        "model": None if case.predictions is None else case.predictions.model.name,
        "m_to_e": ratio.value,
        "m_to_e_ci95_low": low,
        "m_to_e_ci95_high": high,
        "notes": "\n".join(str(flag.text) for flag in count.flags),
        DISTRUST_COLUMN: case.distrust,
    }
    if signature is not None:
        row |= {"signed_by": None if anonymous else signature.name, "signed_at": signature.at}
    adjusted = count.adjusted
    if adjusted is not None:
        row |= zip(_ADJUSTED_RATIO, (adjusted.m_to_e, *adjusted.m_to_e_ci95), strict=True)
    for each in count.classes:
        row |= {f"{each.code} %": each.percent, f"{each.code} cells": each.known_count}
        share = None if adjusted is None else adjusted.row(each.code)
        row[f"{each.code} adjusted %"] = None if share is None else share.percent
    return row | {f"{code} left out": number for code, number in count.excluded.items()}


def _adjusted_row(share: AdjustedShare) -> dict[str, object]:
    low, high = share.ci95
    return {"adjusted_percent": share.percent, "adjusted_ci95_low": low, "adjusted_ci95_high": high}


def _about(case: Case, count: Differential) -> dict[str, str]:
    told = {
        "rules": count.rules.name,
        "M:E": count.rules.me_definition,
        "blasts": count.rules.blast_definition,
    }
    if case.predictions is not None:
        model = case.predictions.model
        told |= {"model": model.name, "model SHA-256": model.sha256}
    if count.adjusted is not None:
        told["adjusted"] = ADJUSTED_FROM
    told["journal head"] = case.history.last.hash
    return {**told, **({DISTRUST_COLUMN: case.distrust} if case.distrust else {})}
