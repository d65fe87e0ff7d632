"""What lies on the smear, by its pixels: codes legible on any ground, marks seen, nothing in the way."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget

from napari_bonemarrow.gui.canvas.rings import code_plates
from napari_bonemarrow.gui.canvas.rings.ring_marks import RingMarks
from napari_bonemarrow.gui.keys.bindings import key_of
from napari_bonemarrow.gui.widgets import class_style

GROUNDS = {"background": 255, "black": 0, "nucleus": (84, 40, 120)}


@pytest.fixture
def canvas(make_napari_viewer_proxy):
    """A viewer with a field of one colour, and the marks of rings on it, at 1 screen pixel a pixel."""
    from napari_bonemarrow.gui.canvas.rings.ring_layer import RingLayer

    def make(color):
        viewer = make_napari_viewer_proxy(show=True)
        viewer.window.resize(700, 560)
        viewer.add_image(np.full((400, 500, 3), color, np.uint8), rgb=True)
        layer = RingLayer(np.zeros((1, 2)))
        viewer.add_layer(layer)
        layer.opacity = 1.0
        viewer.scene.camera.center, viewer.scene.camera.zoom = (200.0, 250.0), 1.0
        return viewer, layer, RingMarks(layer.node)

    return make


def _shot(viewer) -> np.ndarray:
    return np.asarray(viewer.screenshot(canvas_only=True, flash=False))[..., :3].astype(float)


def _luminance(color) -> float:
    share = np.asarray(color, float) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other) -> float:
    """WCAG 2.2, relative luminance."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", GROUNDS.values(), ids=GROUNDS)
def test_a_code_on_its_plate_has_contrast_on_any_ground(canvas, ground):
    viewer, _layer, marks = canvas(ground)
    for state in product((False, True), repeat=2):
        reviewed, flagged = (np.array([each]) for each in state)
        plate = code_plates.picture(np.array([4]), reviewed, flagged)
        marks.show_codes(np.array([[250.0, 200.0]]), np.zeros(1), sides=np.array([1]), plates=plate)
        shot = _shot(viewer)
        middle = shot[shot.shape[0] // 2 :, shot.shape[1] // 2 - 20 : shot.shape[1] // 2 + 20][5:17]
        colors, counts = np.unique(middle.reshape(-1, 3), axis=0, return_counts=True)
        plate_color = colors[counts.argmax()]
        best = max(contrast(plate_color, color) for color in colors)
        expected = class_style.plate_colors(reviewed=state[0], flagged=state[1])
        assert np.abs(plate_color - _rgb(expected[0])).max() < 8, state
        assert best >= 4.5, state


def _rgb(color: str) -> np.ndarray:
    return np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)], float)


@pytest.mark.parametrize("ground", GROUNDS.values(), ids=GROUNDS)
def test_the_selected_cell_has_a_thick_mark_on_any_ground_at_any_zoom(canvas, ground):
    viewer, layer, marks = canvas(ground)
    layer.visible = True
    zooms = (0.02, 0.5, 4.0)
    before = [_at(viewer, zoom) for zoom in zooms]
    marks.show_selected(np.array([[250.0, 200.0]]), np.array([20.0]), has_current=True)
    for zoom, without in zip(zooms, before, strict=True):
        _assert_is_marked(_at(viewer, zoom), without, zoom)


def _at(viewer, zoom: float) -> np.ndarray:
    viewer.scene.camera.zoom = zoom
    return _shot(viewer)


def _assert_is_marked(shot: np.ndarray, before: np.ndarray, zoom: float) -> None:
    middle = np.array(shot.shape[:2]) / 2
    light = np.argwhere((shot.min(axis=-1) > 240) & (np.abs(shot - before).max(axis=-1) > 20))
    dark = np.argwhere((shot.max(axis=-1) < 30) & (np.abs(shot - before).max(axis=-1) > 20))
    seen = light if len(light) > len(dark) else dark  # on white the dark lines tell, else the light one
    away = np.hypot(*(seen - middle).T)
    assert len(seen) > 100
    assert away.min() >= max(20 * zoom - 1, 8)  # around the cell, not on it
    assert away.max() <= max(20 * zoom, 13) + 22
    np.testing.assert_allclose(seen.mean(axis=0), middle, atol=1.5)


