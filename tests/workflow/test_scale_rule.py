from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import ScaleError
from napari_bonemarrow.slides import Scale, ScaleSource, slide_from_array
from napari_bonemarrow.workflow import scale_rule
from napari_bonemarrow.workflow.scale_rule import settle_scale

PIXELS = np.full((64, 64, 3), 230, np.uint8)


@pytest.fixture
def estimate(monkeypatch: pytest.MonkeyPatch) -> Scale:
    value = Scale(0.0504, ScaleSource.ESTIMATE, low=0.048, high=0.053, basis="31 red cells")
    monkeypatch.setattr(scale_rule, "estimate_scale", lambda slide: value)
    return value


def test_the_user_goes_before_the_file(estimate: Scale) -> None:
    slide = slide_from_array(PIXELS, 0.2)
    assert settle_scale(slide, microns_per_pixel=0.1).microns_per_pixel == 0.1
    assert settle_scale(slide, accept_estimate=True).microns_per_pixel == 0.2


def test_an_unknown_scale_is_an_error_that_tells_the_estimate_and_what_to_do(estimate: Scale) -> None:
    slide = slide_from_array(PIXELS, None, Path("mute.png"))
    with pytest.raises(ScaleError) as caught:
        settle_scale(slide)
    assert str(caught.value) == (
        "mute.png: its scale is unknown; its cells suggest 0.0504 µm/px (0.048 to 0.053): "
        "pass --microns-per-pixel 0.0504, or accept the estimate with --estimate-scale"
    )


def test_an_accepted_estimate_stays_marked_as_one(estimate: Scale) -> None:
    assert settle_scale(slide_from_array(PIXELS, None), accept_estimate=True) == estimate


def test_an_estimate_that_is_wide_is_never_taken_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = Scale(0.05, ScaleSource.ESTIMATE, low=0.033, high=0.075, basis="12 arcs")
    monkeypatch.setattr(scale_rule, "estimate_scale", lambda slide: wide)
    for accept in (False, True):
        with pytest.raises(ScaleError) as caught:
            settle_scale(slide_from_array(PIXELS, None, Path("mute.png")), accept_estimate=accept)
        assert str(caught.value) == (
            "mute.png: its scale is unknown; its cells suggest 0.05 µm/px (0.033 to 0.075): "
            "too uncertain to accept without a check: measure it and pass --microns-per-pixel F"
        )


def test_without_an_estimate_only_the_user_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale_rule, "estimate_scale", lambda slide: None)
    with pytest.raises(ScaleError, match="cannot be estimated: pass --microns-per-pixel"):
        settle_scale(slide_from_array(PIXELS, None), accept_estimate=True)
