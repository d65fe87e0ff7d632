"""A folder of fields as one slide."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from napari_bonemarrow.drawing import draw_smear
from napari_bonemarrow.review.acts.detection import SAME_CELL_UM
from napari_bonemarrow.slides import (
    Slide,
    SlideError,
    cut_crops,
    detect_cells,
    open_slide,
    slide_from_array,
)
from napari_bonemarrow.slides.detection.outlines import outline
from napari_bonemarrow.slides.pixels.mosaic import GAP_PX, FieldFile, lay_out
from napari_bonemarrow.slides.pixels.tiled import TileError
from napari_bonemarrow.slides.slide import FINEST_MICRONS_PER_PIXEL
from tests.slides._pyramids import picture

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
            assert other is region or max(across, down) >= GAP_PX


@given(st.lists(st.tuples(st.integers(16, 5_000), st.integers(16, 5_000)), min_size=1, max_size=40))
def test_any_fields_lie_apart_at_the_edges_of_tiles(sizes: list[tuple[int, int]]) -> None:
    files = [
        FieldFile(Path(f"{number}.png"), width, height, None, lambda: np.empty((0, 0, 3), np.uint8))
        for number, (width, height) in enumerate(sizes)
    ]
    regions = [field.region for field in lay_out(files)]
    assert [(region.width, region.height) for region in regions] == sizes
    for number, region in enumerate(regions):
        assert region.x % 512 == region.y % 512 == 0
        for other in regions[:number]:
            across = max(other.x, region.x) - min(other.x + other.width, region.x + region.width)
            down = max(other.y, region.y) - min(other.y + other.height, region.y + region.height)
            assert max(across, down) >= GAP_PX
            # At the finest scale that is believed two places in different fields are never one cell.
            assert max(across, down) * FINEST_MICRONS_PER_PIXEL > SAME_CELL_UM


def test_fields_lie_where_they_lie_whatever_is_known_of_their_scale(folder: Path) -> None:
    stated = open_slide(folder)
    for number in range(1, 12):
        path = folder / f"field {number}.png"
        Image.open(path).save(path)  # without a density
    mute = open_slide(folder)
    assert mute.scale is None
    scales = (0.01, 0.0413, 0.1, 0.6)
    for slide in (mute, *(open_slide(folder, microns_per_pixel=scale) for scale in scales)):
        assert slide.fields == stated.fields


@pytest.mark.parametrize("microns", [0.0413, 0.1, 0.25])
def test_a_field_among_others_is_searched_cut_and_outlined_as_if_it_were_alone(
    tmp_path: Path, microns: float
) -> None:
    cells = {"LYT": 4, "NGS": 3, "EBO": 3}
    side = round(48 / microns)
    smear = draw_smear(4, width=side, height=side, microns_per_pixel=microns, cells_per_class=cells).image
    others = {
        "black": np.zeros_like(smear),
        "crowd": np.tile(smear[: side // 3, : side // 3], (3, 3, 1)),
        "small": np.full((40, 50, 3), 255, np.uint8),
    }
    expected = _seen(slide_from_array(smear, microns), 0)
    assert len(expected[0]) >= 6
    for name, other in others.items():
        (tmp_path / name).mkdir()
        for number in range(6):  # the second of three columns and of two rows
            Image.fromarray(smear if number == 4 else other).save(tmp_path / name / f"{number}.png")
        seen = _seen(open_slide(tmp_path / name, microns_per_pixel=microns), 4)
        for one, same in zip(seen, expected, strict=True):
            np.testing.assert_allclose(one, same, rtol=0, atol=1e-9)


def _seen(slide: Slide, number: int) -> tuple[np.ndarray, ...]:
    """Return all that is told of the cells of one of a slide's images, places as in that image."""
    found = detect_cells(slide)
    found = found.select(slide.images_at(found.x, found.y) == number)
    corner = slide.images[number]
    x, y = found.x - corner.x, found.y - corner.y
    order = np.lexsort((x, y))
    crops = cut_crops(slide, found.x, found.y)
    areas = [outline(slide, *place).cell_area_um2 for place in zip(found.x, found.y, strict=True)]
    told = (x, y, found.diameter_um, found.score, found.in_frame, crops, np.array(areas))
    return tuple(values[order] for values in told)


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
    with pytest.raises(SlideError, match="none of its 1 image"):
        open_slide(tmp_path)