def test_marks_are_gone_with_the_rings(canvas):
    viewer, layer, marks = canvas(255)
    bare = _shot(viewer)
    marks.show_selected(np.array([[250.0, 200.0]]), np.array([20.0]), has_current=True)
    assert (np.abs(_shot(viewer) - bare) > 20).any()
    layer.visible = False
    np.testing.assert_array_equal(_shot(viewer), bare)
    layer.visible = True
    viewer.layers.remove(layer)
    np.testing.assert_array_equal(_shot(viewer), bare)


@pytest.fixture
def full(analysed, qtbot):
    """Rings, codes, a heatmap, an outline and a counted frame, all on the smear."""
    viewer, panel = analysed
    controller = panel.controller
    controller.smear.review.navigation.next()
    controller.smear.review.heatmap.set_method("gradcam")
    with qtbot.waitSignal(controller.smear.review.heatmap.shown):
        controller.smear.review.navigation.next()
    qtbot.waitUntil(lambda: len(controller.smear_viewer.rings.texts) > 0)
    panel.controller.keys.focus_smear()
    return viewer, panel


def _ours(viewer) -> list:
    return [layer for layer in viewer.layers if layer.name != viewer.layers[0].name]


def test_while_the_key_is_held_the_smear_is_bare_and_then_all_is_back(full, qtbot):
    viewer, panel = full
    canvas = panel.window()._qt_viewer.canvas.native
    covered, was = _shot(viewer), [layer.visible for layer in _ours(viewer)]
    key = Qt.Key(QKeySequence(key_of("bare"))[0].key())
    QTest.keyPress(canvas, key)
    held = _shot(viewer)
    for _repeated in range(3):  # as a busy window may hear a key repeat itself under X11
        QTest.keyRelease(canvas, key)
        QTest.keyPress(canvas, key)
    np.testing.assert_array_equal(held, _shot(viewer))
    QTest.keyRelease(canvas, key)
    qtbot.waitUntil(lambda: not panel.controller.held_key.on)
    back = _shot(viewer)
    for layer in _ours(viewer):
        layer.visible = False
    np.testing.assert_array_equal(held, _shot(viewer))
    assert (np.abs(covered - held) > 20).any()
    np.testing.assert_array_equal(back, covered)
    assert any(was)


def test_the_key_is_let_go_where_the_window_loses_the_keyboard(full, qtbot):
    viewer, panel = full
    canvas = panel.window()._qt_viewer.canvas.native
    before = [layer.visible for layer in viewer.layers]
    QTest.keyPress(canvas, Qt.Key(QKeySequence(key_of("bare"))[0].key()))
    assert [layer.visible for layer in viewer.layers].count(True) == 1
    other = QWidget()
    qtbot.addWidget(other)
    other.show()
    other.activateWindow()
    qtbot.waitUntil(lambda: [layer.visible for layer in viewer.layers] == before)


def test_a_heatmap_that_comes_while_the_key_is_held_waits_for_its_release(full, qtbot):
    _viewer, panel = full
    controller = panel.controller
    controller.smear_viewer.bare(True)
    controller.smear_viewer.show_heatmap(
        np.ones((50, 50), np.float32),
        name="why?",
        x=100,
        y=100,
        slide_microns_per_pixel=0.1,
        microns_per_pixel=0.1,
    )
    assert not controller.smear_viewer.heat.layer.visible
    controller.smear_viewer.bare(False)
    assert controller.smear_viewer.heat.layer.visible


def test_counting_by_eye_shows_nothing_of_the_model(full, qtbot):
    _viewer, panel = full
    controller = panel.controller
    smear_viewer = controller.smear_viewer
    panel.tabs.setCurrentWidget(panel.count_tab)
    panel.count_tab.tally_button.setChecked(True)
    assert not smear_viewer.rings.layer.visible
    assert not smear_viewer.heat.layer.visible
    panel.count_tab.tally_button.setChecked(False)
    assert smear_viewer.rings.layer.visible
    assert smear_viewer.heat.layer.visible
    panel.count_tab.tally_button.setChecked(True)
    panel.show_review()
    assert smear_viewer.rings.layer.visible
