"""Detection and scale on real images, with floors a little below what was measured (docs/detection.md)."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from napari_bonemarrow.slides import estimate_scale, open_slide


@pytest.fixture(scope="module")
def ruler() -> ModuleType:
    """The benchmark's measures, so that test and table cannot differ."""
    path = Path(__file__).resolve().parents[3] / "benchmarks" / "detect.py"
    spec = importlib.util.spec_from_file_location("detect_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_marked_nucleated_cell(real_data: Path, ruler: ModuleType) -> None:
    true, false, missed = ruler.on_points(real_data, ruler.ours)
    assert true + missed == 91
    assert missed <= 2
    assert false <= 2


def test_half_the_resolution_finds_the_same_cells(real_data: Path, ruler: ModuleType) -> None:
    rgb = open_slide(real_data / "fields" / "images" / "203.jpg").levels[0]
    height, width = rgb.shape[0] // 2, rgb.shape[1] // 2
    half = rgb[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3).mean(axis=(1, 3)).astype(np.uint8)
    full, halved = ruler.ours(rgb, 0.05), 2 * ruler.ours(half, 0.1) + 0.5
    distance = np.linalg.norm(full[:, None] - halved[None], axis=2).min(axis=1) * 0.05
    assert len(full) == len(halved)
    assert distance.max() < 1


def test_plasma_cells_by_mask(real_data: Path, ruler: ModuleType) -> None:
    hit, total = ruler.on_masks(real_data, ruler.ours, step=3)
    assert total > 30
    assert hit >= total - 1


def test_white_cells_in_blood(real_data: Path, ruler: ModuleType) -> None:
    true, false, missed = ruler.on_blood(real_data, ruler.ours)
    assert true + missed == 155
    assert missed <= 11  # ten of the boxes are duplicates or lie on no white cell
    assert false <= 8  # three of them are white cells without a box
    boxes_hit, boxes, centres_in, centres = ruler.in_boxes(real_data, ruler.ours)
    assert boxes == 155
    assert boxes_hit >= 150
    assert centres_in >= 0.965 * centres


def test_the_scale_of_blood_images(real_data: Path, ruler: ModuleType) -> None:
    errors, covered = [], 0
    for rgb, scale, _ in list(ruler.blood_images(real_data))[::6]:
        estimate = estimate_scale(ruler.slide_from_array(rgb, None))
        if estimate is None:
            continue
        errors.append(estimate.microns_per_pixel / scale - 1)
        covered += bool(estimate.low <= scale <= estimate.high)
    assert len(errors) >= 9
    assert abs(np.median(errors)) < 0.12  # the boxes leave a margin around the cells
    assert np.std(errors) < 0.08
    assert covered >= 0.8 * len(errors)
