"""What must not be taken for a cell, what must be found once, and that a cell depends on what is near."""

from __future__ import annotations

import functools
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi

from napari_bonemarrow.drawing import draw_smear
from napari_bonemarrow.slides import detect_cells, open_slide, slide_from_array
from napari_bonemarrow.slides.detection.nucleus_finder import OpenSides, find_nuclei
from napari_bonemarrow.slides.detection.stain_profile import StainProfile, measure_profile
from napari_bonemarrow.slides.pixels.colour import resized

SCALE = 0.25
FAR = round(30 / SCALE)
BLUE_PEN, GREEN_PEN, RED_PEN, BLACK_PEN = (50, 60, 150), (40, 120, 70), (190, 40, 60), (25, 25, 30)


def _count(drawn: ModuleType, image: np.ndarray, blur_um: float = 0.12) -> int:
    return len(detect_cells(slide_from_array(drawn.finished(image, SCALE, blur_um), SCALE)))


def _packed_with_red_cells(drawn: ModuleType) -> np.ndarray:
    image = drawn.blank(90, 70, SCALE)
    rng = np.random.default_rng(2)
    for x in np.arange(4, 90, 6.5):
        for y in np.arange(4, 70, 6.5):
            drawn.red_cell(image, x + rng.uniform(-0.8, 0.8), y + rng.uniform(-0.8, 0.8), SCALE)
    return image


def test_nothing_but_red_cells(drawn: ModuleType) -> None:
    assert _count(drawn, _packed_with_red_cells(drawn)) == 0


@pytest.mark.parametrize("pen", [BLUE_PEN, GREEN_PEN, RED_PEN, BLACK_PEN])
def test_nothing_but_pen(drawn: ModuleType, pen: tuple[int, int, int]) -> None:
    image = _packed_with_red_cells(drawn)
    image[80:140] = pen
    image[:, 200:216] = pen
    assert _count(drawn, image) == 0


def test_a_scratch_and_bubbles(drawn: ModuleType) -> None:
    image = _packed_with_red_cells(drawn)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    for offset, shade in ((40, 245), (44, 120)):
        image[np.abs(y - 0.7 * x - offset) < 2] = shade
    for at in ((80, 90, 50), (260, 200, 36)):
        distance = np.hypot(x - at[0], y - at[1])
        image[distance < at[2]] = (246, 246, 246)
        image[np.abs(distance - at[2]) < 3] = (70, 70, 72)
    assert _count(drawn, image) == 0


@functools.cache
def _smear() -> tuple[np.ndarray, StainProfile]:
    image = draw_smear(8, width=700, height=600, microns_per_pixel=SCALE, noise=1.5).image
    return image, measure_profile([image])


def test_a_smear_far_out_of_focus() -> None:
    image, _ = _smear()
    blurred = ndi.gaussian_filter(image, (6 / SCALE, 6 / SCALE, 0))
    assert len(detect_cells(slide_from_array(blurred, SCALE))) == 0


def test_a_metaphase_plate_is_one_and_so_is_an_anaphase(drawn: ModuleType) -> None:
    image = drawn.blank(60, 50, SCALE)
    drawn.disc(image, 15, 25, 15, drawn.BLUE_CYTOPLASM, SCALE)
    for y in np.arange(21.5, 29, 0.5):  # a plate 9 µm long and 2.6 µm thick
        drawn.disc(image, 15 + 0.3 * np.sin(3 * y), y, 2.6, drawn.NUCLEUS, SCALE)
    drawn.disc(image, 42, 25, 15, drawn.BLUE_CYTOPLASM, SCALE)
    for x in (39.7, 44.3):  # chromatids on their way, 2.2 µm apart
        for y in np.arange(22.4, 28, 0.5):
            drawn.disc(image, x, y, 2.4, drawn.NUCLEUS, SCALE)
    cells = detect_cells(slide_from_array(drawn.finished(image, SCALE), SCALE))
    assert np.allclose(np.sort(cells.x) * SCALE, (15, 42), atol=1)


