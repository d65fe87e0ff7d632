"""Finding nucleated cells: what is one, what is two, what is none."""

from __future__ import annotations

import io
from itertools import pairwise
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.cytology import Cells, Frame, Region, ScaleError
from napari_bonemarrow.slides import SlideError, detect_cells, slide_from_array
from napari_bonemarrow.slides.detection.cell_detection import detection_plan
from napari_bonemarrow.slides.detection.tile_search import merge_tiles, search_tile


def _detect(drawn: ModuleType, image: np.ndarray, scale: float = 0.1) -> Cells:
    return detect_cells(slide_from_array(drawn.finished(image, scale), scale))


@pytest.mark.parametrize("scale", [0.04, 0.1, 0.25])
def test_centre_and_diameter_at_any_scale(drawn: ModuleType, scale: float) -> None:
    image = drawn.blank(60, 50, scale)
    drawn.cell(image, 20.3, 25.1, 8.0, 13.0, microns_per_pixel=scale)
    cells = _detect(drawn, image, scale)
    assert len(cells) == 1
    assert cells.x[0] * scale == pytest.approx(20.3, abs=0.15)
    assert cells.y[0] * scale == pytest.approx(25.1, abs=0.15)
    assert cells.diameter_um[0] == pytest.approx(8.0, abs=0.8)
    assert 0.5 < cells.score[0] <= 1
    assert cells.cell_id.tolist() == [1]


def test_an_empty_field_gives_none(drawn: ModuleType) -> None:
    assert len(_detect(drawn, drawn.blank())) == 0
    flat = np.full((400, 400, 3), 255, np.uint8)
    assert len(detect_cells(slide_from_array(flat, 0.1))) == 0
    assert len(detect_cells(slide_from_array(np.zeros_like(flat), 0.1))) == 0


def test_red_cells_platelets_and_ink_give_none(drawn: ModuleType) -> None:
    image = drawn.blank()
    for x in range(8, 60, 9):
        for y in range(8, 50, 9):
            drawn.red_cell(image, x, y)
    assert len(_detect(drawn, image)) == 0
    for x, y in ((12, 12), (30, 30), (45, 21)):
        drawn.disc(image, x, y, 2.4, drawn.PLATELET)
    image[300:330, :] = drawn.INK
    drawn.disc(image, 20, 40, 8, drawn.INK)
    assert len(_detect(drawn, image)) == 0


def test_a_field_out_of_focus_gives_none(drawn: ModuleType) -> None:
    image = drawn.blank()
    for x in (15, 30, 45):
        drawn.cell(image, x, 25)
    sharp = slide_from_array(drawn.finished(image), 0.1)
    assert len(detect_cells(sharp)) == 3
    blurred = slide_from_array(drawn.finished(image, blur_um=6), 0.1)
    assert len(detect_cells(blurred)) == 0


def test_touching_nuclei_are_two(drawn: ModuleType) -> None:
    image = drawn.blank()
    for x in (20, 27.4):
        drawn.cell(image, x, 25, 8.0, 9.0)
    cells = _detect(drawn, image)
    assert len(cells) == 2
    assert np.allclose(np.sort(cells.x) * 0.1, [20, 27.4], atol=0.5)


def test_small_round_neighbours_are_two(drawn: ModuleType) -> None:
    image = drawn.blank()
    for x in (20, 28):
        drawn.cell(image, x, 25, 5.6, 7.8)
    assert len(_detect(drawn, image)) == 2


def test_lobes_are_one(drawn: ModuleType) -> None:
    image = drawn.blank()
    drawn.disc(image, 25, 25, 13, drawn.CYTOPLASM)
    lobes = np.array([(22.5, 23), (24.7, 27), (27.9, 24.4)])
    for start, end in pairwise(lobes):
        for share in np.linspace(0, 1, 12):  # the filament between two lobes
            drawn.disc(image, *(start + share * (end - start)), 1.2, drawn.NUCLEUS)
    for x, y in lobes:
        drawn.disc(image, x, y, 4.0, drawn.NUCLEUS)
    cells = _detect(drawn, image)
    assert len(cells) == 1
    assert np.hypot(cells.x[0] * 0.1 - 25.0, cells.y[0] * 0.1 - 24.8) < 0.6


