from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from napari_bonemarrow.cytology import Cells, Differential, Field, Frame, Region
from napari_bonemarrow.report import (
    CELL_COLUMNS,
    FOUND_COLUMNS,
    ReportError,
    SummaryRow,
    differential_document,
    table,
    write_cells_csv,
    write_found_csv,
    write_summary_csv,
)
from napari_bonemarrow.report.tables import defused
from napari_bonemarrow.review import Case, CaseError
from napari_bonemarrow.slides import slide_from_array


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_cells_have_the_columns_of_the_contract(case: Case, tmp_path: Path) -> None:
    write_cells_csv(case, tmp_path / "cells.csv")
    header = (tmp_path / "cells.csv").read_text("utf-8").splitlines()[0]
    assert header == (
        "cell_id,x_px,y_px,x_um,y_um,diameter_um,detection_score,predicted,confidence,second,"
        "second_confidence,label,labelled_by,labelled_at,in_frame,reviewed,flagged,tags,comment,"
        "predicted_by,bundle_predicted,bundle_confidence,sampled"
    )
    rows = read(tmp_path / "cells.csv")
    assert len(rows) == 60
    assert rows[0]["predicted"] == "LYT"
    assert (rows[0]["label"], rows[0]["labelled_by"]) == ("PLM", "Dr A")
    assert rows[0]["labelled_at"].startswith("20")
    assert (rows[59]["predicted"], rows[59]["confidence"], rows[59]["label"]) == ("NIF", "0.9000", "")
    assert float(rows[0]["x_um"]) == float(rows[0]["x_px"]) * 0.1
    assert rows[0]["diameter_um"] == "8.25"


def test_found_cells_have_the_first_seven_columns(tmp_path: Path) -> None:
    one = Cells(*(np.array([value]) for value in (7, 10.5, 20.25, 9.0, 0.5, True)))
    write_found_csv(one, 0.05, tmp_path / "cells.csv")
    assert CELL_COLUMNS[:7] == FOUND_COLUMNS
    assert read(tmp_path / "cells.csv") == [
        {
            "cell_id": "7",
            "x_px": "10.50",
            "y_px": "20.25",
            "x_um": "0.525",
            "y_um": "1.012",
            "diameter_um": "9.00",
            "detection_score": "0.500",
        }
    ]


def test_the_summary_has_a_row_an_input_with_its_counts_or_its_error(case: Case, tmp_path: Path) -> None:
    rows = [
        SummaryRow("a.png", "a", microns_per_pixel=0.1, found=60, differential=case.differential()),
        SummaryRow("b.png", error="b.png: is empty"),
    ]
    write_summary_csv(rows, tmp_path / "summary.csv")
    good, bad = read(tmp_path / "summary.csv")
    assert (good["status"], good["error"], good["counted"], good["excluded"]) == ("ok", "", "55", "5")
    assert (good["n_NGS"], good["n_PLM"], good["n_ART"], good["m_to_e"]) == ("20", "2", "3", "")
    assert (bad["status"], bad["error"], bad["cells_found"]) == ("error", "b.png: is empty", "")


def test_a_name_is_never_a_formula() -> None:
    text = table(["file", "x"], [{"file": "=HYPERLINK(1)", "x": "-3.5"}, {"file": "", "x": "-a"}])
    assert text.splitlines()[1:] == ["'=HYPERLINK(1),-3.5", ",'-a"]


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
def test_each_beginning_of_a_formula_is_defused(start: str) -> None:
    assert defused(f"{start}1+1") == f"'{start}1+1"


def test_a_name_that_is_no_text_costs_the_summary_no_row(tmp_path: Path) -> None:
    rows = [SummaryRow("a\udce4b.png", error="a\udce4b.png: is empty"), SummaryRow("ü.png", error="is empty")]
    for _time in range(2):
        write_summary_csv(rows, tmp_path / "summary.csv")
    with (tmp_path / "summary.csv").open(encoding="utf-8") as file:
        assert [row["input"] for row in csv.DictReader(file)] == ["a\\udce4b.png", "ü.png"]


