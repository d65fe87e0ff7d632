"""What is counted is drawn: where it is, through every change, and in nobody's way."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bonemarrow.cytology import Frame, Region
from napari_bonemarrow.gui.canvas.layers.frame_layer import FrameLayer, dashes
from napari_bonemarrow.gui.setup.slide_models import CountedFrame


def _bounds(layer) -> tuple[float, float, float, float]:
    ends = np.concatenate([layer.data[:, 0], layer.data.sum(axis=1)])
    (top, left), (bottom, right) = ends.min(axis=0), ends.max(axis=0)
    return left, top, right, bottom


def test_dashes_go_around_every_region_without_a_gap():
    regions = [Region(10, 20, 300, 200), Region(500, 0, 40, 90)]
    lines = dashes(regions, 7.0)
    assert len(lines) % 2 == 0
    length = np.abs(lines[:, 1]).sum(axis=1)
    np.testing.assert_allclose(length.sum(), 2 * (300 + 200) + 2 * (40 + 90))
    assert length.max() < 10
    np.testing.assert_allclose(lines[:-1].sum(axis=1)[:20], lines[1:, 0][:20])


def test_many_fields_have_longer_dashes_not_more():
    fields = [Region(2100 * at, 0, 2040, 1536) for at in range(100)]
    assert len(dashes(fields, 2.0)) < 7000


def test_lines_keep_their_width_on_the_screen():
    layer = FrameLayer()
    made = layer.draw([Region(0, 0, 100, 80)], 0.05, 4.0)
    few, wide = len(made.data), made.edge_width
    layer.follow_view(16.0)
    assert made.edge_width == pytest.approx(wide / 4)
    assert len(made.data) > few


@pytest.fixture
def opened(open_panel, field, qtbot):
    viewer, panel = open_panel()
    with qtbot.waitSignal(panel.controller.opened, timeout=20_000):
        panel.controller.open_path(field)
    return viewer, panel.controller


def test_the_frame_is_drawn_at_its_margin_and_follows_it(opened):
    viewer, controller = opened
    layer, slide = controller.smear_viewer.frame.layer, controller.smear.session.slide
    assert layer in viewer.layers
    for margin in (5.0, 12.0, 0.0):
        controller.smear.setup._on_frame(CountedFrame(margin_um=margin, target=500))
        px = margin / slide.microns_per_pixel
        np.testing.assert_allclose(_bounds(layer), (px, px, slide.width - px, slide.height - px), atol=1e-6)


def test_the_frame_follows_the_scale(open_panel, plain_field, qtbot):
    _viewer, panel = open_panel()
    controller = panel.controller
    with qtbot.waitSignal(controller.opened, timeout=20_000):
        controller.open_path(plain_field)
    qtbot.waitUntil(lambda: not controller.smear.session.estimating, timeout=20_000)
    assert controller.smear_viewer.frame.layer is None  # no scale, no margin
    controller.smear.setup.confirm_scale(0.1)
    assert _bounds(controller.smear_viewer.frame.layer)[0] == pytest.approx(50)


def test_the_frame_is_what_is_counted_and_goes_with_the_case(opened, qtbot):
    viewer, controller = opened
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=20_000):
        controller.smear.setup.find_cells()
    case, layer = controller.smear.session.case, controller.smear_viewer.frame.layer
    left, top, right, bottom = _bounds(layer)
    x, y = case.cells.x, case.cells.y
    np.testing.assert_array_equal(case.cells.in_frame, (x >= left) & (x < right) & (y >= top) & (y < bottom))
    viewer.layers.remove(controller.smear_viewer.smear)
    qtbot.waitUntil(lambda: layer not in viewer.layers)


def test_a_click_on_the_line_means_the_cells(opened, qtbot):
    viewer, controller = opened
    viewer.layers.selection.active = controller.smear_viewer.frame.layer
    assert viewer.layers.selection.active.name == "counted frame"
    qtbot.waitUntil(lambda: viewer.layers.selection.active.name == "cells")


def test_every_field_of_a_folder_has_its_line():
    fields = (Region(0, 0, 1000, 800), Region(1100, 0, 1000, 800))
    frame = Frame.whole_field(2100, 800, 5.0, fields)
    layer = FrameLayer().draw(frame.counted_regions(0.1), 0.1, 8.0)
    ends = layer.data[:, 0]
    assert ends[ends[:, 1] < 1050].max(axis=0).tolist() == [750, 950]
    assert ends[ends[:, 1] > 1050].min(axis=0).tolist() == [50, 1150]


@pytest.mark.filterwarnings("error")
def test_a_frame_that_is_drawn_already_needs_no_line_and_no_warning():
    layer = FrameLayer()
    assert len(layer.draw([Region(0, 0, 100, 80)], 0.05, 4.0).data) > 0
    assert len(layer.draw([], 0.05, 4.0).data) == 0
    made = layer.draw([Region(0, 0, 60, 80)], 0.05, 4.0)
    assert len(np.unique(made.edge_color, axis=0)) == 2


def test_dashes_are_fitted_to_the_screen_when_the_view_is_moved(opened, qtbot):
    _viewer, controller = opened
    smear_viewer = controller.smear_viewer
    many = len(smear_viewer.frame.layer.data)
    smear_viewer.camera.zoom *= 3
    qtbot.waitUntil(lambda: len(smear_viewer.frame.layer.data) > 2 * many)
    length = np.abs(smear_viewer.frame.layer.data[:, 1]).sum(axis=1) * float(smear_viewer.smear.scale[-1])
    np.testing.assert_allclose(length * smear_viewer.camera.zoom, 8.0, rtol=0.3)
