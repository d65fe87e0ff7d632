"""Large platelets go; pyknotic nuclei, bare ones and what cannot be judged stay."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from napari_bonemarrow.slides import detect_cells, slide_from_array

SCALE = 0.1
GRANULES = (110, 50, 140)
BODY = (165, 130, 180)


def _granular(drawn: ModuleType, image: np.ndarray, x: float, y: float, diameter: float = 5.0) -> None:
    """A pale disc with dark granules, as granular as a large platelet."""
    drawn.disc(image, x, y, diameter, BODY)
    rng = np.random.default_rng(1)
    for _ in range(round(1.2 * diameter**2)):
        reach, angle = (diameter / 2 - 0.3) * np.sqrt(rng.uniform()), rng.uniform(0, 2 * np.pi)
        drawn.disc(image, x + reach * np.cos(angle), y + reach * np.sin(angle), 0.6, GRANULES)


def _count(drawn: ModuleType, image: np.ndarray) -> int:
    return len(detect_cells(slide_from_array(drawn.finished(image, SCALE), SCALE)))


def test_a_large_platelet_is_no_cell_but_in_cytoplasm_it_is(drawn: ModuleType) -> None:
    image = drawn.blank()
    _granular(drawn, image, 20, 25)
    assert _count(drawn, image) == 0
    drawn.disc(image, 40, 25, 10, drawn.CYTOPLASM)
    _granular(drawn, image, 40, 25)
    assert _count(drawn, image) == 1


@pytest.mark.parametrize("diameter", [4.4, 5.0, 6.0])
def test_a_bare_pyknotic_nucleus_is_a_cell(drawn: ModuleType, diameter: float) -> None:
    image = drawn.blank()
    drawn.disc(image, 30, 25, diameter, (60, 25, 100))
    assert _count(drawn, image) == 1


def test_a_large_bare_and_granular_nucleus_is_a_cell(drawn: ModuleType) -> None:
    image = drawn.blank()
    _granular(drawn, image, 30, 25, diameter=9.0)
    assert _count(drawn, image) == 1


def test_what_the_border_cuts_is_not_judged(drawn: ModuleType) -> None:
    image = drawn.blank()
    _granular(drawn, image, 1.2, 25, diameter=6.0)
    assert _count(drawn, image) == 1