def test_bare_nuclei_and_smudge_cells_are_objects() -> None:
    smear = draw_smear(
        5, width=640, height=480, microns_per_pixel=SCALE, cells_per_class={"KSC": 6}, noise=1.5
    )
    cells = detect_cells(slide_from_array(smear.image, SCALE))
    inside = (smear.cells.x > 20) & (smear.cells.x < 620) & (smear.cells.y > 20) & (smear.cells.y < 460)
    gap = np.hypot(smear.cells.x[:, None] - cells.x, smear.cells.y[:, None] - cells.y).min(axis=1)
    assert inside.sum() >= 4
    assert (gap[inside] * SCALE < 5).all()


def test_a_bare_nucleus_is_found(drawn: ModuleType) -> None:
    image = drawn.blank(60, 50, SCALE)
    drawn.disc(image, 30, 25, 8.5, drawn.NUCLEUS, SCALE)
    assert _count(drawn, image) == 1


def _within(nuclei_x: np.ndarray, nuclei_y: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Centres within a box (i0, j0, i1, j1), sorted."""
    inside = (nuclei_x >= box[1]) & (nuclei_x < box[3]) & (nuclei_y >= box[0]) & (nuclei_y < box[2])
    found = np.column_stack([nuclei_x, nuclei_y])[inside]
    return found[np.lexsort(found.T)]


def _assert_local(image: np.ndarray, profile: StainProfile, box: tuple[int, int, int, int]) -> int:
    """Compare cells well inside a crop with the same of the whole image; return how many there were."""
    height, width = image.shape[:2]
    i0, j0, i1, j1 = box
    sides = OpenSides(j0 > 0, i0 > 0, j1 < width, i1 < height)
    whole = find_nuclei(image, profile, OpenSides())
    part = find_nuclei(np.ascontiguousarray(image[i0:i1, j0:j1]), profile, sides)
    core = (
        i0 + FAR if sides.top else -1,
        j0 + FAR if sides.left else -1,
        i1 - FAR if sides.bottom else height + 1,
        j1 - FAR if sides.right else width + 1,
    )
    # A centre that lies on the core's own border to the last digit may fall on either side of it.
    expected, found = (
        _within(n.cell_x + dx, n.cell_y + dy, core) for n, dx, dy in ((whole, 0, 0), (part, j0, i0))
    )
    assert expected.shape == found.shape
    assert np.allclose(expected, found, atol=1e-6, rtol=0)
    return len(expected)


_boxes = st.tuples(st.integers(0, 200), st.integers(0, 250), st.integers(330, 600), st.integers(400, 700))


@settings(max_examples=12, deadline=None, derandomize=True)
@given(_boxes)
@pytest.mark.slow
def test_a_cell_of_a_drawn_smear_depends_on_what_is_near(box: tuple[int, int, int, int]) -> None:
    image, profile = _smear()
    _assert_local(image, profile, box)


def test_that_comparison_is_of_many_cells() -> None:
    image, profile = _smear()
    assert _assert_local(image, profile, (0, 3, 600, 697)) > 20


def test_cells_of_a_real_field_depend_on_what_is_near(real_data: Path) -> None:
    rgb = open_slide(real_data / "fields" / "images" / "2047.jpg").levels[0]
    scale = 0.0413
    image = resized(rgb, round(rgb.shape[1] * scale / SCALE), round(rgb.shape[0] * scale / SCALE))
    profile = measure_profile([image])
    height, width = image.shape[:2]
    boxes = [
        (0, 0, height, width - 61),
        (37, 0, height, width),
        (0, 41, height - 23, width),
        (5, 5, height, width),
    ]
    assert sum(_assert_local(image, profile, box) for box in boxes) > 25


def test_what_touches_an_open_side_is_left_to_another_tile(drawn: ModuleType) -> None:
    image = drawn.blank(60, 50, SCALE)
    drawn.cell(image, 2, 25, microns_per_pixel=SCALE)
    drawn.cell(image, 30, 25, microns_per_pixel=SCALE)
    rgb = drawn.finished(image, SCALE)
    profile = measure_profile([rgb])
    assert len(find_nuclei(rgb, profile, OpenSides()).x) == 2
    assert len(find_nuclei(rgb, profile, OpenSides(left=True)).x) == 1