def test_a_slide_whose_name_is_no_text_has_no_case_but_an_anonymous_one(tmp_path: Path) -> None:
    slide = slide_from_array(np.full((50, 50, 3), 230, np.uint8), 0.1, tmp_path / "a\udce4b.png")
    with pytest.raises(CaseError, match="is no UTF-8: rename it"):
        Case.create(tmp_path / "case.bmcase", slide, reviewer="Dr A")
    assert not (tmp_path / "case.bmcase").exists()
    Case.create(tmp_path / "case.bmcase", slide, reviewer="Dr A", anonymous=True).close()


def test_cells_of_several_fields_say_which_and_where_in_it(tmp_path: Path) -> None:
    slide = slide_from_array(np.full((100, 260, 3), 230, np.uint8), 0.5, tmp_path / "fields")
    fields = (Field("a 4711.png", Region(0, 0, 120, 100)), Field("b.png", Region(140, 0, 120, 100)))
    slide = replace(slide, fields=fields, vendor="fields")
    with Case.create(tmp_path / "case.bmcase", slide, reviewer="Dr A") as case:
        case.sampling.set_frame(Frame.whole_field(260, 100, 5.0, slide.images))
        x, y = np.array([50.0, 139.7, 200.0]), np.array([40.0, 50.0, 60.0])
        sizes = np.full(3, 8.0, np.float32)
        case.detection.record(Cells(np.arange(1, 4), x, y, sizes, sizes / 10, np.ones(3, bool)))
        write_cells_csv(case, tmp_path / "cells.csv")
        known = differential_document(case, anonymous=True)["slides"][0]["fields"]
    with Case.open(tmp_path / "case.bmcase") as case:
        assert case.slide_record.fields == fields
    rows = read(tmp_path / "cells.csv")
    assert [row["field"] for row in rows] == ["1", "2", "2"]
    assert [float(row["field_x_px"]) for row in rows] == pytest.approx([50.0, -0.3, 60.0])
    assert [(each["field"], each["file"], each["x"]) for each in known] == [(1, None, 0.0), (2, None, 140.0)]


def row_of_summary(name: str, cells: int = 3, error: str = "") -> SummaryRow:
    count = Differential.compute(["NGS"] * cells, [True] * cells, {})
    return SummaryRow(name, folder="" if error else Path(name).stem, error=error, differential=count)


def names_in(path: Path) -> dict[str, str]:
    with path.open(newline="", encoding="utf-8") as file:
        return {row["input"]: row["n_NGS"] for row in csv.DictReader(file)}


def test_a_second_count_into_a_folder_keeps_the_rows_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "summary.csv"
    write_summary_csv([row_of_summary("a.png"), row_of_summary("=b.png")], path)
    write_summary_csv([row_of_summary("c.png", 5)], path)
    assert names_in(path) == {"a.png": "3", "'=b.png": "3", "c.png": "5"}
    write_summary_csv([row_of_summary("a.png", 4), row_of_summary("=b.png", 4)], path)
    assert names_in(path) == {"c.png": "5", "a.png": "4", "'=b.png": "4"}
    assert [file.name for file in tmp_path.iterdir()] == ["summary.csv"]


def test_programs_that_count_into_one_folder_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "summary.csv"
    threads = [
        Thread(target=write_summary_csv, args=([row_of_summary(f"{number}.png")], path))
        for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names_in(path)) == 12


def test_a_lock_that_a_killed_program_left_is_taken_over(tmp_path: Path) -> None:
    lock = tmp_path / ".summary.csv.lock"
    lock.touch()
    os.utime(lock, (1, 1))
    write_summary_csv([row_of_summary("a.png")], tmp_path / "summary.csv")
    assert not lock.exists()


@pytest.mark.parametrize("content", [b"name,n\nx,1\n", b"input,of mine\nx,1\n", b"\xff\xfe\x00"])
def test_a_table_of_ones_own_is_not_written_over(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "summary.csv"
    path.write_bytes(content)
    with pytest.raises(ReportError, match="move it away"):
        write_summary_csv([row_of_summary("a.png")], path)
    assert path.read_bytes() == content
