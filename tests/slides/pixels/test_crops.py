"""Crops: size, centre, scale, background, against discs of known geometry."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from napari_bonemarrow.cytology import ScaleError
from napari_bonemarrow.slides import Slide, cut_crops, slide_from_array
from napari_bonemarrow.slides.pixels.crops import cut_readable
from napari_bonemarrow.slides.pixels.tiled import TiledLevel, TileError


@pytest.mark.parametrize("scale", [0.0413, 0.05, 0.1, 0.25])
@pytest.mark.parametrize("offset", [0.0, 0.37])
def test_a_disc_keeps_its_size_and_centre(drawn: ModuleType, scale: float, offset: float) -> None:
    image = drawn.blank(40, 40, scale)
    x_um, y_um = 20 + offset * scale, 19 - offset * scale
    drawn.disc(image, x_um, y_um, 8.0, drawn.NUCLEUS, scale)
    slide = slide_from_array(np.rint(image).astype(np.uint8), scale)
    crop = cut_crops(slide, [x_um / scale], [y_um / scale])[0]
    assert crop.shape == (250, 250, 3)
    darkness = (drawn.BACKGROUND[1] - crop[..., 1].astype(float)) / (drawn.BACKGROUND[1] - drawn.NUCLEUS[1])
    diameter = np.sqrt(4 / np.pi * darkness.sum())
    assert diameter == pytest.approx(80, abs=0.6)
    rows, columns = np.mgrid[:250, :250]
    assert (darkness * columns).sum() / darkness.sum() == pytest.approx(124.5, abs=0.1)
    assert (darkness * rows).sum() / darkness.sum() == pytest.approx(124.5, abs=0.1)


def test_fine_texture_does_not_alias(drawn: ModuleType) -> None:
    stripes = np.zeros((600, 600, 3), np.uint8)
    stripes[:, ::2] = 255  # twice the frequency that 0.1 µm/px can hold
    crop = cut_crops(slide_from_array(stripes, 0.05), [300.3], [300.7], size=100)[0].astype(float)
    assert crop.std() < 12


def test_the_outside_has_the_colour_of_the_background(drawn: ModuleType) -> None:
    image = drawn.blank(40, 40, 0.1)
    drawn.cell(image, 2, 2)
    crop = cut_crops(slide_from_array(np.rint(image).astype(np.uint8), 0.1), [0.0], [0.0])[0]
    assert np.abs(crop[:100, :100].astype(int) - drawn.BACKGROUND).max() <= 2
    assert crop[160, 160, 1] < 60


def test_a_crop_far_outside_is_background_alone(drawn: ModuleType) -> None:
    slide = slide_from_array(np.rint(drawn.blank(20, 20, 0.1)).astype(np.uint8), 0.1)
    crop = cut_crops(slide, [5000.0], [-5000.0], size=50)[0]
    assert np.abs(crop.astype(int) - drawn.BACKGROUND).max() <= 2


def test_many_crops_keep_their_order(drawn: ModuleType) -> None:
    image = drawn.blank(60, 20, 0.1)
    for index in range(5):
        drawn.disc(image, 10 + 10 * index, 10, 4, (40 * index, 0, 0))
    xs = 100 + 100 * np.arange(5)
    crops = cut_crops(slide_from_array(np.rint(image).astype(np.uint8), 0.1), xs, np.full(5, 100), size=21)
    assert crops[:, 10, 10, 0].tolist() == [0, 40, 80, 120, 160]


def test_no_points_give_no_crops_and_no_scale_an_error(drawn: ModuleType) -> None:
    rgb = np.rint(drawn.blank(20, 20)).astype(np.uint8)
    assert cut_crops(slide_from_array(rgb, 0.1), [], []).shape == (0, 250, 250, 3)
    with pytest.raises(ScaleError):
        cut_crops(slide_from_array(rgb, None), [1], [1])


def _partly_damaged(scale: float = 0.1) -> Slide:
    """A slide of four tiles, the last of which cannot be read."""

    def read(row: int, column: int) -> np.ndarray:
        if (row, column) == (1, 1):
            raise ValueError("cut off")
        return np.full((256, 256, 3), 100 + 50 * row + column, np.uint8)

    level = TiledLevel("damaged.tif", 0, (512, 512), (256, 256), read)
    return replace(slide_from_array(np.full((512, 512, 3), 230, np.uint8), scale), levels=(level,))


def test_crops_beside_a_damaged_tile_are_cut_and_those_in_it_left_out() -> None:
    slide = _partly_damaged()
    x, y = [60.0, 400.0, 440.0, 70.0], [70.0, 390.0, 60.0, 430.0]
    crops, readable = cut_readable(slide, x, y, microns_per_pixel=0.1, size=60)
    assert readable.tolist() == [True, False, True, True]
    assert crops.shape == (3, 60, 60, 3)
    assert [int(crop[30, 30, 0]) for crop in crops] == [100, 101, 150]
    with pytest.raises(TileError, match=r"damaged\.tif.*level 0, column 1, row 1.*cut off"):
        cut_crops(slide, x, y, microns_per_pixel=0.1, size=60)


def test_where_no_crop_can_be_read_the_tile_is_named_and_no_points_are_no_error() -> None:
    slide = _partly_damaged()
    with pytest.raises(TileError, match=r"damaged\.tif.*column 1, row 1"):
        cut_readable(slide, [400.0, 300.0], [390.0, 300.0], microns_per_pixel=0.1, size=60)
    crops, readable = cut_readable(slide, [], [], microns_per_pixel=0.1, size=60)
    assert (crops.shape, readable.shape) == ((0, 60, 60, 3), (0,))
