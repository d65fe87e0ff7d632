"""How classes look: never told by colour alone."""

from __future__ import annotations

import numpy as np

from napari_bonemarrow.cytology import CLASSES, Lineage
from napari_bonemarrow.gui import palette


def test_every_class_has_a_colour_of_its_own():
    colors = palette.border_colors(list(CLASSES))
    assert colors.shape == (len(CLASSES), 4)
    assert len({tuple(row) for row in colors}) == len(CLASSES)
    assert colors.dtype == np.float32
    assert palette.border_colors([]).shape == (0, 4)


def test_blasts_are_drawn_heavier():
    width = dict(zip(CLASSES, palette.border_widths_px(list(CLASSES)), strict=True))
    assert width["BLA"] >= 2 * width["NGS"]
    assert palette.border_widths_px([]).shape == (0,)


def test_what_is_not_counted_has_another_shape():
    for code, symbol in zip(CLASSES, palette.symbols(list(CLASSES)), strict=True):
        assert (symbol == "square") == (CLASSES[code].lineage is Lineage.NOT_COUNTED)


def test_a_cell_without_class_has_a_colour_too():
    assert palette.color_of("") == palette.UNCLASSIFIED_COLOR
    assert palette.symbols([""]) == ["disc"]


def test_a_heatmap_fades_out_towards_zero():
    table = palette.heat_colors()
    assert table.shape == (256, 4)
    assert table[0, 3] == 0
    assert (np.diff(table[:, 3]) >= 0).all()
    light = table[:, :3] @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(light) > -1e-3).all()
