"""Where the view is after a key: still, or gently at the cell, and never off the smear."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt

from napari_bonemarrow.drawing import draw_smear, write_sample


def _centre(stage) -> tuple[float, float]:
    return tuple(float(value) for value in stage.camera.center[-2:])


def _at_rest(stage, qtbot) -> tuple[float, float]:
    qtbot.waitUntil(lambda: not stage.glide.running)
    return _centre(stage)


@pytest.fixture
def desk(analysed, qtbot):
    _viewer, panel = analysed
    stage = panel.coordinator.stage
    qtbot.waitUntil(lambda: not stage.glide.running)
    return panel, stage, panel.coordinator.review


def test_the_view_keeps_still_for_a_cell_in_its_middle(desk, qtbot):
    panel, stage, review = desk
    x, y = review.place(int(review.worklist.ids[0]))
    scale = review.session.slide.microns_per_pixel
    stage.camera.zoom = 9.0
    high, wide = stage.viewport().size
    stage.camera.center = (y * scale + 0.25 * high, x * scale - 0.25 * wide)
    before, zoom = _centre(stage), stage.camera.zoom
    qtbot.keyClick(panel.window()._qt_viewer.canvas.native, Qt.Key.Key_Space)
    assert review.selected == int(review.worklist.ids[0])
    assert not stage.glide.running
    assert (_centre(stage), stage.camera.zoom) == (before, zoom)


def test_the_view_goes_to_a_cell_outside_its_middle_and_rests_within_the_smear(desk, qtbot):
    _panel, stage, review = desk
    stage.camera.zoom = 30.0
    for cell in review.session.case.cells.cell_id.tolist():
        stage.go_to(*review.place(cell))
        _at_rest(stage, qtbot)
        seen, scale = stage.viewport(), review.session.slide.microns_per_pixel
        x, y = review.place(cell)
        for at, middle, side, whole in zip(
            (y * scale, x * scale), seen.centre, seen.size, seen.smear, strict=True
        ):
            assert abs(at - middle) <= side / 2  # it is seen
            assert middle - side / 2 >= -1e-6 or side >= whole  # and no black where there is smear
            assert middle + side / 2 <= whole + 1e-6 or side >= whole
    assert stage.camera.zoom == 30.0


def test_a_reviewer_who_moves_the_view_is_not_pulled_back(desk, qtbot):
    _panel, stage, _review = desk
    stage.camera.zoom = 30.0
    stage.camera.center = (20.0, 20.0)
    stage.glide.start((20.0, 20.0), (22.0, 22.0))
    assert stage.glide.running
    stage.camera.center = (40.0, 40.0)
    assert not stage.glide.running
    assert _centre(stage) == (40.0, 40.0)


def test_a_cell_far_away_in_an_overview_is_shown_near(desk, qtbot):
    _panel, stage, review = desk
    stage.camera.zoom = 0.5
    review.next()
    assert stage.camera.zoom >= 7.0
    seen = stage.viewport()
    x, y = review.place(review.selected)
    scale = review.session.slide.microns_per_pixel
    assert seen.shows_well((y * scale, x * scale)) or seen.towards((y * scale, x * scale)) is None


def test_a_view_that_was_kept_beyond_the_smear_shows_it_whole_instead_of_black(desk):
    _panel, stage, _review = desk
    stage.look((5_000.0, -300.0), 12.0)
    seen = stage.viewport()
    assert seen.centre == pytest.approx((seen.smear[0] / 2, seen.smear[1] / 2), rel=1e-3)
    assert all(side >= whole for side, whole in zip(seen.size, seen.smear, strict=True))


def _shows_whole(stage) -> bool:
    seen = stage.viewport()
    middle = (seen.smear[0] / 2, seen.smear[1] / 2)
    fits = all(side >= whole for side, whole in zip(seen.size, seen.smear, strict=True))
    fills = any(side <= 1.5 * whole for side, whole in zip(seen.size, seen.smear, strict=True))
    return fits and fills and np.allclose(seen.centre, middle, rtol=1e-3)


def test_a_second_smear_is_shown_whole_and_nothing_of_the_first_is_seen(desk, qtbot, tmp_path):
    panel, stage, review = desk
    coordinator, viewer = panel.coordinator, stage.viewer
    review.next()
    coordinator.explaining.set_method("gradcam")
    with qtbot.waitSignal(coordinator.explaining.shown, timeout=10_000):
        review.next()
    first = stage.smear
    small = draw_smear(3, width=400, height=300, cells_per_class={"BLA": 1, "NGS": 1})
    path = write_sample(tmp_path / "second.png", small)
    with qtbot.waitSignal(coordinator.all_opened, timeout=20_000):
        coordinator.open_path(path)
    assert _shows_whole(stage)
    seen = [layer.name for layer in viewer.layers if layer.visible]
    assert seen == ["second", "counted frame", "cells"]
    assert first in viewer.layers  # a click on it in the layer list opens it again
    assert not any("why" in layer.name for layer in viewer.layers)


def test_a_confirmed_scale_shows_the_second_smear_whole_beside_a_large_first(desk, qtbot, tmp_path):
    panel, stage, _review = desk
    coordinator = panel.coordinator
    path = tmp_path / "small.png"
    Image.fromarray(np.full((200, 260, 3), 220, np.uint8)).save(path)
    with qtbot.waitSignal(coordinator.all_opened, timeout=20_000):
        coordinator.open_path(path)
    coordinator.preparing.confirm_scale(0.1)
    assert _shows_whole(stage)


def test_the_key_that_fills_the_view_works_undocked_too(desk, qtbot):
    panel, stage, review = desk
    review.next()
    native = panel.window()._qt_viewer.canvas.native
    panel.parentWidget().setFloating(True)
    qtbot.waitUntil(lambda: panel.window() is panel.parentWidget())
    before = stage.camera.zoom
    qtbot.keyClick(native, Qt.Key.Key_F)
    assert stage.camera.zoom > before
