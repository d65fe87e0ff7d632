"""Where the view is after a key: still, or gently at the cell, and never off the smear."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_bonemarrow.drawing import draw_smear, write_sample
from napari_bonemarrow.gui.canvas.napari_compat import layer_docks


def _centre(smear_viewer) -> tuple[float, float]:
    return tuple(float(value) for value in smear_viewer.camera.center[-2:])


def _at_rest(smear_viewer, qtbot) -> tuple[float, float]:
    qtbot.waitUntil(lambda: not smear_viewer.view.glide.running)
    return _centre(smear_viewer)


@pytest.fixture
def desk(analysed, qtbot):
    _viewer, panel = analysed
    smear_viewer = panel.controller.smear_viewer
    qtbot.waitUntil(lambda: not smear_viewer.view.glide.running)
    return panel, smear_viewer, panel.controller.smear.review


def test_the_view_keeps_still_for_a_cell_in_its_middle(desk, qtbot):
    panel, smear_viewer, review = desk
    x, y = review.shown_cell.place(int(review.worklist.ids[0]))
    scale = review.session.slide.microns_per_pixel
    smear_viewer.camera.zoom = 9.0
    high, wide = smear_viewer.view.viewport().size
    smear_viewer.camera.center = (y * scale + 0.25 * high, x * scale - 0.25 * wide)
    before, zoom = _centre(smear_viewer), smear_viewer.camera.zoom
    qtbot.keyClick(panel.window()._qt_viewer.canvas.native, Qt.Key.Key_Space)
    assert review.selection.current == int(review.worklist.ids[0])
    assert not smear_viewer.view.glide.running
    assert (_centre(smear_viewer), smear_viewer.camera.zoom) == (before, zoom)


def test_the_view_goes_to_a_cell_outside_its_middle_and_rests_within_the_smear(desk, qtbot):
    _panel, smear_viewer, review = desk
    smear_viewer.camera.zoom = 30.0
    for cell in review.session.case.cells.cell_id.tolist():
        smear_viewer.view.go_to(*review.shown_cell.place(cell))
        _at_rest(smear_viewer, qtbot)
        seen, scale = smear_viewer.view.viewport(), review.session.slide.microns_per_pixel
        x, y = review.shown_cell.place(cell)
        for at, middle, side, whole in zip(
            (y * scale, x * scale), seen.centre, seen.size, seen.smear, strict=True
        ):
            assert abs(at - middle) <= side / 2  # it is seen
            assert middle - side / 2 >= -1e-6 or side >= whole  # and no black where there is smear
            assert middle + side / 2 <= whole + 1e-6 or side >= whole
    assert smear_viewer.camera.zoom == 30.0


def test_a_reviewer_who_moves_the_view_is_not_pulled_back(desk, qtbot):
    _panel, smear_viewer, _review = desk
    smear_viewer.camera.zoom = 30.0
    smear_viewer.camera.center = (20.0, 20.0)
    smear_viewer.view.glide.start((20.0, 20.0), (22.0, 22.0))
    assert smear_viewer.view.glide.running
    smear_viewer.camera.center = (40.0, 40.0)
    assert not smear_viewer.view.glide.running
    assert _centre(smear_viewer) == (40.0, 40.0)


def test_a_cell_far_away_in_an_overview_is_shown_near(desk, qtbot):
    _panel, smear_viewer, review = desk
    smear_viewer.camera.zoom = 0.5
    review.navigation.next()
    assert smear_viewer.camera.zoom >= 7.0
    seen = smear_viewer.view.viewport()
    x, y = review.shown_cell.place(review.selection.current)
    scale = review.session.slide.microns_per_pixel
    assert seen.shows_well((y * scale, x * scale)) or seen.towards((y * scale, x * scale)) is None


def test_a_view_that_was_kept_beyond_the_smear_shows_it_whole_instead_of_black(desk):
    _panel, smear_viewer, _review = desk
    smear_viewer.view.look((5_000.0, -300.0), 12.0)
    seen = smear_viewer.view.viewport()
    assert seen.centre == pytest.approx((seen.smear[0] / 2, seen.smear[1] / 2), rel=1e-3)
    assert all(side >= whole for side, whole in zip(seen.size, seen.smear, strict=True))


def _shows_whole(smear_viewer) -> bool:
    seen = smear_viewer.view.viewport()
    middle = (seen.smear[0] / 2, seen.smear[1] / 2)
    fits = all(side >= whole for side, whole in zip(seen.size, seen.smear, strict=True))
    fills = any(side <= 1.5 * whole for side, whole in zip(seen.size, seen.smear, strict=True))
    return fits and fills and np.allclose(seen.centre, middle, rtol=1e-3)


def test_a_second_smear_is_shown_whole_and_nothing_of_the_first_is_seen(desk, qtbot, tmp_path):
    panel, smear_viewer, review = desk
    controller, viewer = panel.controller, smear_viewer.viewer
    review.navigation.next()
    controller.smear.heatmap.set_method("gradcam")
    with qtbot.waitSignal(controller.smear.heatmap.shown, timeout=10_000):
        review.navigation.next()
    first = smear_viewer.smear
    small = draw_smear(3, width=400, height=300, cells_per_class={"BLA": 1, "NGS": 1})
    path = write_sample(tmp_path / "second.png", small)
    with qtbot.waitSignal(controller.queue.all_opened, timeout=20_000):
        controller.open_path(path)
    assert _shows_whole(smear_viewer)
    seen = [layer.name for layer in viewer.layers if layer.visible]
    assert seen == ["second", "counted frame", "cells"]
    assert first in viewer.layers  # a click on it in the layer list opens it again
    assert not any("why" in layer.name for layer in viewer.layers)


@pytest.fixture
def new_smear(tmp_path):
    small = draw_smear(3, width=400, height=300, cells_per_class={"BLA": 1, "NGS": 1})
    return write_sample(tmp_path / "second.png", small)


@pytest.mark.parametrize("left_in", ["Review", "Slide", "Count"])
def test_a_new_smear_opens_in_the_first_tab_and_is_whole_beside_its_docks(desk, qtbot, new_smear, left_in):
    panel, smear_viewer, _review = desk
    panel.tabs.setCurrentIndex(["Slide", "Review", "Count"].index(left_in))
    QApplication.processEvents()
    with qtbot.waitSignal(panel.controller.queue.all_opened, timeout=20_000):
        panel.controller.open_path(new_smear)
    assert panel.tabs.currentIndex() == 0
    assert all(dock.isVisible() for dock in layer_docks(panel.window()))
    assert _shows_whole(smear_viewer)
    QApplication.processEvents()
    assert _shows_whole(smear_viewer)


def test_a_case_with_cells_opens_where_it_was_left_and_at_the_place_that_was_seen(desk, qtbot, new_smear):
    panel, smear_viewer, review = desk
    field = review.session.slide.path
    smear_viewer.view.look((20.0, 30.0), 11.0)
    for path in (new_smear, field):
        with qtbot.waitSignal(panel.controller.queue.all_opened, timeout=20_000):
            panel.controller.open_path(path)
    assert panel.shows_review
    QApplication.processEvents()
    assert _centre(smear_viewer) == (20.0, 30.0)
    assert smear_viewer.camera.zoom == 11.0
    assert not any(dock.isVisible() for dock in layer_docks(panel.window()))


def test_another_reviewers_first_look_at_a_case_is_whole_in_the_room_that_hidden_docks_leave(desk, qtbot):
    panel, smear_viewer, review = desk
    controller, field = panel.controller, review.session.slide.path
    controller.leave_smear()
    assert all(dock.isVisible() for dock in layer_docks(panel.window()))  # no smear needs their room
    controller.reviewer.use("Ben")  # whose view of this case is not known
    with qtbot.waitSignal(controller.opened, timeout=20_000):
        controller.open_path(field)
    assert panel.shows_review
    assert not any(dock.isVisible() for dock in layer_docks(panel.window()))
    QApplication.processEvents()
    assert _shows_whole(smear_viewer)


def test_a_confirmed_scale_shows_the_second_smear_whole_beside_a_large_first(desk, qtbot, tmp_path):
    panel, smear_viewer, _review = desk
    controller = panel.controller
    path = tmp_path / "small.png"
    Image.fromarray(np.full((200, 260, 3), 220, np.uint8)).save(path)
    with qtbot.waitSignal(controller.queue.all_opened, timeout=20_000):
        controller.open_path(path)
    controller.smear.setup.confirm_scale(0.1)
    assert _shows_whole(smear_viewer)


def test_the_key_that_fills_the_view_works_undocked_too(desk, qtbot):
    panel, smear_viewer, review = desk
    review.navigation.next()
    native = panel.window()._qt_viewer.canvas.native
    panel.parentWidget().setFloating(True)
    qtbot.waitUntil(lambda: panel.window() is panel.parentWidget())
    before = smear_viewer.camera.zoom
    qtbot.keyClick(native, Qt.Key.Key_F)
    assert smear_viewer.camera.zoom > before
