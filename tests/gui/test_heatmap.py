"""A heatmap lies exactly on its cell."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bonemarrow.gui.heatmap import HeatmapLayer, layer_name
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
    heat.hide()
    assert not first.visible
    again = heat.draw(np.ones((9, 9), np.float32), name="two", **place)
    assert again is first
    assert again.visible
    assert again.name == "two"
    assert again.data.min() == 1
