"""The scale from what is in a slide: red cells apart, in crowds, and nuclei that must not contradict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from napari_bonemarrow.cytology import Region
from napari_bonemarrow.drawing import draw_smear
from napari_bonemarrow.slides import estimate_scale, open_slide, slide_from_array
from napari_bonemarrow.slides.pixels.colour import resized
from napari_bonemarrow.slides.scale.nuclear_size import nuclear_diameters, typical_diameter
from napari_bonemarrow.slides.scale.red_cell_arcs import arc_diameters
from napari_bonemarrow.slides.slide import Field


@pytest.mark.parametrize("scale", [0.06, 0.12])
def test_a_drawn_smear_lies_in_its_interval(scale: float) -> None:
    side = round(90 / scale)
    smear = draw_smear(3, width=side, height=side, microns_per_pixel=scale)
    estimate = estimate_scale(slide_from_array(smear.image, None))
    assert estimate is not None
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < scale < estimate.high


def test_nuclei_are_measured_in_pixels(drawn: ModuleType) -> None:
    image = drawn.blank(60, 60)
    for x in (10, 30, 50):
        drawn.cell(image, x, 20, 8, 12)
    found = nuclear_diameters(drawn.finished(image))
    assert len(found) == 3
    assert typical_diameter(found) == pytest.approx(80, rel=0.06)


def test_arcs_of_a_rouleau_have_their_cells_size(drawn: ModuleType) -> None:
    image = drawn.blank(60, 40)
    for k in range(5):
        drawn.disc(image, 12 + 6 * k, 20, 7.35, drawn.RED_CELL)
    found = arc_diameters(drawn.finished(image))
    assert len(found) >= 2
    assert np.median(found) == pytest.approx(73.5, rel=0.08)


def test_nuclei_that_contradict_forbid_an_answer(drawn: ModuleType) -> None:
    image = drawn.blank(90, 70)
    for x in (8, 25, 42, 59, 76):
        drawn.red_cell(image, x, 10)
        drawn.red_cell(image, x, 60)
    assert estimate_scale(slide_from_array(drawn.finished(image), None)) is not None
    for x in (12, 34, 56, 78):
        drawn.cell(image, x, 26, 17, 19)
        drawn.cell(image, x, 46, 17, 19)
    assert estimate_scale(slide_from_array(drawn.finished(image), None)) is None


def test_the_fields_of_a_folder_are_pooled(drawn: ModuleType) -> None:
    image = drawn.blank(90, 30)
    for x in (8, 20, 33, 55, 68, 80):
        drawn.red_cell(image, x, 15)
    whole = slide_from_array(drawn.finished(image), None)
    halves = (Field("a", Region(0, 0, 440, 300)), Field("b", Region(450, 0, 450, 300)))
    assert estimate_scale(slide_from_array(np.array(whole.levels[0][:, :440]), None)) is None
    pooled = estimate_scale(replace(whole, fields=halves))
    assert pooled is not None
    assert pooled.microns_per_pixel == pytest.approx(0.1, rel=0.05)


@pytest.mark.slow
def test_of_a_whole_slide_only_patches_are_read(drawn: ModuleType) -> None:
    image = drawn.blank(100, 100)
    for x in range(10, 100, 15):
        for y in range(10, 100, 15):
            drawn.red_cell(image, x, y)
    pixels = np.tile(drawn.finished(image), (5, 5, 1))
    read: list[int] = []

    class Watched:
        shape, dtype, ndim = pixels.shape, pixels.dtype, 3

        def __getitem__(self, key: tuple[slice, ...]) -> np.ndarray:
            read.append(pixels[key].size)
            return pixels[key]

    small = resized(pixels, 1250, 1250)
    slide = replace(slide_from_array(small, None), levels=(Watched(), small))
    estimate = estimate_scale(slide)
    assert estimate is not None
    assert estimate.microns_per_pixel == pytest.approx(0.1, rel=0.05)
    assert max(read) <= 1024 * 1024 * 3
    assert len(read) <= 12


@pytest.mark.parametrize("name", ["213", "405", "104"])
def test_real_fields_and_their_halves(real_data: Path, name: str) -> None:
    rgb = np.asarray(open_slide(real_data / "fields" / "images" / f"{name}.jpg").levels[0][:, :])
    full = estimate_scale(slide_from_array(rgb, None))
    half = estimate_scale(slide_from_array(resized(rgb, rgb.shape[1] // 2, rgb.shape[0] // 2), None))
    assert full is not None
    assert half is not None
    assert full.low is not None
    assert full.high is not None
    assert full.low < 0.05 < full.high
    assert half.microns_per_pixel == pytest.approx(2 * full.microns_per_pixel, rel=0.06)
