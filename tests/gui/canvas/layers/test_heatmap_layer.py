"""A heatmap lies exactly on its cell."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bonemarrow.gui.canvas.layers.heatmap_layer import HeatmapLayer, layer_name
from napari_bonemarrow.slides import cut_crops, slide_from_array


@pytest.mark.parametrize("scale", [0.0413, 0.05, 0.1, 0.25])
@pytest.mark.parametrize("size", [250, 251])
def test_a_mark_on_the_smear_is_found_again_under_the_heatmap(scale, size):
    image = np.full((900, 1000, 3), 235, np.uint8)
    x, y, mark = 481.3, 402.6, (455, 420)  # the mark is not the centre: a shift and a flip would show
    image[mark[1] - 3 : mark[1] + 4, mark[0] - 3 : mark[0] + 4] = 0
    crop = cut_crops(slide_from_array(image, scale), [x], [y], size=size)[0]
    dark = 235 - crop[..., 0].astype(float)
    rows, columns = np.indices(dark.shape)
    found = (rows * dark).sum() / dark.sum(), (columns * dark).sum() / dark.sum()
    heat = HeatmapLayer()
    heat.draw(
        np.zeros((8, 8), np.float32), name="before", x=1, y=2, slide_microns_per_pixel=1, microns_per_pixel=2
    )
    layer = heat.draw(
        dark.astype(np.float32) / 235,
        name="why?",
        x=x,
        y=y,
        slide_microns_per_pixel=scale,
        microns_per_pixel=0.1,
    )
    world = np.array(layer.data_to_world(found))
    np.testing.assert_allclose(world, np.array(mark[::-1]) * scale, atol=0.02)  # µm


def test_it_is_named_by_class_and_method():
    assert layer_name("BLA", "gradcam") == "why? BLA (Grad-CAM)"
    assert layer_name("BLA", "smoothgrad") == "why? BLA (SmoothGrad)"


def test_it_is_hidden_and_shown_again_in_the_same_layer():
    heat = HeatmapLayer()
    heat.hide()  # before there is any
    place = {"x": 5, "y": 7, "slide_microns_per_pixel": 0.1, "microns_per_pixel": 0.1}
    first = heat.draw(np.full((9, 9), 0.5, np.float32), name="one", **place)
    first_alpha = first.data[4, 4, 3]
    heat.hide()
    assert not first.visible
    again = heat.draw(np.ones((9, 9), np.float32), name="two", **place)
    assert again is first
    assert again.visible
    assert again.name == "two"
    assert again.data[4, 4, 3] > first_alpha


def test_it_fades_to_nothing_at_its_border_and_is_whole_in_the_middle():
    heat = HeatmapLayer()
    place = {"x": 5, "y": 7, "slide_microns_per_pixel": 0.1, "microns_per_pixel": 0.1}
    alpha = heat.draw(np.ones((101, 101), np.float32), name="why?", **place).data[..., 3]
    assert max(alpha[0].max(), alpha[-1].max(), alpha[:, 0].max(), alpha[:, -1].max()) == 0
    steps = np.abs(np.diff(alpha[50]))
    assert steps.max() < 0.15  # no edge anywhere
    np.testing.assert_allclose(alpha[40:61, 40:61], alpha.max())


def test_it_lies_on_its_cell_to_a_part_of_a_screen_pixel(make_napari_viewer_proxy):
    """One hot spot, off the middle of the crop, is seen where the crop's geometry puts it."""
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(700, 560)
    scale = 0.0413
    white = np.full((1500, 1500, 3), 255, np.uint8)
    viewer.add_image(white, rgb=True, scale=(scale, scale), translate=(-20, -20), units="um")
    values = np.zeros((250, 250), np.float32)
    values[150:161, 90:101] = 1  # its middle is row 155, column 95
    x, y = 251.37, 180.81
    heat = HeatmapLayer()
    layer = heat.draw(values, name="why?", x=x, y=y, slide_microns_per_pixel=scale, microns_per_pixel=0.1)
    viewer.add_layer(layer)
    zoom, centre = 20.0, np.array([8.0, 10.0])
    viewer.scene.camera.center, viewer.scene.camera.zoom = tuple(centre), zoom
    shot = np.asarray(viewer.screenshot(canvas_only=True, flash=False))[..., :3].astype(float)
    dark = 255 - shot[..., 2]
    inside = np.argwhere(dark > 20)
    weight = dark[tuple(inside.T)]
    found = (inside * weight[:, None]).sum(axis=0) / weight.sum()
    world = np.array([y, x]) * scale + (np.array([155, 95]) - 124.5) * 0.1
    expected = (world - centre) * zoom + np.array(shot.shape[:2]) / 2 - 0.5
    np.testing.assert_allclose(found, expected, atol=0.5)
