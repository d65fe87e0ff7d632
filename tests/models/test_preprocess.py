from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_bonemarrow.models.preprocess import resize, resize_as_bytes


@pytest.mark.parametrize("size", [112, 140, 144])
def test_a_gpu_is_given_what_the_cpu_makes_of_bytes(size: int) -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (4, 50, 50, 3)).repeat(4, axis=1).repeat(4, axis=2)
    crops = torch.from_numpy((coarse + rng.integers(-20, 20, coarse.shape)).clip(0, 255).astype(np.uint8))
    whole = resize(crops, size).float()
    floats = resize_as_bytes(crops.permute(0, 3, 1, 2), size)
    assert floats.dtype == torch.float32
    assert float((floats - whole).abs().max()) <= 1
    assert float((floats != whole).float().mean()) < 0.01
    rounded_once = torch.nn.functional.interpolate(
        crops.permute(0, 3, 1, 2).float(), size=(size, size), mode="bilinear", antialias=True
    ).round()
    assert float((rounded_once != whole).float().mean()) > 0.05, "the CPU rounds between rows and columns"
