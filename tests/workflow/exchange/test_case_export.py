"""Several cases at once: where each goes, and that one that fails stops none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from PIL import Image

from napari_bonemarrow.cytology import Cells, Frame
from napari_bonemarrow.report import ReportError
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import open_slide
from napari_bonemarrow.workflow import export_cases, is_one_case


def make(folder: Path, name: str, grey: int, label: str = "LYT") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    Image.fromarray(np.full((300, 400, 3), grey, np.uint8)).save(path, dpi=(254_000, 254_000))
    with Case.create(path.with_suffix(".bmcase"), open_slide(path), reviewer="A") as case:
        case.sampling.set_frame(Frame.whole_field(400, 300, 0.0), 300)
        ones = np.ones(3, np.float32)
        case.detection.record(Cells(np.arange(1, 4), 100.0 * ones, 99.0 * ones, ones, ones, ones > 0), {})
        case.set_label([1, 2, 3], label)
    return path.with_suffix(".bmcase")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two cases of one name, one of another, and a file that is none."""
    at = tmp_path / "cases"
    make(at / "monday", "smear", 200)
    make(at / "tuesday", "smear", 210, "BLA")
    make(at, "it's ünï 4711", 220)
    (at / "broken.bmcase").write_text("no case")
    return at


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_each_case_of_a_folder_is_a_file_and_one_that_fails_is_told(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = export_cases([folder], "json", out)
    (failed,) = [each for each in done if each.error]
    assert failed.case.endswith("broken.bmcase")
    assert "\n" not in failed.error
    assert len(names(out)) == 3
    assert "it's ünï 4711.differential.json" in names(out)
    shared = [name for name in names(out) if name.startswith("smear-")]
    assert len(set(shared)) == 2
    counted = [json.loads((out / name).read_text("utf-8"))["classes"] for name in shared]
    assert {rows[0]["count"] for rows in counted} == {0, 3}  # blasts


def test_a_workbook_and_crops_hold_all_cases(folder: Path, tmp_path: Path) -> None:
    export_cases([folder], "xlsx", tmp_path / "all.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "all.xlsx")["Differential"]
    assert len({row[0] for row in sheet.iter_rows(2, values_only=True)}) == 3
    done = export_cases([folder], "crops", tmp_path / "crops")
    assert [each.error != "" for each in done].count(True) == 1
    assert names(tmp_path / "crops") == {"BLA", "LYT", "index.csv", "source.json"}
    assert len(list(tmp_path.glob("crops/LYT/*.png"))) == 6


def test_an_anonymous_export_names_cases_by_fingerprint(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "monday" / "smear.bmcase", folder / "monday" / "again.bmcase")
    out = tmp_path / "out"
    done = export_cases([folder], "fhir", out, anonymous=True)
    assert len(names(out)) == 4
    said = " ".join([each.case + each.error + each.out.replace(str(tmp_path), "") for each in done])
    said += "".join(path.read_text("utf-8") for path in out.iterdir())
    assert not any(word in said for word in ("4711", "smear.png", "monday", "tuesday", "broken"))


def test_without_a_case_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (none,) = export_cases([tmp_path / "empty"], "csv", tmp_path / "out")
    assert "no case in this folder" in none.error
    with pytest.raises(ReportError, match="no case could be exported"):
        export_cases([folder / "broken.bmcase", tmp_path / "empty"], "xlsx", tmp_path / "all.xlsx")
    assert not (tmp_path / "all.xlsx").exists()
    with pytest.raises(ReportError, match="no such format"):
        export_cases([folder], "docx", tmp_path / "out")


def test_a_single_case_is_one_and_a_folder_of_one_is_not(folder: Path) -> None:
    assert is_one_case([folder / "monday" / "smear.bmcase"])
    assert not is_one_case([folder / "monday"])
    assert not is_one_case([folder / "monday" / "smear.bmcase", folder / "it's ünï 4711.bmcase"])
