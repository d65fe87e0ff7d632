"""The window shows a cell's place as it is classified: in the layer under its ring, and in its thumbnail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import Cells
from napari_bonemarrow.engine import SlideSource, child
from napari_bonemarrow.gui.canvas.rings.code_plates import pixels_of
from napari_bonemarrow.gui.canvas.smear_layer import slide_layer
from napari_bonemarrow.gui.npe2_reader import read
from napari_bonemarrow.gui.widgets.crop_cache import SPAN_UM, _images
from napari_bonemarrow.review import Case, CaseError
from napari_bonemarrow.slides import cut_crops, open_slide
from napari_bonemarrow.workflow import open_or_create_case
from tests.coded import INPUTS, MPP, Input, assert_shows, places, window

RADIUS = 12
SIZE = 64


@pytest.fixture(params=list(INPUTS))
def given(request: pytest.FixtureRequest, tmp_path: Path) -> Input:
    folder = tmp_path / "in"
    folder.mkdir()
    return INPUTS[request.param](folder)


def _finest(data: object) -> object:
    """Return level 0 of a layer's data: an array with a shape, or the first of several."""
    return data if hasattr(data, "shape") else data[0]


def test_the_layer_shows_under_a_ring_what_is_classified(given: Input, tmp_path: Path) -> None:
    slide, case = open_or_create_case(given.path, reviewer="A", case_path=tmp_path / "a.bmcase")
    case.close()
    before = slide_layer(slide)
    slide, case = open_or_create_case(
        given.path, reviewer="A", case_path=tmp_path / "a.bmcase", microns_per_pixel=MPP
    )
    case.close()
    routes = {
        "the panel, before the scale is known": before,
        "the panel": slide_layer(slide),
        "napari's reader": read(str(given.path))[0],
        "napari's reader of a case": read(str(case.path))[0],
    }
    for route, (data, _keywords, kind) in routes.items():
        assert kind == "image", route
        shown = _finest(data)
        for number, image in enumerate(given.images):
            region = slide.images[number]
            for x, y in places(image):
                left, top = (round(at) - RADIUS for at in (region.x + x + 0.5, region.y + y + 0.5))
                rows, columns = slice(max(0, top), top + 2 * RADIUS), slice(max(0, left), left + 2 * RADIUS)
                pixels = np.asarray(shown[rows, columns])[..., :3].astype(int)
                wanted, inside = window(image, x, y, 2 * RADIUS)
                # A window that begins before the layer shows less of it.
                wanted, inside = (
                    each[rows.start - top :, columns.start - left :] for each in (wanted, inside)
                )
                wanted, inside = (each[: pixels.shape[0], : pixels.shape[1]] for each in (wanted, inside))
                apart = np.abs(pixels - wanted)[inside]
                assert apart.mean() < 12 if given.lossy else apart.max() == 0, (route, number, x, y)


def test_a_thumbnail_shows_the_crop_that_is_classified(given: Input, qapp) -> None:
    slide = open_slide(given.path, microns_per_pixel=MPP)
    child._slides.clear()
    classified_from = child._slide(SlideSource.of(slide))
    where = [(number, at) for number, image in enumerate(given.images) for at in places(image)]
    x = [slide.images[number].x + at[0] for number, at in where]
    y = [slide.images[number].y + at[1] for number, at in where]
    batch = [(cell, *at) for cell, at in enumerate(zip(x, y, strict=True))]
    classified = cut_crops(classified_from, x, y)  # 250 px at 0.1 µm, as the starter bundle takes them
    thumbnails = _images(slide, batch, 250)
    small = _images(slide, batch, SIZE)
    same_small = cut_crops(classified_from, x, y, microns_per_pixel=SPAN_UM / SIZE, size=SIZE)
    for cell, (number, at) in enumerate(where):
        assert_shows(pixels_of(thumbnails[cell][1])[..., :3], given, number, at)
        np.testing.assert_array_equal(pixels_of(thumbnails[cell][1])[..., :3], classified[cell])
        np.testing.assert_array_equal(pixels_of(small[cell][1])[..., :3], same_small[cell])


def test_a_case_of_an_earlier_layout_is_not_shown(
    tmp_path: Path, open_panel, qtbot, notices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = INPUTS["folder"](tmp_path)
    with monkeypatch.context() as before:
        before.setattr("napari_bonemarrow.slides.pixels.mosaic.LAYOUT", 1)
        _slide, case = open_or_create_case(given.path, reviewer="A", microns_per_pixel=MPP)
        one = np.array([9.0], np.float32)
        case.detection.record(Cells(np.array([1]), np.array([9.0]), np.array([9.0]), one, one, one > 0), {})
        case.close()
    with pytest.raises(CaseError, match="earlier version"):
        read(str(case.path))
    _viewer, panel = open_panel()
    for path in (given.path, case.path):
        notices.clear()
        panel.controller.open_path(path)
        qtbot.waitUntil(lambda: bool(notices), timeout=30_000)
        assert "earlier version" in notices[0]
        assert "\n" not in notices[0]
        assert panel.controller.smear is None
    with Case.open(case.path, read_only=True) as old:
        assert len(old.cells) == 1
