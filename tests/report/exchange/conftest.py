"""Cases whose slide can be read, and one that must not be relied on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.cytology import Cells, Frame
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import open_slide
from tests.adversarial.forging import lines_of, rewrite


@pytest.fixture
def make_real(tmp_path: Path) -> Iterator[Callable[..., Case]]:
    """Return a function that makes a case with cells on a file, without predictions, a dark pixel on each."""
    opened: list[Case] = []

    def make(n: int, name: str = "real.png", background: int = 230) -> Case:
        pixels = np.full((900, 1200, 3), background, np.uint8)
        x, y = np.linspace(100, 1100, n).round(), np.linspace(100, 800, n).round()
        pixels[y.astype(int), x.astype(int)] = 0
        path = tmp_path / name
        Image.fromarray(pixels).save(path, dpi=(254_000, 254_000))  # 0.1 µm a pixel
        case = Case.create(path.with_suffix(".bmcase"), open_slide(path), reviewer="Dr A")
        opened.append(case)
        case.sampling.set_frame(Frame.whole_field(1200, 900), 300)
        ones = np.ones(n, np.float32)
        case.detection.record(Cells(np.arange(1, n + 1), x, y, 8 * ones, ones, ones > 0), {})
        return case

    yield make
    for case in opened:
        case.close()


@pytest.fixture
def distrusted(case: Case) -> Iterator[Case]:
    """Yield the case after a hand changed its file."""
    case.close()
    lines = lines_of(case.path)
    lines[-1]["previous"] = "0" * 64
    rewrite(case.path, lines, mend=False)
    with Case.open(case.path, read_only=True) as opened:
        assert opened.distrust
        yield opened
