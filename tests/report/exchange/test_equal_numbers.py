"""One count says the same in every format, at each stage of its review."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from rich.console import Console

from napari_bonemarrow.cli.terminal_tables import differential_table
from napari_bonemarrow.cytology import BMC21, CLASSES, Cells, Differential, Frame, Support
from napari_bonemarrow.report import export
from napari_bonemarrow.report.exchange import codes
from napari_bonemarrow.report.exchange.clipboard import clipboard_table
from napari_bonemarrow.report.page.options import ReportOptions
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import open_slide
from tests.report.conftest import ERRORS, predictions_of
from tests.report.page.test_pdf import squeezed
from tests.report.test_record import review_all
from tests.slides._dicom import write_dicom
from tests.slides._pyramids import halved

from .test_dicom import measured, written
from .test_every_format import pdf_text
from .test_fhir import resources

CODES = ["NGS"] * 31 + ["EBO"] * 13 + ["BLA"] * 11 + ["LYT"] * 7 + ["PRM", "EOS", "ART", "ART", "NIF"]
Figures = dict[str, tuple[int | None, float | None]]
"""Cells, None where 0 would be no finding, and per cent by class."""


@pytest.fixture
def drawn(tmp_path: Path) -> Iterator[Case]:
    """67 cells on a drawn DICOM slide, by a model that has learnt every class."""
    level = np.random.default_rng(1).integers(0, 255, (512, 640, 3), np.uint8)
    write_dicom(tmp_path / "slide", [level, halved(level)])
    slide = open_slide(tmp_path / "slide")
    with Case.create(tmp_path / "slide.bmcase", slide, reviewer="Dr A") as case:
        case.sampling.set_frame(Frame.whole_field(slide.width, slide.height, 0.0), 300)
        n = np.ones(len(CODES), np.float32)
        x = np.linspace(20, 620, len(CODES))
        case.detection.record(Cells(np.arange(1, len(CODES) + 1), x, 250 * n, 9 * n, n, n > 0), {})
        said = predictions_of(case.cells, [code if code in BMC21 else "MON" for code in CODES])
        support = dict.fromkeys(BMC21, Support.TRAINED)
        case.model.record_predictions(replace(said, support=support, confusion=ERRORS))
        yield case


def part_reviewed(case: Case) -> None:
    case.set_label([*range(1, 8)], "MYB")
    case.set_label([40], "PRM")


def sampled(case: Case) -> None:
    case.sample.begin(seed=1)
    for cell in case.sample.next(40).tolist():
        case.set_label(cell, CODES[cell - 1])
    assert case.differential().is_sampled


STAGES: dict[str, Callable[[Case], None]] = {
    "model only": lambda case: None,
    "partly reviewed": part_reviewed,
    "reviewed": review_all,
    "sample review": sampled,
}


@pytest.mark.parametrize("stage", STAGES)
def test_every_format_says_the_same(drawn: Case, tmp_path: Path, stage: str) -> None:
    STAGES[stage](drawn)
    count = drawn.differential()
    expected = {row.code: (row.known_count, row.percent) for row in (*count.classes, *count.groups)}
    of_classes = {code: figures for code, figures in expected.items() if code in CLASSES}
    assert _of_json(drawn, tmp_path / "count.json", count) == expected
    assert _of_workbook(drawn, tmp_path / "counts.xlsx") == expected
    assert _of_fhir(drawn) == expected
    assert _of_dicom(drawn, tmp_path / "dicom", count) == expected
    assert _of_lines(clipboard_table(count).splitlines(), "\t") == expected
    assert _counted(drawn, tmp_path / "cells.csv", count) == {
        code: cells for code, (cells, _percent) in of_classes.items() if cells
    }
    printed = _of_page(drawn, tmp_path / "report.html", count)
    assert {code: of_classes[code] for code in printed} == printed
    assert {code for code, (cells, _percent) in of_classes.items() if cells} <= set(printed)
    _check_pdf(drawn, tmp_path, count)
    _check_terminal(count)


def _percent(text: str) -> float | None:
    """Return a printed percentage, None where the sample has no cell of it."""
    found = re.fullmatch(r"(\d+\.\d)(?: %)?", text.strip())
    return None if found is None else float(found[1])


def _of_json(case: Case, path: Path, count: Differential) -> Figures:
    export(case, "json", path)
    document = json.loads(path.read_text("utf-8"))
    rows = [*document["classes"], *document["groups"]]
    shares = {row["code"]: row["percent"] for row in rows}
    if count.is_sampled:
        assert set(shares.values()) == {None}  # those of the sample stand apart
        estimate = document["estimate"]
        shares = {row["code"]: row["percent"] for row in (*estimate["classes"], *estimate["groups"])}
    return {
        row["code"]: (
            row["count"] if count.row(row["code"]).known_count is not None else None,
            None if shares[row["code"]] is None else round(shares[row["code"]], 1),
        )
        for row in rows
    }


def _of_workbook(case: Case, path: Path) -> Figures:
    export(case, "xlsx", path)
    book = openpyxl.load_workbook(path)
    head, *rows = book["Classes"].iter_rows(values_only=True)
    named = [dict(zip(head, row, strict=True)) for row in rows]
    found = {row["code"]: (row["cells"], row["percent"]) for row in named}
    top, values = book["Differential"].iter_rows(values_only=True)
    summary = dict(zip(top, values, strict=True))
    for code in CLASSES:
        if CLASSES[code].counted:
            assert (summary[f"{code} cells"], summary[f"{code} %"]) == found[code]
    return found


def _of_fhir(case: Case) -> Figures:
    found: Figures = {}
    for each in resources(case).values():
        name = re.search(r"\((\w+)\), of counted cells$", each.get("code", {}).get("text", ""))
        if name is not None:
            quantity = each.get("valueQuantity", {})
            value = None if "comparator" in quantity else quantity.get("value")
            cells = [part for part in each.get("component", ()) if part["code"]["text"] == "cells"]
            found[name[1]] = (cells[0]["valueInteger"] if cells else None, value)
    return found


def _of_dicom(case: Case, folder: Path, count: Differential) -> Figures:
    _cells, report = written(case, folder)
    values, found = measured(report), {}
    for row in (*count.classes, *count.groups):
        short = row.code if row.code in CLASSES else row.code[:6].upper()
        code = codes.loinc_of(row.code, by_eye=count.fully_reviewed)
        share = values.get(f"{short}-P" if code is None else code.code)
        cells = values.get(f"{short}-N")
        found[row.code] = (None if cells is None else int(cells), share)
        if row.ci95 is not None:
            limits = values[f"{short}-LOW"], values[f"{short}-HIGH"]
            assert limits == pytest.approx(row.ci95, abs=0.0051)
    limits = values["M2E-LOW"], values["M2E-HIGH"]
    assert limits == pytest.approx(count.ratios["m_to_e"].ci95, abs=0.0051)
    return found


def _cells(text: str) -> int | None:
    return None if text == "–" else int(text)


def _of_lines(lines: list[str], separator: str) -> Figures:
    rows = [line.split(separator) for line in lines]
    return {row[0]: (_cells(row[2]), _percent(row[3])) for row in rows if len(row) == 5 and row[0] != "code"}


def _counted(case: Case, path: Path, count: Differential) -> dict[str, int]:
    """Count the rows of the table of cells, as a stranger would."""
    export(case, "csv", path)
    rows = csv.DictReader(io.StringIO(path.read_text("utf-8")))
    said = Counter(row["label"] or row["predicted"] for row in rows if row["in_frame"] == "true")
    assert {code: said.pop(code) for code in count.excluded} == dict(count.excluded)
    return dict(said)


def _rows_of_page(case: Case, path: Path) -> list[dict[str, str]]:
    export(case, "html", path, options=ReportOptions(montage=False))
    page = path.read_text("utf-8").replace("\N{NO-BREAK SPACE}", " ")
    table = re.search(r"<table>\s*<thead>.*?</table>", page, re.DOTALL)
    assert table is not None
    head = [" ".join(name.split()) for name in re.findall(r"<th(?: [^>]*)?>(.*?)</th>", table[0])]
    rows = []
    for row in re.findall(r"<tr>(.*?)</tr>", table[0], re.DOTALL)[1:]:
        cells = [
            " ".join(unescape(re.sub(r"<.*?>", "", cell, flags=re.DOTALL)).split())
            for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
        ]
        rows.append(dict(zip(head, cells, strict=False)))  # a reason takes the place of further columns
    return rows


def _of_page(case: Case, path: Path, count: Differential) -> Figures:
    rows = [row for row in _rows_of_page(case, path) if row["Code"]]
    for row in rows:
        assert row["Percent"] == count.row(row["Code"]).percent_text
        assert not count.row(row["Code"]).reliable or row["95 % interval"] == count.row(row["Code"]).ci_text
    return {row["Code"]: (_cells(row["Cells"]), _percent(row["Percent"])) for row in rows}


def _check_pdf(case: Case, folder: Path, count: Differential) -> None:
    export(case, "pdf", folder / "report.pdf", options=ReportOptions(montage=False))
    text = pdf_text((folder / "report.pdf").read_bytes())
    for row in _rows_of_page(case, folder / "again.html"):
        if row.get("Code") and _cells(row["Cells"]):
            cells = [value for name, value in row.items() if value and not name.startswith("0 to")]
            assert squeezed(" ".join(cells)) in squeezed(text)  # names are hyphenated
    ratio = count.ratios["m_to_e"].value
    assert ratio is not None
    assert squeezed(f"{ratio:.1f} : 1") in squeezed(text)


def _check_terminal(count: Differential) -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(differential_table(count))
    lines = [re.split(r"\s*[│|]\s*", line) for line in console.export_text().splitlines()]
    rows = {row[1]: row for row in lines if len(row) > 5}
    for each in count.classes:
        if each.known_count is None:
            assert each.code not in rows
            continue
        assert rows[each.code][3:6] == [each.count_text, each.percent_text, each.ci_text]
