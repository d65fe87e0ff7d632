"""How classes look: never told by colour alone."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

from napari_bonemarrow.cytology import CLASSES, Lineage
from napari_bonemarrow.gui.widgets import class_style
from napari_bonemarrow.gui.widgets.theme import theme_colors


def test_every_class_has_a_colour_of_its_own():
    colors = class_style.border_colors(list(CLASSES))
    assert colors.shape == (len(CLASSES), 4)
    assert len({tuple(row) for row in colors}) == len(CLASSES)
    assert colors.dtype == np.float32
    assert class_style.border_colors([]).shape == (0, 4)


def test_blasts_are_drawn_heavier():
    width = dict(zip(CLASSES, class_style.border_widths_px(list(CLASSES)), strict=True))
    assert width["BLA"] >= 2 * width["NGS"]
    assert class_style.border_widths_px([]).shape == (0,)


def test_what_is_not_counted_has_another_shape():
    for code, symbol in zip(CLASSES, class_style.symbols(list(CLASSES)), strict=True):
        assert (symbol == "square") == (CLASSES[code].lineage is Lineage.NOT_COUNTED)


def test_a_cell_without_class_has_a_colour_too():
    assert class_style.color_of("") == class_style.UNCLASSIFIED_COLOR
    assert class_style.symbols([""]) == ["disc"]


def test_a_heatmap_fades_out_towards_zero():
    table = class_style.heat_colors()
    assert table.shape == (256, 4)
    assert table[0, 3] == 0
    assert (np.diff(table[:, 3]) >= 0).all()
    light = table[:, :3] @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(light) > -1e-3).all()


# eyes that lack a kind of cone --------------------------------------------------------------------

# Machado, Oliveira and Fernandes, A physiologically-based model for simulation of color vision deficiency,
# IEEE Trans Vis Comput Graph 2009;15(6):1291-8, severity 1.0; they act on linear RGB.
EYES = {
    "all cones": np.eye(3),
    "protanope": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranope": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanope": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
# Neighbours in maturation, and cells that are taken for one another.
NEIGHBOURS = {
    "BLA": ("FGC", "PMO", "LYI", "PEB", "MON", "PRM", "LYT", "EBO"),
    "PMO": ("FGC", "MYB", "PEB", "BAS"),
    "MMZ": ("MYB", "NGB", "MON"),
    "NGS": ("NGB", "EOS", "BAS", "EBO"),
    "EOS": ("ABE", "BAS"),
    "BAS": ("MYB", "MAS"),
    "MON": ("PRM", "LYT", "MYB", "EBO"),
    "EBO": ("PEB", "LYT", "PLM"),
    "LYT": ("LYI", "HAC", "PLM"),
    "HAC": ("LYI", "PLM"),
    "PLM": ("PEB",),
    "NIF": ("OTH", "ART"),
}
APART, NEVER_THE_SAME = 10.0, 4.5
"""CIEDE2000: some four times what can just be told side by side (2.3), and twice that."""


def _linear(color: str) -> NDArray[np.float64]:
    encoded = np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _seen(code: str, eye: str) -> NDArray[np.float64]:
    """Return the CIELAB colour of a class as an eye sees it, shape (3,)."""
    linear = np.clip(EYES[eye] @ _linear(class_style.color_of(code)), 0, 1)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(encoded[None, None])[0, 0]


@pytest.mark.parametrize("eye", EYES)
def test_every_eye_tells_the_classes_apart(eye: str):
    seen = {code: _seen(code, eye) for code in CLASSES}
    for first, others in NEIGHBOURS.items():
        for second in others:
            assert deltaE_ciede2000(seen[first], seen[second]) >= APART, (first, second)
    for first, second in combinations(CLASSES, 2):
        if class_style.is_not_counted(first) == class_style.is_not_counted(
            second
        ):  # else the shape tells them
            assert deltaE_ciede2000(seen[first], seen[second]) >= NEVER_THE_SAME, (first, second)


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours (WCAG 2.2, relative luminance)."""
    one, other = (float(_linear(color) @ (0.2126, 0.7152, 0.0722)) for color in (first, second))
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_text_of_a_class_s_button_can_be_read(theme: str):
    colors = theme_colors(theme)
    for chip in (colors.foreground, colors.line):  # at rest; chosen or under the mouse
        assert contrast(colors.text, chip) >= 4.5
    assert contrast(colors.quiet, colors.foreground) >= 4.5
    assert contrast(colors.on_primary, colors.primary) >= 4.5
    assert contrast(colors.warning, colors.background) >= 4.5
    assert contrast(colors.good, colors.background) >= 4.5
    assert contrast(colors.quiet, colors.background) >= 4.5
