"""Signatures, two readers and the tally in what is exported."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import Frame, Region
from napari_bonemarrow.report import export, html_report
from napari_bonemarrow.report.document import STANDING_COLUMNS, differential_json
from napari_bonemarrow.review import Case
from napari_bonemarrow.review.journal import journal
from napari_bonemarrow.slides import slide_from_array

from .test_html import read, row_of


def document(case: Case) -> dict:
    return json.loads(differential_json(case))


def review_all(case: Case) -> None:
    codes = case.effective_codes()
    for code in dict.fromkeys(codes):
        ids = [cell for cell, each in zip(case.cells.cell_id.tolist(), codes, strict=True) if each == code]
        case.set_label(ids, code)


@pytest.fixture
def twice_read(case: Case) -> Case:
    """Two readers of all 60 cells, who differ on the two cells that the first called plasma cells."""
    review_all(case)
    first = dict(case.labels)
    case.readings.begin_second("Dr B")
    for code in {label.code for label in first.values()} - {"PLM"}:
        case.set_label([cell for cell, label in first.items() if label.code == code], code)
    case.set_label([1, 2], "LYT")
    case.readings.end()
    return case


def test_the_models_own_count_stands_beside_the_corrected_one(case: Case) -> None:
    rows = {row["code"]: row for row in document(case)["model_only"]["classes"]}
    assert (rows["LYT"]["count"], rows["PLM"]["count"]) == (20, 0)
    assert rows["PLM"]["percent"] is None  # not learnt: no false zero
    html = html_report(case)
    assert '<td class="n quiet">20</td><td class="n">18</td>' in row_of(html, "LYT").replace("\n", "")
    assert '<td class="n quiet">–</td><td class="n">2</td>' in row_of(html, "PLM").replace("\n", "")


def test_a_signature_is_told_with_its_reason_and_its_head(case: Case) -> None:
    head = case.history.last.hash
    case.sign("Dr <A>", "only the <i>blasts</i> matter")
    (signed,) = document(case)["signatures"]
    assert (signed["name"], signed["head"], signed["unreviewed"]) == ("Dr <A>", head, 58)
    assert signed["in_force"]
    assert signed["counts"]["BLA"] == 10
    page = html_report(case)
    assert "<i>blasts" not in page
    text = read(page).text
    assert "Reason for signing with this left to do: only the <i>blasts</i> matter" in text
    assert f"Journal head {head}; tamper-evident, not authenticated" in text


def test_an_amended_signature_stays_in_the_report(case: Case) -> None:
    review_all(case)
    case.sign("Dr A")
    case.sign_off.begin_amendment("a cell was missed")
    assert "Not signed: an amendment is under way." in read(html_report(case)).text
    case.set_label(3, "PLM")
    case.sign("Dr C")
    signatures = document(case)["signatures"]
    assert [(each["name"], each["in_force"]) for each in signatures] == [("Dr A", False), ("Dr C", True)]
    assert [each["counts"]["PLM"] for each in signatures] == [2, 3]
    text = read(html_report(case)).text
    assert "no longer in force: by Dr A" in text
    assert "Amended: a cell was missed" in text


def test_both_readers_and_kappa_are_printed(twice_read: Case, tmp_path: Path) -> None:
    found = document(twice_read)["agreement"]
    assert (found["n"], found["agreed"], found["unsettled"]) == (60, 58, 2)
    assert found["percent"] == pytest.approx(100 * 58 / 60)
    # Marginals of 60 cells: LYT 18/20, NGS 20, BLA 10, MYB 5, PLM 2/0, ART 3, NIF 2.
    by_chance = (18 * 20 + 400 + 100 + 25 + 0 + 9 + 4) / 3600
    assert found["kappa"] == pytest.approx((58 / 60 - by_chance) / (1 - by_chance))
    text = read(html_report(twice_read)).text
    assert "58 of 60 cells that both read are alike (96.7 %)" in text
    assert "second: Dr B" in text
    export(twice_read, "csv", tmp_path / "cells.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "cells.csv").read_text("utf-8"))))
    assert (rows[0]["first_reader_label"], rows[0]["second_reader_label"]) == ("PLM", "LYT")
    assert list(rows[0])[13:] == [
        "labelled_at",
        *STANDING_COLUMNS,
        "first_reader_label",
        "second_reader_label",
    ]


def test_a_blind_reading_tells_nothing_of_the_model_and_the_first_reader(case: Case) -> None:
    review_all(case)
    case.readings.begin_second("Dr B")
    told = document(case)
    assert told["model_only"] is None
    assert told["agreement"] is None
    assert told["counted"] == 0
    assert "these are the classes of the second reader alone" in html_report(case)


def test_the_tally_is_its_own_section_and_never_mixed(case: Case, tmp_path: Path) -> None:
    before = document(case)
    for code in ("BLA", "NGS", "NGS", "ART"):
        case.tally.count(code)
    case.tally.next_field()
    case.tally.count("NGS")
    after = document(case)
    assert (after["counted"], after["classes"]) == (before["counted"], before["classes"])
    assert before["tally"] is None
    assert after["tally"]["fields"] == [{"BLA": 1, "NGS": 2, "ART": 1}, {"NGS": 1}]
    rows = {row["code"]: row for row in after["tally"]["classes"]}
    assert (after["tally"]["counted"], rows["NGS"]["percent"], after["tally"]["excluded"]) == (
        4,
        75.0,
        {"ART": 1},
    )
    assert "4 cells in 2 fields, without a model" in read(html_report(case)).text
    export(case, "tally", tmp_path / "tally.csv")
    table = list(csv.DictReader(io.StringIO((tmp_path / "tally.csv").read_text("utf-8"))))
    line = next(row for row in table if row["code"] == "NGS")
    assert (line["field_1"], line["field_2"], line["total"], line["percent"]) == ("2", "1", "3", "75.0")
    assert next(row for row in table if row["code"] == "ART")["percent"] == ""


def test_an_unsigned_case_says_so(make_case: Callable[..., Case]) -> None:
    assert "Not signed." in read(html_report(make_case(["LYT"]))).text


def test_the_area_of_overlapping_regions_is_told_once(make_case: Callable[..., Case], tmp_path: Path) -> None:
    slide = slide_from_array(np.full((900, 1200, 3), 230, np.uint8), 0.1, tmp_path / "two.png")
    with Case.create(tmp_path / "two.bmcase", slide, reviewer="Dr A") as case:
        case.sampling.set_frame(
            Frame((Region(100, 100, 500, 500), Region(300, 100, 500, 500)), 0.0, 1200, 900)
        )
        assert "(0.0035 mm²)" in read(html_report(case)).text  # 700 by 500 px of 0.1 µm


def test_a_date_of_a_clock_that_was_wrong_says_so(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    review_all(case)
    monkeypatch.setattr(journal, "_now", lambda: "2099-01-01T00:00:00.000Z")
    case.sign("Dr A")
    monkeypatch.undo()
    assert "a date in doubt" not in html_report(case)  # nothing has shown it yet
    case.sign_off.begin_amendment("the clock was wrong")
    (signed,) = document(case)["signatures"]
    assert signed["date_in_doubt"]
    assert (
        "2099-01-01 00:00 UTC (a date in doubt: the computer's clock was wrong)"
        in read(html_report(case)).text
    )
    assert "set back at 1 line" in document(case)["journal"]["clock"]
