"""Crops of reviewed cells: their places, their pixels, and that training reads them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.report import ReportError, export
from napari_bonemarrow.report.exchange import crops
from napari_bonemarrow.review import Case
from napari_bonemarrow.training.data.sources import find_sources


def names(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.png"))


def index(folder: Path) -> list[dict[str, str]]:
    with (folder / "index.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_reviewed_cells_become_crops_in_a_folder_a_class(
    make_real: Callable[..., Case], tmp_path: Path
) -> None:
    case, out = make_real(5), tmp_path / "crops"
    with pytest.raises(ReportError, match="no cell has been reviewed yet"):
        export(case, "crops", out)
    assert not out.exists()
    case.set_label([1], "PLM")
    case.set_label([2, 3], "PRM")
    export(case, "crops", out)
    assert names(out) == ["PLM/PLM_00001.png", "PRM/PRM_00001.png", "PRM/PRM_00002.png"]
    assert [(row["file"], row["cell_id"]) for row in index(out)] == [
        ("PLM/PLM_00001.png", "1"),
        ("PRM/PRM_00001.png", "2"),
        ("PRM/PRM_00002.png", "3"),
    ]
    with Image.open(out / "PRM" / "PRM_00001.png") as image:
        crop = np.asarray(image)
    assert crop.shape == (250, 250, 3)
    np.testing.assert_allclose(np.argwhere(crop[..., 0] < 200).mean(axis=0), 124.5, atol=0.6)


def test_two_cases_share_a_folder_and_one_is_replaced(make_real: Callable[..., Case], tmp_path: Path) -> None:
    out = tmp_path / "crops"
    one, other = make_real(4), make_real(3, "other.png", 220)
    one.set_label([1, 2], "LYT")
    other.set_label([1, 2, 3], "LYT")
    for case in (one, other):
        export(case, "crops", out)
    assert names(out) == [f"LYT/LYT_0000{number}.png" for number in range(1, 6)]
    one.set_label([2], "BLA")
    export(one, "crops", out)
    assert Counter(name[:3] for name in names(out)) == {"LYT": 4, "BLA": 1}
    assert names(out) == sorted(row["file"] for row in index(out))
    assert {row["slide"] for row in index(out)} == {
        each.slide_record.fingerprint[:12] for each in (one, other)
    }


def test_a_large_class_is_divided_as_in_the_data_set(
    make_real: Callable[..., Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crops, "_THOUSAND", 2)
    case = make_real(6)
    case.set_label([1, 2, 3, 4, 5], "ART")
    case.set_label([6], "ABE")
    export(case, "crops", tmp_path / "crops")
    assert names(tmp_path / "crops") == [
        "ABE/ABE_00001.png",
        "ART/0001-0002/ART_00001.png",
        "ART/0001-0002/ART_00002.png",
        "ART/0003-0004/ART_00003.png",
        "ART/0003-0004/ART_00004.png",
        "ART/0005-0006/ART_00005.png",
    ]


def test_training_reads_the_folder_and_its_table(make_real: Callable[..., Case], tmp_path: Path) -> None:
    out, case = tmp_path / "crops", make_real(6)
    case.set_label([1, 2, 3], "LYT")
    case.set_label([4, 5], "BLA")
    case.set_label([6], "PRM")  # not among the 21
    export(case, "crops", out)
    for path in (out, out / "index.csv"):
        (source,) = find_sources(path)
        assert Counter(source.codes) == {"LYT": 3, "BLA": 2}
        assert source.left_out == 1
        assert {source.scale_of(file) for file in source.files} == {0.1}
    assert len(set(source.together.values())) == 1


def test_a_table_that_leads_elsewhere_is_refused(make_real: Callable[..., Case], tmp_path: Path) -> None:
    out, case = tmp_path / "crops", make_real(2)
    case.set_label([1], "LYT")
    out.mkdir()
    victim = tmp_path / "LYT_00001.png"
    victim.touch()
    row = f"../LYT_00001.png,LYT,a,0.1,bmc21,{case.case_id},1"
    (out / "index.csv").write_text(f"{','.join(crops.COLUMNS)}\n{row}\n", encoding="utf-8")
    with pytest.raises(ReportError, match="is not a table of crops"):
        export(case, "crops", out)
    assert victim.exists()
    assert names(out) == []


def test_a_case_that_must_not_be_relied_on_gives_none(distrusted: Case, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="no pictures to learn from"):
        export(distrusted, "crops", tmp_path / "crops")
