"""A small drawn slide and cases of it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.cytology import BMC21, Cells, Frame, ModelReference, Predictions, Support
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import Scale, ScaleSource, Slide, open_slide

WIDTH, HEIGHT, MICRONS = 400, 300, 0.2


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: each act on a case waits for the disk."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def slide_path(tmp_path: Path) -> Path:
    """A PNG of noise in a folder of its own."""
    folder = tmp_path / "slides"
    folder.mkdir()
    path = folder / "smear 1.png"
    pixels = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def slide(slide_path: Path) -> Slide:
    return open_slide(slide_path).with_scale(Scale(MICRONS, ScaleSource.USER, basis="given"))


@pytest.fixture
def frame() -> Frame:
    """The whole field less 5 µm, which is 25 px here."""
    return Frame.whole_field(WIDTH, HEIGHT)


@pytest.fixture
def find() -> Callable[..., Cells]:
    """Return a function that makes n cells on a grid, 8 µm apart; the first row lies in the margin."""

    def cells(n: int = 40, start: int = 1, shift: float = 0.0) -> Cells:
        index = np.arange(n)
        return Cells(
            np.arange(start, start + n, dtype=np.int64),
            30.0 + 35 * (index % 10) + shift,
            10.0 + 40 * (index // 10) + shift,
            np.full(n, 9.0, np.float32),
            np.full(n, 0.9, np.float32),
            np.ones(n, bool),
        )

    return cells


@pytest.fixture
def say() -> Callable[..., Predictions]:
    """Return a function that makes predictions of some cells, each sure of one class."""

    def predictions(cell_ids: object, code: str = "NGS", sha: str = "a" * 64) -> Predictions:
        ids = np.asarray(cell_ids, dtype=np.int64)
        probabilities = np.full((len(ids), len(BMC21)), 0.01, np.float32)
        probabilities[:, BMC21.index(code)] = 0.8
        support = dict.fromkeys(BMC21, Support.TRAINED) | {"HAC": Support.NONE}
        return Predictions(ids, probabilities, BMC21, support, ModelReference("starter", sha))

    return predictions


@pytest.fixture
def case(tmp_path: Path, slide: Slide, frame: Frame, find: Callable[..., Cells]) -> Iterator[Case]:
    """A case with 40 found cells, 30 of them in the frame, not classified yet."""
    with Case.create(tmp_path / "smear.bmcase", slide, reviewer="Ada") as made:
        made.sampling.set_frame(frame, target=100)
        made.detection.record(find(), {"threshold": 0.3})
        yield made


@pytest.fixture
def run_python() -> Callable[[str], str]:
    """Return a function that runs code in a new interpreter and gives what it prints."""

    def run(code: str) -> str:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    return run