def test_a_nucleus_is_told_from_deep_blue_cytoplasm(drawn: ModuleType) -> None:
    image = drawn.blank()
    drawn.disc(image, 25, 25, 17, drawn.BLUE_CYTOPLASM)
    drawn.disc(image, 29, 25, 7.5, drawn.NUCLEUS)
    cells = _detect(drawn, image)
    assert len(cells) == 1
    assert 25 < cells.x[0] * 0.1 < 27  # towards the middle of the cell, by no more than 3 µm
    assert cells.diameter_um[0] == pytest.approx(7.5, abs=1.2)


def test_the_frame_only_marks(drawn: ModuleType) -> None:
    image = drawn.blank()
    drawn.cell(image, 4, 25)
    drawn.cell(image, 30, 25)
    slide = slide_from_array(drawn.finished(image), 0.1)
    cells = detect_cells(slide)
    assert cells.in_frame.tolist() == [bool(x > 50) for x in cells.x]
    assert sorted(cells.in_frame.tolist()) == [False, True]
    left = Frame((Region(0, 0, 200, 500),), 0.0, slide.width, slide.height)
    assert detect_cells(slide, frame=left).in_frame.tolist() == [bool(x < 200) for x in cells.x]


def test_a_large_image_is_searched_in_tiles(drawn: ModuleType) -> None:
    image = drawn.blank(90, 60, 0.2)
    rng = np.random.default_rng(3)
    for x in range(8, 90, 15):
        for y in range(8, 60, 15):
            drawn.cell(image, x + rng.uniform(-2, 2), y + rng.uniform(-2, 2), microns_per_pixel=0.2)
    slide = slide_from_array(drawn.finished(image, 0.2), 0.2)
    whole = detect_cells(slide)
    assert len(whole) == 24
    plan = detection_plan(slide, tile_um=30.0)
    assert len(plan.tiles) == 6
    frame = Frame.whole_field(slide.width, slide.height)
    tiled = merge_tiles([search_tile(slide, tile) for tile in plan.tiles], frame, 0.2)
    for name in tiled.__slots__:
        np.testing.assert_array_equal(getattr(tiled, name), getattr(whole, name))


def test_too_coarse_an_image_is_refused(drawn: ModuleType) -> None:
    slide = slide_from_array(drawn.finished(drawn.blank()), 2.0)
    with pytest.raises(SlideError, match="too coarse"):
        detect_cells(slide)


def test_progress_rises_to_one_and_a_missing_scale_is_said(drawn: ModuleType) -> None:
    rgb = drawn.finished(drawn.blank())
    seen: list[float] = []
    detect_cells(slide_from_array(rgb, 0.1), progress=seen.append)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0.0, 1.0)
    with pytest.raises(ScaleError):
        detect_cells(slide_from_array(rgb, None))


def _jpeg(rgb: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=40)
    return np.asarray(Image.open(buffer))


def test_stain_casts_light_and_compression_change_nothing(drawn: ModuleType) -> None:
    image = drawn.blank()
    for x, y in ((15, 12), (30, 30), (45, 15), (20, 38)):
        drawn.cell(image, x, y)
    for x, y in ((8, 25), (40, 40), (50, 30)):
        drawn.red_cell(image, x, y)
    plain = drawn.finished(image)
    tints = ([1.15, 1, 1], [0.85, 1, 1], [1, 0.85, 1], [1, 1, 0.85], [0.7] * 3, [1.15] * 3)
    variants = [np.clip(plain * np.array(tint), 0, 255).astype(np.uint8) for tint in tints]
    for rgb in (plain, *variants, _jpeg(plain)):
        cells = detect_cells(slide_from_array(rgb, 0.1))
        assert len(cells) == 4
    half = np.asarray(Image.fromarray(plain).resize((300, 250), Image.Resampling.BOX))
    assert len(detect_cells(slide_from_array(half, 0.2))) == 4


@pytest.mark.parametrize("shape", [(20, 20), (16, 900), (3, 400)])
def test_odd_shapes_and_scales_do_not_fail(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (*shape, 3)).astype(np.uint8)
    for scale in (0.01, 0.25, 0.6):
        cells = detect_cells(slide_from_array(noise, scale))
        assert ((cells.x >= 0) & (cells.x < shape[1]) & (cells.y >= 0) & (cells.y < shape[0])).all()
