from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.review import IMPORTED, Case
from napari_bonemarrow.training import TrainingError
from napari_bonemarrow.training.data.labelled_crops import load_crops, split_crops
from napari_bonemarrow.training.data.sources import find_sources
from tests.training.drawn_cases import MICRONS, write_case
from tests.training.drawn_crops import SIZE, draw_blob, write_blobs


def test_a_data_set_says_its_scale_and_scheme(tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "ours", 2)
    (data / "source.json").write_text(json.dumps({"microns_per_pixel": 0.2, "scheme": "bmc21"}))
    (source,) = find_sources(data)
    assert source.microns_per_pixel == 0.2
    (given,) = find_sources(data, scales={"ours": 0.15})
    assert given.microns_per_pixel == 0.15, "what is given comes before what is stated"
    small = load_crops(data, SIZE, tmp_path / "c", microns_per_pixel=0.4)
    border = small.pixels[0][:10].reshape(-1, 3)
    assert (border == border[0]).all(), "half as large, it is padded"
    same = load_crops(data, SIZE, tmp_path / "c", microns_per_pixel=0.2)
    np.testing.assert_array_equal(same.pixels[0], draw_blob("BLA", 0)[0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ('{"um": 1}', "may hold scheme and microns_per_pixel"),
        ('{"scheme": "fab"}', "no class scheme 'fab'"),
        ('{"microns_per_pixel": "fine"}', "is not a number"),
        ('{"microns_per_pixel": 40}', "40 µm per pixel is not a scale"),
    ],
)
def test_a_data_set_that_says_nonsense(tmp_path: Path, text: str, said: str) -> None:
    data = write_blobs(tmp_path / "ours", 1)
    (data / "source.json").write_text(text)
    with pytest.raises(TrainingError, match=said):
        find_sources(data)


def test_one_scale_for_every_data_set(tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        write_blobs(tmp_path / "all" / name, 1)
    found = find_sources(tmp_path / "all", scales={"*": 0.05, "theirs": 0.2})
    assert {source.name: source.microns_per_pixel for source in found} == {"ours": 0.05, "theirs": 0.2}
    assert found[0].scale_used(0.1) == {"images": 0.05, "resampled_to": 0.1}
    (plain,) = find_sources(tmp_path / "all" / "ours")
    assert plain.scale_used(0.1) == {"images": None, "resampled_to": 0.1}
    with pytest.raises(TrainingError, match="microns-per-pixel: 50 µm per pixel is not a scale"):
        find_sources(tmp_path / "all", scales={"*": 50})


def test_scales_of_no_data_set(tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "ours", 1)
    with pytest.raises(TrainingError, match="no data set of that name; here are ours"):
        find_sources(data, scales={"theirs": 0.1})
    with pytest.raises(TrainingError, match="no class scheme 'fab': choose one of bmc21, choi10, pbc"):
        find_sources(data, "fab")


def test_stages_of_choi(tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "set", 2, ("BLA", "EOS"))
    (data / "BLA").rename(data / "myeloblast")
    (data / "EOS").rename(data / "orthochromatic_erythroblast")
    (source,) = find_sources(data)
    assert (source.scheme.name, source.codes) == ("choi10", ("BLA",) * 2 + ("EBO",) * 2)


def test_a_file_that_is_no_data(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(TrainingError, match=r"give a folder of crops, a .csv manifest or a .bmcase case"):
        find_sources(tmp_path / "x.txt")


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    folder = tmp_path / "reviewed"
    codes = ["BLA", "EOS", "LYT"] * 4
    labels = {cell: code for cell, code in enumerate(codes, 1) if cell <= 9} | {9: "PRM"}
    case = write_case(folder, "one", codes, labels=labels)
    with Case.open(case, reviewer="data set") as opened:
        opened.set_label([11], "EOS", source=IMPORTED)
    write_case(folder, "two", codes[:6], first=100)
    return folder


def test_reviewed_cells_are_crops(cases: Path, tmp_path: Path) -> None:
    (source,) = find_sources(cases)
    assert (
        source.codes
        == ("BLA", "EOS", "LYT", "BLA", "EOS", "LYT", "BLA", "EOS")
        + (
            "BLA",
            "EOS",
            "LYT",
        )
        * 2
    )
    assert source.left_out == 1, "a promonocyte is none of the 21"
    assert source.names[:2] == ("reviewed/one.bmcase/1", "reviewed/one.bmcase/2")
    crops = load_crops(cases, SIZE, tmp_path / "c", microns_per_pixel=MICRONS)
    np.testing.assert_array_equal(crops.pixels[0], draw_blob("BLA", 0)[0])
    np.testing.assert_array_equal(crops.pixels[8], draw_blob("BLA", 100)[0])
    split = split_crops(crops, folds=2, fold=0, calibration_share=0.5, seed=0)
    assert {name.split("/")[1] for name in (crops.names[i] for i in split.test)} in (
        {"one.bmcase"},
        {"two.bmcase"},
    ), "cells of a slide stay together"


def test_one_case_and_what_it_lacks(cases: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (source,) = find_sources(cases / "two.bmcase")
    assert (source.name, len(source.files)) == ("two", 6)
    shutil.move(cases / "two.png", tmp_path / "gone.png")
    with caplog.at_level(logging.WARNING):
        (rest,) = find_sources(cases)
    assert len(rest.files) == 8
    assert "two.bmcase" in caplog.text
    with pytest.raises(TrainingError, match="no reviewed cell to learn from"):
        find_sources(cases / "two.bmcase")


def test_a_review_that_went_on_is_cut_anew(cases: Path, tmp_path: Path) -> None:
    assert len(load_crops(cases, SIZE, tmp_path / "c", microns_per_pixel=MICRONS)) == 14
    with Case.open(cases / "one.bmcase", reviewer="Bo") as case:
        case.set_label([10], "BLA")
    crops = load_crops(cases, SIZE, tmp_path / "c", microns_per_pixel=MICRONS)
    assert len(crops) == 15
    np.testing.assert_array_equal(crops.pixels[8], draw_blob("BLA", 9)[0])
