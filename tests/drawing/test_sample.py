"""Single crops, and the smear as a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import BMC21
from napari_bonemarrow.drawing import DrawingError, DrawnSmear, Stain, draw_cell, draw_smear, write_sample
from napari_bonemarrow.slides import open_slide


@pytest.fixture(scope="module")
def tiny() -> DrawnSmear:
    return draw_smear(5, width=400, height=300, microns_per_pixel=0.08, cells_per_class={"LYT": 1, "NGS": 1})


@pytest.mark.parametrize("code", BMC21)
def test_crop_of_each_class(code: str) -> None:
    crop = draw_cell(code, 1)
    assert crop.shape == (250, 250, 3)
    assert crop.dtype == np.uint8
    middle = crop[115:135, 115:135, 1].mean()
    if code not in {"ART", "OTH"}:
        assert middle < 0.75 * np.percentile(crop[..., 1], 95)


def test_crop_repeats_and_follows_scale_and_stain() -> None:
    crop = draw_cell("EOS", 4)
    assert np.array_equal(crop, draw_cell("EOS", 4))
    assert not np.array_equal(crop, draw_cell("EOS", 5))
    assert draw_cell("EOS", 4, microns_per_pixel=0.2, size=125).shape == (125, 125, 3)
    dark = draw_cell("EOS", 4, stain=Stain().with_illumination(150, 150, 155))
    assert dark.mean() < crop.mean() - 30


def test_unknown_class() -> None:
    with pytest.raises(DrawingError, match="QQQ"):
        draw_cell("QQQ", 0)


@pytest.mark.parametrize("name", ["smear.png", "smear.tif", "smear.TIFF"])
def test_scale_survives_the_file(tiny: DrawnSmear, tmp_path: Path, name: str) -> None:
    path = write_sample(tmp_path / name, tiny)
    slide = open_slide(path)
    assert slide.scale is not None
    assert slide.scale.microns_per_pixel == pytest.approx(0.08, rel=1e-5)
    assert np.array_equal(np.asarray(slide.levels[0]), tiny.image)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_other_suffix_is_refused(tiny: DrawnSmear, tmp_path: Path) -> None:
    with pytest.raises(DrawingError, match=r"\.png"):
        write_sample(tmp_path / "smear.jpg", tiny)


def test_folder_that_cannot_be_written(tiny: DrawnSmear, tmp_path: Path) -> None:
    with pytest.raises(DrawingError, match="cannot be written") as caught:
        write_sample(tmp_path / "missing" / "smear.png", tiny)
    assert "\n" not in str(caught.value)
    blocked = tmp_path / "blocked.png"
    blocked.mkdir()
    with pytest.raises(DrawingError, match="cannot be written"):
        write_sample(blocked, tiny)
    assert [p.name for p in tmp_path.iterdir()] == ["blocked.png"]
