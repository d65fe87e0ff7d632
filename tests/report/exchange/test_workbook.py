"""Cases as an Excel workbook, read back by openpyxl."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from napari_bonemarrow.report import ReportError, export
from napari_bonemarrow.report.exchange import workbook as module
from napari_bonemarrow.report.exchange.workbook import workbook
from napari_bonemarrow.review import Case
from tests.report.test_record import review_all


def sheets(path: Path) -> dict[str, list[dict[str, object]]]:
    """Return the rows of each sheet by their heading."""
    book = openpyxl.load_workbook(path)
    found = {}
    for sheet in book.worksheets:
        head, *rows = sheet.iter_rows(values_only=True)
        found[sheet.title] = [dict(zip(head, row, strict=True)) for row in rows]
        assert not any(cell.data_type == "f" or cell.hyperlink for row in sheet for cell in row)
    return found


def test_a_case_has_a_row_its_classes_and_its_cells(case: Case, tmp_path: Path) -> None:
    review_all(case)
    case.sign("Dr Ada")
    export(case, "xlsx", tmp_path / "counts.xlsx")
    found, count = sheets(tmp_path / "counts.xlsx"), case.differential()
    assert list(found) == ["Differential", "Classes", "About", "Cells"]
    (row,) = found["Differential"]
    assert (row["case"], row["slide"], row["status"]) == ("case", "Müller <4711>.png", "final")
    assert (row["counted"], row["BLA cells"], row["ART left out"]) == (55, 10, 3)
    assert row["BLA %"] == count.row("BLA").percent
    assert (row["signed_by"], row["m_to_e"]) == ("Dr Ada", None)
    blasts = next(each for each in found["Classes"] if each["code"] == "BLA")
    assert blasts["ci95_low"] == pytest.approx(count.row("BLA").ci95[0])  # type: ignore[index]
    assert len(found["Cells"]) == 60
    first = found["Cells"][0]
    assert (first["cell_id"], first["x_px"], first["label"], first["in_frame"]) == (1, 100, "PLM", "true")
    assert {each["what"] for each in found["About"]} >= {"use", "program", "rules", "model", "journal head"}


def test_an_adjusted_count_has_columns_of_its_own(by_model: Case, tmp_path: Path) -> None:
    adjusted = by_model.differential().adjusted
    assert adjusted is not None
    share = adjusted.row("NGS")
    assert share is not None
    export(by_model, "xlsx", tmp_path / "counts.xlsx")
    found = sheets(tmp_path / "counts.xlsx")
    (row,) = found["Differential"]
    assert (row["NGS %"], row["NGS adjusted %"]) == (36.4, pytest.approx(share.percent))
    assert row["adjusted m_to_e"] == pytest.approx(adjusted.m_to_e)
    rows = {each["code"]: each for each in found["Classes"]}
    assert rows["NGS"]["adjusted_percent"] == pytest.approx(share.percent)
    assert rows["NGS"]["adjusted_ci95_high"] == pytest.approx(share.ci95[1])
    assert rows["PRM"]["adjusted_percent"] is None
    assert ("adjusted", "from held-out cells, not this smear") in {
        (each["what"], each["value"]) for each in found["About"]
    }
    review_all(by_model)
    export(by_model, "xlsx", tmp_path / "counts.xlsx")
    (row,) = sheets(tmp_path / "counts.xlsx")["Differential"]
    assert not any(value for name, value in row.items() if "adjusted" in name)


def test_an_infinite_limit_is_left_out(case: Case, tmp_path: Path) -> None:
    review_all(case)
    export(case, "xlsx", tmp_path / "counts.xlsx")
    (row,) = sheets(tmp_path / "counts.xlsx")["Differential"]
    assert row["m_to_e_ci95_low"]
    assert row["m_to_e_ci95_high"] is None


def test_formulas_and_characters_that_xml_lacks_are_made_harmless(case: Case, tmp_path: Path) -> None:
    case.edits.comment(1, '=HYPERLINK("http://x")')
    case.edits.comment(2, "http://example.org/\x00\x0b\uffff end")
    case.edits.comment(3, "é" * 40_000)
    export(case, "xlsx", tmp_path / "counts.xlsx")
    comments = [row["comment"] for row in sheets(tmp_path / "counts.xlsx")["Cells"][:3]]
    assert comments[0] == '\'=HYPERLINK("http://x")'
    assert str(comments[1]).startswith("http://example.org/")
    assert "\x0b" not in str(comments[1])
    assert len(str(comments[2])) <= 32_767


def test_more_cells_than_excel_has_rows_go_on_another_sheet(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LAST_ROW", 26)
    export(case, "xlsx", tmp_path / "counts.xlsx")
    found = sheets(tmp_path / "counts.xlsx")
    assert [len(found[name]) for name in ("Cells", "Cells 2", "Cells 3")] == [25, 25, 10]
    assert [row["cell_id"] for row in found["Cells 2"][:2]] == [26, 27]


def test_several_cases_are_one_table(make_real: Callable[..., Case], tmp_path: Path) -> None:
    cases = [make_real(3, f"{'long name ' * 5}{number}.png", 200 + number) for number in (1, 2)]
    with workbook(tmp_path / "all.xlsx") as book:
        for case in cases:
            book.add(case, case.path.stem, anonymous=False)
    found = sheets(tmp_path / "all.xlsx")
    assert [row["case"] for row in found["Differential"]] == [case.path.stem for case in cases]
    assert [row["case"] for row in found["Cells"]] == [case.path.stem for case in cases for _each in range(3)]


def test_an_anonymous_workbook_names_neither_file_nor_signer(case: Case, tmp_path: Path) -> None:
    case.sign("Dr Ada", "only part")
    export(case, "xlsx", tmp_path / "counts.xlsx", anonymous=True)
    text = str(sheets(tmp_path / "counts.xlsx"))
    assert not any(name in text for name in ("4711", "Müller", "Ada"))


def test_what_cannot_be_written_is_one_line_and_leaves_nothing(case: Case, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="its folder does not exist") as refused:
        export(case, "xlsx", tmp_path / "missing" / "counts.xlsx")
    assert "\n" not in str(refused.value)
    export(case, "xlsx", tmp_path / "counts.xlsx")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".draft")]
