"""What is measured of a smear once."""

from __future__ import annotations

import json
from types import ModuleType

import numpy as np
import pytest

from napari_bonemarrow.slides import SlideError
from napari_bonemarrow.slides.detection.stain_profile import StainProfile, measure_profile

SCALE = 0.25


def _field(drawn: ModuleType) -> np.ndarray:
    image = drawn.blank(60, 50, SCALE)
    for x, y in ((15, 12), (30, 30), (45, 15), (20, 38)):
        drawn.cell(image, x, y, microns_per_pixel=SCALE)
    return drawn.finished(image, SCALE)


def test_background_and_blueness_of_drawn_cells(drawn: ModuleType) -> None:
    profile = measure_profile([_field(drawn)])
    assert np.allclose(profile.background, drawn.BACKGROUND, atol=2)
    red, green, _ = np.log(np.array(drawn.BACKGROUND) / np.array(drawn.NUCLEUS))
    assert profile.blueness == pytest.approx(red / green, abs=0.1)


def test_several_samples_are_one_smear(drawn: ModuleType) -> None:
    field = _field(drawn)
    empty = drawn.finished(drawn.blank(60, 50, SCALE), SCALE)
    both = measure_profile([empty, field])
    assert both.background == measure_profile([field, empty]).background
    assert both.blueness == pytest.approx(measure_profile([field]).blueness, abs=0.02)


def test_no_nucleus_no_blueness(drawn: ModuleType) -> None:
    empty = drawn.finished(drawn.blank(60, 50, SCALE), SCALE)
    assert measure_profile([empty]).blueness == 0.0
    assert measure_profile([]) == StainProfile((255, 255, 255))


def test_pen_does_not_count_as_nuclei(drawn: ModuleType) -> None:
    image = drawn.blank(60, 50, SCALE)
    for x in (15, 30, 45):
        drawn.disc(image, x, 25, 9, (40, 60, 150), SCALE)
    assert measure_profile([drawn.finished(image, SCALE)]).blueness < 2
    with_cells = image.copy()
    for y in (10, 40):
        for x in (12, 28, 45):
            drawn.cell(with_cells, x, y, microns_per_pixel=SCALE)
    assert measure_profile([drawn.finished(with_cells, SCALE)]).blueness < 1


def test_written_and_read_again() -> None:
    profile = StainProfile((210, 205, 220), 0.71)
    assert StainProfile.from_json(json.loads(json.dumps(profile.to_json()))) == profile


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"background": [1, 2], "blueness": 0.5},
        {"background": [1, 2, 300], "blueness": 0.5},
        {"background": [1, 2, 3], "blueness": float("nan")},
        {"background": [1, 2, 3], "blueness": "much"},
    ],
)
def test_a_spoilt_profile_is_refused(written: dict[str, object]) -> None:
    with pytest.raises(SlideError, match="stain profile"):
        StainProfile.from_json(written)
