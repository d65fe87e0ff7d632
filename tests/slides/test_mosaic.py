"""A folder of fields as one slide."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.slides import SlideError, open_slide
from napari_bonemarrow.slides.tiled import TileError

from ._pyramids import picture

MICRONS = 0.1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eleven fields of two sizes at 0.1 µm per pixel, beside a text and a hidden file."""
    folder = tmp_path / "fields"
    folder.mkdir()
    for number in range(1, 12):
        image = Image.fromarray(picture(300, 400 if number % 2 else 350, seed=number))
        image.save(folder / f"field {number}.png", dpi=(25_400 / MICRONS, 25_400 / MICRONS))
    (folder / "notes.txt").write_text("nothing")
    (folder / ".hidden.png").write_text("nothing")
    return folder


def test_fields_lie_side_by_side_with_a_gap(folder: Path) -> None:
    slide = open_slide(folder)
    assert [field.name for field in slide.fields] == [f"field {number}.png" for number in range(1, 12)]
    assert (slide.vendor, slide.properties["left_out"], slide.warnings) == ("fields", "0", ())
    assert slide.microns_per_pixel == pytest.approx(MICRONS, rel=1e-4)
    for number, region in enumerate(slide.images, start=1):
        x, y, width, height = (int(side) for side in (region.x, region.y, region.width, region.height))
        shown = slide.levels[0][y : y + height, x : x + width]
        assert np.array_equal(shown, picture(300, 400 if number % 2 else 350, seed=number))
        for other in slide.images:
            across = max(other.x - (x + width), x - (other.x + other.width))
            down = max(other.y - (y + height), y - (other.y + other.height))
            assert other is region or max(across, down) * MICRONS >= 40


def test_the_fingerprint_stays_after_moving_and_follows_the_content(folder: Path, tmp_path: Path) -> None:
    first = open_slide(folder).fingerprint
    shutil.move(folder, tmp_path / "moved")
    assert open_slide(tmp_path / "moved").fingerprint == first
    Image.fromarray(picture(300, 400, seed=99)).save(tmp_path / "moved" / "field 3.png")
    assert open_slide(tmp_path / "moved").fingerprint != first


def test_unreadable_files_are_left_out_and_told(folder: Path) -> None:
    (folder / "field 2.png").write_text("Surname")
    (folder / "field 3.png").write_bytes(b"")
    slide = open_slide(folder)
    assert len(slide.fields) == 9
    assert slide.properties["left_out"] == "2"
    assert all(name in warning for name, warning in zip(("field 2", "field 3"), slide.warnings, strict=True))
    assert all("\n" not in warning for warning in slide.warnings)


def test_a_field_that_is_damaged_further_on_leaves_the_others(folder: Path) -> None:
    whole = (folder / "field 5.png").read_bytes()
    (folder / "field 5.png").write_bytes(whole[: len(whole) // 2])
    slide = open_slide(folder)
    for field in slide.fields:
        region = field.region
        part = (slice(int(region.y), int(region.y) + 300), slice(int(region.x), int(region.x) + 350))
        if field.name == "field 5.png":
            with pytest.raises(TileError, match=r"fields/field 5\.png"):
                slide.levels[0][part]
        else:
            assert slide.levels[0][part].shape == (300, 350, 3)


def test_mixed_scales_are_refused_by_name(folder: Path) -> None:
    Image.fromarray(picture(300, 400)).save(folder / "field 7.png", dpi=(25_400 / 0.2, 25_400 / 0.2))
    with pytest.raises(SlideError, match=r"field 7\.png") as caught:
        open_slide(folder)
    assert "field 1" in str(caught.value)
    Image.fromarray(picture(300, 400)).save(folder / "field 7.png")
    assert open_slide(folder).scale is None  # one does not say it
    assert open_slide(folder, microns_per_pixel=0.1).microns_per_pixel == 0.1


def test_folders_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(SlideError, match="folder without images"):
        open_slide(tmp_path)
    (tmp_path / "a.png").write_text("x")
    with pytest.raises(SlideError, match="none of its 1 images"):
        open_slide(tmp_path)
