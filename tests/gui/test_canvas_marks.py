"""What lies on the smear, by its pixels: codes legible on any ground, marks seen, nothing in the way."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bonemarrow.gui import code_plates, palette
from napari_bonemarrow.gui.ring_marks import RingMarks

GROUNDS = {"background": 255, "black": 0, "nucleus": (84, 40, 120)}


@pytest.fixture
def canvas(make_napari_viewer_proxy):
    """A viewer with a field of one colour, and the marks of rings on it, at 1 screen pixel a pixel."""
    from napari_bonemarrow.gui.ring_layer import RingLayer

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
@pytest.mark.parametrize("state", [(False, False), (True, False), (False, True), (True, True)])
def test_a_code_on_its_plate_has_contrast_on_any_ground(canvas, ground, state):
    viewer, _layer, marks = canvas(ground)
    reviewed, flagged = (np.array([each]) for each in state)
    plate = code_plates.picture(np.array([4]), reviewed, flagged)
    marks.show_codes(np.array([[250.0, 200.0]]), np.zeros(1), sides=np.array([1]), plates=plate)
    shot = _shot(viewer)
    middle = shot[shot.shape[0] // 2 :, shot.shape[1] // 2 - 20 : shot.shape[1] // 2 + 20][5:17]
    colors, counts = np.unique(middle.reshape(-1, 3), axis=0, return_counts=True)
    plate_color = colors[counts.argmax()]
    best = max(contrast(plate_color, color) for color in colors)
    expected = palette.plate_colors(reviewed=state[0], flagged=state[1])
    assert np.abs(plate_color - _rgb(expected[0])).max() < 8
    assert best >= 4.5


def _rgb(color: str) -> np.ndarray:
    return np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)], float)


@pytest.mark.parametrize("ground", GROUNDS.values(), ids=GROUNDS)
@pytest.mark.parametrize("zoom", [0.02, 0.5, 4.0])
def test_the_selected_cell_has_a_thick_mark_on_any_ground_at_any_zoom(canvas, ground, zoom):
    viewer, layer, marks = canvas(ground)
    layer.visible = True
    viewer.scene.camera.zoom = zoom
    before = _shot(viewer)
    marks.show_selected(np.array([[250.0, 200.0]]), np.array([20.0]), has_current=True)
    shot = _shot(viewer)
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
