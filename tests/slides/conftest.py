"""Hand the drawn shapes, and slides as scanners write them, to the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.cytology import Cells
from napari_bonemarrow.drawing import draw_smear
from napari_bonemarrow.slides import Slide, detect_cells, open_slide

from . import _drawn
from ._pyramids import halved
from .vendors import OTHERS, WRITERS
from .vendors.planted import Written

WriteSlide = Callable[..., Written]
"""Takes a format's name and µm per pixel along x and y; writes into a folder of its own."""


@pytest.fixture(scope="session")
def drawn() -> ModuleType:
    """Shapes of known geometry, and what to draw them on."""
    return _drawn


@pytest.fixture(scope="session")
def smear_levels() -> list[np.ndarray]:
    """A drawn smear of 768×512 px at 0.25 µm per pixel, and the same at half the size."""
    cells = {"LYT": 8, "NGS": 6, "EBO": 8, "MYB": 4}
    finest = draw_smear(11, width=768, height=512, microns_per_pixel=0.25, cells_per_class=cells).image
    return [finest, halved(finest)]


@pytest.fixture(scope="session")
def plain_cells(smear_levels: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Cells:
    """What is found on the same drawing as a PNG."""
    path = tmp_path_factory.mktemp("plain") / "smear.png"
    Image.fromarray(smear_levels[0]).save(path)
    return detect_cells(open_slide(path, microns_per_pixel=0.25))


@pytest.fixture(scope="session")
def written(
    smear_levels: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Written]:
    """Slides that no test changes, one a format."""
    made: dict[str, Written] = {}

    def write(name: str) -> Written:
        if name not in made:
            writer = {**WRITERS, **OTHERS}[name][1]
            made[name] = writer(tmp_path_factory.mktemp(name), smear_levels, (0.25, 0.25))
        return made[name]

    return write


@pytest.fixture(scope="session")
def found(written: Callable[[str], Written]) -> Callable[[str], tuple[Slide, Cells]]:
    """A written slide, opened, and its cells."""
    made: dict[str, tuple[Slide, Cells]] = {}

    def find(name: str) -> tuple[Slide, Cells]:
        if name not in made:
            slide = open_slide(written(name).path)
            made[name] = slide, detect_cells(slide)
        return made[name]

    return find


@pytest.fixture
def write_slide(smear_levels: list[np.ndarray], tmp_path: Path) -> WriteSlide:
    """Write a slide that a test may change."""

    def write(name: str, microns: tuple[float, float] = (0.25, 0.25)) -> Written:
        folder = tmp_path / name
        folder.mkdir()
        return {**WRITERS, **OTHERS}[name][1](folder, smear_levels, microns)

    return write
