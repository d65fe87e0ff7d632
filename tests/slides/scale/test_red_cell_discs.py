"""The scale from red cells."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from napari_bonemarrow.slides import ScaleSource, estimate_scale, slide_from_array


@pytest.mark.parametrize("scale", [0.05, 0.1, 0.2])
def test_discs_of_known_size(drawn: ModuleType, scale: float) -> None:
    image = drawn.blank(70, 60, scale)
    for x, y in ((10, 10), (16.5, 11), (30, 12), (50, 10), (12, 30), (40, 40), (58, 33), (30, 50)):
        drawn.red_cell(image, x, y, scale)
    drawn.cell(image, 27, 30, 9, 14, microns_per_pixel=scale)
    estimate = estimate_scale(slide_from_array(drawn.finished(image, scale), None))
    assert estimate is not None
    assert estimate.source is ScaleSource.ESTIMATE
    assert estimate.microns_per_pixel == pytest.approx(scale, rel=0.05)
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < scale < estimate.high
    assert "red cells" in estimate.basis


def test_none_where_there_are_too_few_or_no_red_cells(drawn: ModuleType) -> None:
    assert estimate_scale(slide_from_array(drawn.finished(drawn.blank()), None)) is None
    image = drawn.blank()
    for x, y in ((10, 10), (30, 30)):
        drawn.red_cell(image, x, y)
    assert estimate_scale(slide_from_array(drawn.finished(image), None)) is None
    nuclei = drawn.blank()
    for x in (10, 22, 34, 46):
        for y in (10, 25, 40):
            drawn.cell(nuclei, x, y, 8, 8.5)
    assert estimate_scale(slide_from_array(drawn.finished(nuclei), None)) is None
    assert estimate_scale(slide_from_array(np.zeros((50, 50, 3), np.uint8), None)) is None
