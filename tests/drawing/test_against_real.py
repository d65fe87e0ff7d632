"""Drawn nuclei have the colour and the texture of real ones, measured alike on both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.filters import threshold_multiotsu

from napari_bonemarrow.drawing import draw_cell

REAL, DRAWN = 24, 8


def measure(crop: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """Mean optical density of the middle nucleus in red, green, blue, and its coefficient of variation."""
    smooth = ndimage.gaussian_filter(crop.astype(float), (0.7, 0.7, 0))
    background = np.percentile(smooth, 95, axis=(0, 1))
    density = -np.log10(np.clip(smooth, 2, 255) / background)
    green = smooth[..., 1]
    labels, _ = ndimage.label(green < threshold_multiotsu(green[::2, ::2].astype(np.uint8), 3)[0])
    middle = labels[115:135, 115:135]
    if not middle.any():
        return None
    nucleus = labels == np.bincount(middle[middle > 0]).argmax()
    core = density[ndimage.binary_erosion(nucleus, iterations=4)]
    if len(core) < 200:
        return None
    return np.array([*core.mean(0), core[:, 1].std() / core[:, 1].mean()])


def median(crops: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
    found = [m for m in map(measure, crops) if m is not None]
    return np.median(found, axis=0)


@pytest.mark.parametrize("code", ["BLA", "EOS", "LYT", "MON", "NGS", "PMO"])
def test_nuclei(real_data: Path, code: str) -> None:
    files = sorted((real_data / "bmc" / code).rglob("*.jp*g"))
    some = np.linspace(0, len(files) - 1, REAL).astype(int)
    real = median([np.asarray(Image.open(files[k]).convert("RGB")) for k in some])
    drawn = median([draw_cell(code, k) for k in range(DRAWN)])
    assert drawn[:3] == pytest.approx(real[:3], abs=0.15)
    assert 0.7 < drawn[3] / real[3] < 1.4
