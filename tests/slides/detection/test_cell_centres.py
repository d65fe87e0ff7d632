"""The middle of a cell: drawn where it is known, bounded, and the same wherever a tile begins."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from napari_bonemarrow.slides.detection.cell_centres import FINEST, LARGEST_SHIFT_UM
from napari_bonemarrow.slides.detection.nucleus_finder import Nuclei, find_nuclei
from napari_bonemarrow.slides.detection.stain_profile import StainProfile, measure_profile

SCALE = 0.25


def _found(drawn: ModuleType, image: np.ndarray) -> tuple[Nuclei, StainProfile, np.ndarray]:
    rgb = drawn.finished(image, SCALE)
    profile = measure_profile([rgb])
    return find_nuclei(rgb, profile), profile, rgb


def _places(nuclei: Nuclei) -> np.ndarray:
    """Cell centres in µm, from left to right."""
    at = (np.column_stack([nuclei.cell_x, nuclei.cell_y]) + 0.5) * SCALE
    return at[np.argsort(at[:, 0])]


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.1, 4.0])
def test_the_centre_is_the_middle_of_a_cell_whose_nucleus_lies_at_its_side(
    drawn: ModuleType, angle: float
) -> None:
    image = drawn.blank(60, 50, SCALE)
    drawn.disc(image, 30, 25, 14, drawn.BLUE_CYTOPLASM, SCALE)
    nucleus = 30 + 2.5 * np.cos(angle), 25 + 2.5 * np.sin(angle)
    drawn.disc(image, *nucleus, 7.5, drawn.NUCLEUS, SCALE)
    nuclei, _, _ = _found(drawn, image)
    assert len(nuclei.x) == 1
    assert np.hypot(nuclei.x[0] * SCALE - nucleus[0], nuclei.y[0] * SCALE - nucleus[1]) < 0.6
    assert np.hypot(*(_places(nuclei)[0] - (30, 25))) < 0.5


def test_it_moves_no_farther_than_the_bound(drawn: ModuleType) -> None:
    image = drawn.blank(60, 50, SCALE)
    drawn.disc(image, 26, 25, 19, drawn.BLUE_CYTOPLASM, SCALE)
    drawn.disc(image, 31.5, 25, 7, drawn.NUCLEUS, SCALE)
    nuclei, _, _ = _found(drawn, image)
    moved = np.hypot(nuclei.cell_x - nuclei.x, nuclei.cell_y - nuclei.y) * SCALE
    assert len(moved) == 1
    assert 0.8 * LARGEST_SHIFT_UM < moved[0] <= LARGEST_SHIFT_UM + FINEST


def test_neighbours_and_red_cells_do_not_pull(drawn: ModuleType) -> None:
    image = drawn.blank(60, 50, SCALE)
    for x in (22, 33):  # cells that touch
        drawn.cell(image, x, 25, 7.0, 11.0, microns_per_pixel=SCALE)
    drawn.red_cell(image, 22, 34, SCALE)
    drawn.red_cell(image, 33, 15.8, SCALE)
    nuclei, _, _ = _found(drawn, image)
    assert np.abs(_places(nuclei) - [(22, 25), (33, 25)]).max() < 0.7


def test_a_cell_cut_by_the_border_keeps_its_nucleus_s_centre(drawn: ModuleType) -> None:
    image = drawn.blank(60, 50, SCALE)
    drawn.disc(image, 4, 25, 14, drawn.BLUE_CYTOPLASM, SCALE)
    drawn.disc(image, 4.5, 25, 7, drawn.NUCLEUS, SCALE)
    nuclei, _, _ = _found(drawn, image)
    np.testing.assert_array_equal(nuclei.cell_x, nuclei.x)
    np.testing.assert_array_equal(nuclei.cell_y, nuclei.y)


def test_it_is_the_same_to_the_last_digit_wherever_the_image_begins(drawn: ModuleType) -> None:
    image = drawn.blank(120, 110, SCALE)
    rng = np.random.default_rng(5)
    for x in (35, 50, 65, 80):
        for y in (35, 52, 70):
            drawn.disc(image, x, y, 12, drawn.BLUE_CYTOPLASM, SCALE)
            drawn.disc(image, x + rng.uniform(-2, 2), y + rng.uniform(-2, 2), 7, drawn.NUCLEUS, SCALE)
    whole, profile, rgb = _found(drawn, image)
    assert len(whole.x) == 12
    for top, left in ((1, 0), (3, 5), (10, 7)):
        part = find_nuclei(np.ascontiguousarray(rgb[top:, left:]), profile)
        np.testing.assert_array_equal(part.cell_x + left, whole.cell_x)
        np.testing.assert_array_equal(part.cell_y + top, whole.cell_y)


def test_no_nuclei_have_no_centres(drawn: ModuleType) -> None:
    nuclei, _, _ = _found(drawn, drawn.blank(20, 20, SCALE))
    assert nuclei.cell_x.shape == nuclei.cell_y.shape == (0,)
