"""Outlines of cells whose sizes are known."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from napari_bonemarrow.slides import SlideError, slide_from_array
from napari_bonemarrow.slides.detection.outlines import outline

SCALE = 0.125


def _area(polygon: np.ndarray, scale: float = SCALE) -> float:
    """Area of a closed polygon (shoelace formula), µm²."""
    x, y = polygon.T
    return float(abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2 * scale**2)


def _disc(diameter: float) -> float:
    return float(np.pi / 4 * diameter**2)


@pytest.mark.parametrize("scale", [0.08, 0.125, 0.25])
def test_a_cell_of_known_size(drawn: ModuleType, scale: float) -> None:
    image = drawn.blank(60, 50, scale)
    drawn.cell(image, 30, 25, 8.0, 13.0, microns_per_pixel=scale)
    shape = outline(slide_from_array(drawn.finished(image, scale), scale), 30 / scale, 25 / scale)
    assert shape.cell_diameter_um == pytest.approx(13, abs=0.7)
    assert shape.nucleus_area_um2 == pytest.approx(_disc(8), rel=0.15)
    assert shape.nc_ratio == pytest.approx((8 / 13) ** 2, abs=0.06)
    assert _area(shape.cell, scale) == pytest.approx(shape.cell_area_um2, rel=0.05)
    assert _area(shape.nucleus, scale) == pytest.approx(shape.nucleus_area_um2, rel=0.05)
    assert np.allclose(shape.cell[:-1].mean(axis=0) * scale, (30, 25), atol=0.4)
    assert np.array_equal(shape.cell[0], shape.cell[-1])
    assert (shape.nuclei, shape.cut) == (1, False)


def test_an_eccentric_nucleus_in_deep_blue_cytoplasm(drawn: ModuleType) -> None:
    image = drawn.blank(60, 50, SCALE)
    drawn.disc(image, 30, 25, 16, drawn.BLUE_CYTOPLASM, SCALE)
    drawn.disc(image, 33.2, 25, 8, drawn.NUCLEUS, SCALE)
    shape = outline(slide_from_array(drawn.finished(image, SCALE), SCALE), 33.2 / SCALE, 25 / SCALE)
    assert shape.cell_diameter_um == pytest.approx(16, abs=1)
    assert shape.nc_ratio == pytest.approx(0.25, abs=0.05)


def test_neighbours_and_red_cells_are_left_out(drawn: ModuleType) -> None:
    image = drawn.blank(60, 50, SCALE)
    drawn.red_cell(image, 30, 34.5, SCALE)
    for x in (24, 36.4):
        drawn.cell(image, x, 25, 7.0, 12.0, microns_per_pixel=SCALE)
    slide = slide_from_array(drawn.finished(image, SCALE), SCALE)
    for x in (24, 36.4):
        shape = outline(slide, x / SCALE, 25 / SCALE)
        assert shape.cell_diameter_um == pytest.approx(12, abs=1)
        assert shape.nuclei == 1


def test_a_binucleate_cell_has_two_nuclei(drawn: ModuleType) -> None:
    image = drawn.blank(60, 50, SCALE)
    drawn.disc(image, 30, 25, 19, drawn.BLUE_CYTOPLASM, SCALE)
    for x in (25.6, 34.4):
        drawn.disc(image, x, 25, 7.0, drawn.NUCLEUS, SCALE)
    slide = slide_from_array(drawn.finished(image, SCALE), SCALE)
    shapes = [outline(slide, x / SCALE, 25 / SCALE) for x in (25.6, 34.4)]
    assert [shape.nuclei for shape in shapes] == [2, 2]
    assert shapes[0].cell_area_um2 == pytest.approx(shapes[1].cell_area_um2)
    assert shapes[0].cell_diameter_um == pytest.approx(19, abs=1.2)
    assert shapes[0].nucleus_area_um2 == pytest.approx(2 * _disc(7), rel=0.15)
    assert _area(shapes[0].nucleus) == pytest.approx(_disc(7), rel=0.2)


def test_a_bare_nucleus_is_nearly_all_nucleus(drawn: ModuleType) -> None:
    image = drawn.blank(60, 50, SCALE)
    drawn.disc(image, 30, 25, 9, drawn.NUCLEUS, SCALE)
    shape = outline(slide_from_array(drawn.finished(image, SCALE), SCALE), 30 / SCALE, 25 / SCALE)
    assert shape.nc_ratio > 0.75
    assert shape.cell_diameter_um < 11


def test_a_cell_cut_by_the_border_says_so(drawn: ModuleType) -> None:
    image = drawn.blank(60, 50, SCALE)
    drawn.cell(image, 3, 25, microns_per_pixel=SCALE)
    assert outline(slide_from_array(drawn.finished(image, SCALE), SCALE), 3 / SCALE, 25 / SCALE).cut


def test_no_nucleus_is_said(drawn: ModuleType) -> None:
    image = drawn.blank(60, 50, SCALE)
    drawn.cell(image, 15, 25, microns_per_pixel=SCALE)
    slide = slide_from_array(drawn.finished(image, SCALE), SCALE)
    for x, y in ((40, 25), (-500, 25)):
        with pytest.raises(SlideError, match="no nucleus at"):
            outline(slide, x / SCALE, y / SCALE)
