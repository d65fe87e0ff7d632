from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.training import TrainingError
from napari_bonemarrow.training.data.labelled_crops import load_crops, split_crops
from napari_bonemarrow.training.data.sources import find_sources
from tests.training.drawn_crops import write_blobs


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    return write_blobs(tmp_path / "set", 6)


def manifest(tmp_path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "list.csv"
    path.write_text("\n".join(lines) + "\n", encoding)
    return path


def test_it_says_what_folders_say(tmp_path: Path, crops: Path) -> None:
    lines = [
        f"set/{file.parent.name}/{file.name},{file.parent.name},set"
        for file in sorted(crops.rglob("*.png"), reverse=True)
    ]
    listed = load_crops(manifest(tmp_path, "file,label,source", *lines), 64, tmp_path / "c")
    found = load_crops(crops, 64, tmp_path / "c")
    assert set(listed.names) == set(found.names)
    assert dict(zip(listed.names, listed.codes, strict=True)) == dict(
        zip(found.names, found.codes, strict=True)
    )
    first, second = (split_crops(c, folds=3, fold=0, calibration_share=0.2, seed=1) for c in (listed, found))
    assert {listed.names[i] for i in first.test} == {found.names[i] for i in second.test}


@pytest.mark.parametrize(("separator", "encoding"), [(",", "utf-8-sig"), (";", "utf-8"), ("\t", "utf-8")])
def test_spreadsheets_of_other_countries(tmp_path: Path, crops: Path, separator: str, encoding: str) -> None:
    rows = [
        ("File", " Label", "microns_per_pixel", "remark"),
        ("set/BLA/BLA_00000.png", "BLA", "0,2" if separator != "," else "0.2", "Zelle mit Säumen"),
        ("set/LYT/LYT_00000.png", "LYT", "", ""),
        ("", "", "", ""),
    ]
    (source,) = find_sources(manifest(tmp_path, *(separator.join(row) for row in rows), encoding=encoding))
    assert source.codes == ("BLA", "LYT")
    assert [source.scale_of(file) for file in source.files] == [0.2, None]
    assert source.names == ("list/set/BLA/BLA_00000.png", "list/set/LYT/LYT_00000.png")


def test_sources_with_schemes_of_their_own(tmp_path: Path, crops: Path) -> None:
    path = manifest(
        tmp_path,
        "file,label,source,scheme",
        "set/BLA/BLA_00000.png,BLA,marrow,",
        "set/LYT/LYT_00000.png,LY,blood,pbc",
        "set/LYT/LYT_00001.png,PLATELET,blood,pbc",
        "set/LYT/LYT_00002.png,PLM,blood,pbc",
    )
    blood, marrow = find_sources(path)
    assert (blood.scheme.name, blood.codes, blood.left_out) == ("pbc", ("LYT", "PLM"), 1)
    assert (marrow.scheme.name, marrow.codes) == ("bmc21", ("BLA",))


def test_cells_of_a_patient_stay_together(tmp_path: Path, crops: Path) -> None:
    files = sorted(crops.rglob("*.png"))
    lines = [
        f"{file},{file.parent.name},{'' if at < 3 else f'p{at % 5}'},{f's{at % 2}' if at < 9 else ''}"
        for at, file in enumerate(files)
    ]
    loaded = load_crops(manifest(tmp_path, "file,label,patient,slide", *lines), 64, tmp_path / "c")
    whose = ["s0", "s1", "s0", *(f"p{at % 5}" for at in range(3, 18))]
    for one in range(18):
        for two in range(18):
            if whose[one] == whose[two]:
                assert loaded.group[one] == loaded.group[two]
    split = split_crops(loaded, folds=3, fold=0, calibration_share=0.3, seed=0)
    people = [{whose[i] for i in part} for part in (split.train, split.calibration, split.test)]
    assert sum(map(len, people)) == len(set.union(*people))


def test_files_of_another_scale_are_resampled(tmp_path: Path, crops: Path) -> None:
    path = manifest(
        tmp_path,
        "file,label,microns_per_pixel",
        "set/BLA/BLA_00000.png,BLA,0.2",
        "set/BLA/BLA_00001.png,BLA,0.1",
    )
    loaded = load_crops(path, 64, tmp_path / "c", microns_per_pixel=0.1)
    plain = load_crops(crops, 64, tmp_path / "c", microns_per_pixel=0.1)
    np.testing.assert_array_equal(loaded.pixels[1], plain.pixels[plain.files.index("BLA/BLA_00001.png")])
    middle = plain.pixels[plain.files.index("BLA/BLA_00000.png")][16:48, 16:48]
    np.testing.assert_allclose(loaded.pixels[0][::2, ::2].mean(axis=(0, 1)), middle.mean(axis=(0, 1)), atol=2)
    assert loaded.pixels[0].shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((), "has no column file and no column label"),
        (("file,label",), "lists no image"),
        (("file|label", "a.png|BLA"), "its first line names file|label"),
        (("path,label", "a.png,BLA"), "has no column file"),
        (("file,label", "set/BLA/BLA_00000.png,"), "line 2: no label"),
        (("file,label", "set/BLA/BLA_00000.png,BLAST"), "line 2: 'BLAST' is not a class code of bmc21"),
        (
            ("file,label", "set/BLA/BLA_00000.png,BLA", "x.png,BLA", "y.png,LYT"),
            r"2 of 3 files are missing: .*x.png, .*y.png",
        ),
        (
            ("file,label", "set/BLA/BLA_00000.png,BLA", "set/BLA/BLA_00000.png,LYT"),
            "line 3: BLA_00000.png is listed in line 2 too as BLA and as LYT",
        ),
        (
            ("file,label", "set/BLA/BLA_00000.png,BLA", "set/BLA/BLA_00000.png,BLA"),
            "is listed in line 2 too; keep one",
        ),
        (
            ("file,label,microns_per_pixel", "set/BLA/BLA_00000.png,BLA,nan"),
            "line 2: 'nan' µm per pixel is not a scale",
        ),
        (("file,label,scheme", "set/BLA/BLA_00000.png,BLA,fab"), "line 2: no class scheme 'fab'"),
        (
            ("file,label,scheme", "set/BLA/BLA_00000.png,BLA,bmc21", "set/LYT/LYT_00000.png,LY,pbc"),
            "schemes bmc21 and pbc",
        ),
        (("file,label,scheme", "set/BLA/BLA_00000.png,PLATELET,pbc"), "has a place among the 21"),
    ],
)
def test_tables_that_make_no_sense(tmp_path: Path, crops: Path, lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(TrainingError, match=said.replace("|", r"\|")):
        find_sources(manifest(tmp_path, *lines))


def test_another_encoding(tmp_path: Path, crops: Path) -> None:
    path = manifest(tmp_path, "file,label,patient", "set/BLA/BLA_00000.png,BLA,Müller", encoding="latin-1")
    with pytest.raises(TrainingError, match="is not UTF-8"):
        find_sources(path)


def test_a_manifest_lies_anywhere(tmp_path: Path, crops: Path) -> None:
    away = tmp_path / "elsewhere"
    away.mkdir()
    shutil.move(manifest(tmp_path, "file,label", f"{crops / 'BLA' / 'BLA_00000.png'},BLA"), away)
    (source,) = find_sources(away / "list.csv")
    assert source.files[0].is_file()
