"""Areas of regions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_bonemarrow.cytology import Frame, Region, covered_area

side = st.integers(0, 30)


@given(st.lists(st.tuples(side, side, side, side), max_size=8))
def test_the_area_of_regions_is_that_of_the_pixels_they_cover(boxes: list[tuple[int, int, int, int]]) -> None:
    covered = np.zeros((60, 60), bool)
    for x, y, width, height in boxes:
        covered[y : y + height, x : x + width] = True
    assert covered_area([Region(*box) for box in boxes]) == covered.sum()


def test_overlapping_regions_are_counted_once() -> None:
    frame = Frame((Region(0, 0, 100, 100), Region(50, 0, 100, 100), Region(0, 0, 100, 100)), 0.0, 400, 400)
    assert frame.counted_area(0.1) == 150 * 100
