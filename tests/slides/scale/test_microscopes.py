"""What a pixel shows by objective, adapter and camera."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from napari_bonemarrow.slides.scale.microscopes import COMMON, Microscope


def test_a_pixel_is_the_cameras_over_the_magnification() -> None:
    assert Microscope(objective=100, adapter=0.5, camera_pixel_um=3.45).microns_per_pixel == pytest.approx(
        0.069
    )
    binned = Microscope(objective=63, adapter=1, camera_pixel_um=6.5, binning=2)
    assert binned.microns_per_pixel == pytest.approx(13 / 63)
    assert binned.text == "63× · adapter 1× · 6.5 µm, binning 2"


def test_those_that_are_offered_differ_and_are_of_a_believable_scale() -> None:
    assert len({each.text for each in COMMON}) == len(COMMON)
    assert all(0.02 < each.microns_per_pixel < 0.3 for each in COMMON)


@pytest.mark.parametrize(
    "wrong",
    [
        {"objective": 0},
        {"adapter": 0},
        {"camera_pixel_um": -3},
        {"binning": 0},
        {"objective": 1, "camera_pixel_um": 50},
        {"objective": 250, "adapter": 10, "camera_pixel_um": 0.5},
        {"patient": "x"},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Microscope.model_validate(wrong)
