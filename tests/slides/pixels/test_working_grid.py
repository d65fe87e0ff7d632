"""The working grid: the same pixels however it is read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_bonemarrow.cytology import Region, ScaleError
from napari_bonemarrow.slides import Scale, ScaleSource, Slide, slide_from_array
from napari_bonemarrow.slides.pixels.working_grid import (
    BLOCK,
    level_pixels,
    to_level_zero,
    to_working,
    working_box,
    working_image,
    working_shape,
)

NOISE = np.random.default_rng(2).integers(0, 256, (700, 900, 3)).astype(np.uint8)


def pyramid(levels: list[np.ndarray], scale: float) -> Slide:
    return Slide(
        slide_from_array(levels[0], scale).path, tuple(levels), Scale(scale, ScaleSource.USER), "0" * 64
    )


def test_at_its_own_scale_it_is_the_image_itself() -> None:
    slide = slide_from_array(NOISE, 0.25)
    assert working_shape(slide) == (700, 900)
    np.testing.assert_array_equal(working_image(slide, 0, 0, 700, 900), NOISE)
    np.testing.assert_array_equal(working_image(slide, 13, 600, 500, 899), NOISE[13:500, 600:899])


@settings(max_examples=40, deadline=None)
@given(data=st.data(), scale=st.sampled_from([0.0413, 0.1, 0.23, 0.2525, 0.5]))
def test_a_part_is_cut_out_of_the_whole(data: st.DataObject, scale: float) -> None:
    slide = slide_from_array(NOISE, scale)
    height, width = working_shape(slide)
    rows = sorted(data.draw(st.lists(st.integers(0, height), min_size=2, max_size=2)))
    columns = sorted(data.draw(st.lists(st.integers(0, width), min_size=2, max_size=2)))
    whole = working_image(slide, 0, 0, height, width)
    part = working_image(slide, rows[0], columns[0], rows[1], columns[1])
    np.testing.assert_array_equal(part, whole[rows[0] : rows[1], columns[0] : columns[1]])


@pytest.mark.parametrize("scale", [0.0413, 0.1, 0.2265, 0.4])
def test_blocks_meet_without_a_seam(scale: float) -> None:
    """A slope that is the same everywhere has no step where two blocks meet."""
    length = int(3 * BLOCK * 0.25 / scale)
    ramp = np.linspace(20, 230, length)
    image = np.repeat(np.rint(ramp)[None, :, None], 40, axis=0).repeat(3, axis=2).astype(np.uint8)
    slide = slide_from_array(image, scale)
    height, width = working_shape(slide)
    row = working_image(slide, 0, 0, height, width)[height // 2, :, 0].astype(float)
    expected = np.interp(to_level_zero(slide, np.arange(width)), np.arange(length), ramp)
    assert np.abs(row - expected)[3:-3].max() <= 1.5


def test_positions_go_there_and_back_and_the_border_is_half_a_pixel_out() -> None:
    slide = slide_from_array(NOISE, 0.1)
    at = np.array([-0.5, 0.0, 411.3])
    np.testing.assert_allclose(to_level_zero(slide, to_working(slide, at)), at)
    assert to_working(slide, np.array([-0.5]))[0] == -0.5


def test_it_is_read_from_the_coarsest_level_that_is_fine_enough() -> None:
    fine = np.full((1000, 1200, 3), 10, np.uint8)
    half = np.full((500, 600, 3), 20, np.uint8)
    quarter = np.full((250, 300, 3), 30, np.uint8)
    slide = pyramid([fine, half, quarter], 0.1)
    height, width = working_shape(slide)
    assert np.unique(working_image(slide, 0, 0, height, width)).tolist() == [20]


def test_a_level_that_dropped_its_last_pixels_keeps_its_whole_factor() -> None:
    fine, coarse = np.zeros((40, 1003, 3), np.uint8), np.zeros((10, 250, 3), np.uint8)
    assert level_pixels(pyramid([fine, coarse], 0.06), 1) == 4.0
    odd = np.zeros((15, 373, 3), np.uint8)
    assert level_pixels(pyramid([fine, odd], 0.06), 1) == pytest.approx(1003 / 373)


def test_a_level_that_ends_early_goes_on_as_it_ends() -> None:
    fine = np.full((520, 1030, 3), 200, np.uint8)
    coarse = np.full((257, 514, 3), 200, np.uint8)
    slide = pyramid([fine, coarse], 0.125)
    height, width = working_shape(slide)
    image = working_image(slide, 0, 0, height, width)
    assert image.shape == (260, 515, 3)
    assert (image == 200).all()


def test_a_region_holds_only_pixels_that_lie_wholly_in_it() -> None:
    slide = slide_from_array(NOISE, 0.1)
    assert working_box(slide, Region(0, 0, 900, 700)) == (0, 0, *working_shape(slide))
    i0, j0, i1, j1 = working_box(slide, Region(11, 20, 101, 50))
    assert (i0, j0) == (8, 5)
    assert (i1, j1) == (28, 44)


def test_what_cannot_be_is_refused() -> None:
    slide = slide_from_array(NOISE, 0.25)
    for box in ((-1, 0, 10, 10), (0, 0, 701, 10), (5, 5, 4, 9)):
        with pytest.raises(ValueError, match="are not all in"):
            working_image(slide, *box)
    with pytest.raises(ScaleError):
        working_shape(slide_from_array(NOISE, None))
    tiny = slide_from_array(NOISE[:1, :3], 0.05)
    assert working_image(tiny, 0, 0, *working_shape(tiny)).shape == (2, 2, 3)
