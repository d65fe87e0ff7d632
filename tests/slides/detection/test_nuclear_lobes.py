"""Lobes and neighbours: one nucleus where one cell's cytoplasm lies around them."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from napari_bonemarrow.slides import detect_cells, slide_from_array
from napari_bonemarrow.slides.detection.nucleus_filter import Evidence

SCALE = 0.1


def _count(drawn: ModuleType, image: np.ndarray) -> int:
    return len(detect_cells(slide_from_array(drawn.finished(image, SCALE), SCALE)))


def _sausages(drawn: ModuleType, image: np.ndarray, gap: float) -> None:
    """Two lobes 4 µm wide and 6.5 µm long, side by side."""
    for side in (-1, 1):
        for y in np.linspace(-1.25, 1.25, 11):
            drawn.disc(image, 30 + side * (2 + gap / 2), 25 + y, 4.0, drawn.NUCLEUS)


def test_drawn_out_lobes_in_one_cell_are_one(drawn: ModuleType) -> None:
    for gap in (0.8, 1.8):
        image = drawn.blank()
        drawn.disc(image, 30, 25, 14, drawn.CYTOPLASM)
        _sausages(drawn, image, gap)
        assert _count(drawn, image) == 1


def test_the_same_with_nothing_around_them_are_two(drawn: ModuleType) -> None:
    image = drawn.blank()
    _sausages(drawn, image, 1.8)
    assert _count(drawn, image) == 2


def test_round_nuclei_are_two_whatever_lies_around_them(drawn: ModuleType) -> None:
    image = drawn.blank()
    drawn.disc(image, 30, 25, 18, drawn.CYTOPLASM)  # thick plasma, as dark as cytoplasm
    for x in (26.3, 33.7):
        drawn.disc(image, x, 25, 6.2, drawn.NUCLEUS)
    assert _count(drawn, image) == 2


def _evidence(red: float, blue: float, stain: float) -> Evidence:
    return Evidence(*(np.array([value]) for value in (stain, 0.6, red, blue, 20.0, 0.98)))


def test_condensed_nuclei_are_no_red_cells() -> None:
    radius = np.array([2.0])
    assert _evidence(0.9, 0.46, 0.6).score(radius, 0.9)[0] > 0.8
    assert _evidence(0.7, 0.46, 0.6).score(radius, 0.9)[0] == 0
    assert _evidence(0.9, 0.46, 0.35).score(radius, 0.9)[0] == 0  # too pale to be condensed
    assert _evidence(0.9, 0.75, 0.6).score(radius, 0.9)[0] == 0
