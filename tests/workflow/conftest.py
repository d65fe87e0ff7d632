"""A drawn field with its scale in the file, the same without, and one engine for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from napari_bonemarrow.drawing import DrawnSmear, draw_smear, write_sample
from napari_bonemarrow.engine import Engine
from tests.shared_engines import shared

MPP = 0.1


@pytest.fixture(scope="session")
def smear() -> DrawnSmear:
    return draw_smear(
        5, width=640, height=480, microns_per_pixel=MPP, cells_per_class={"LYT": 3, "NGS": 3, "EBO": 2}
    )


@pytest.fixture(scope="session")
def _field(smear: DrawnSmear, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("field") / "field.png", smear)


@pytest.fixture
def field(_field: Path, tmp_path: Path) -> Path:
    """A field whose file states 0.1 µm per pixel."""
    path = tmp_path / "smears" / "field.png"
    path.parent.mkdir()
    path.write_bytes(_field.read_bytes())
    return path


@pytest.fixture
def mute(smear: DrawnSmear, tmp_path: Path) -> Path:
    """The same field without a scale."""
    path = tmp_path / "mute.png"
    Image.fromarray(smear.image).save(path)
    return path


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with shared(Engine("cpu", threads=1)) as serving:
        yield serving
