from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_bonemarrow.models.bundles.card import Normalisation
from napari_bonemarrow.models.preprocess import Normaliser, resize, resize_as_bytes


def noisy_crops(side: int) -> torch.Tensor:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (4, side // 4, side // 4, 3)).repeat(4, axis=1).repeat(4, axis=2)
    noisy = coarse + rng.integers(-60, 60, coarse.shape)
    return torch.from_numpy(noisy.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    ("side", "size"),
    [(80, 64), (200, 112), (200, 140), (200, 144), (200, 250), (248, 224), (248, 40), (300, 23), (96, 384)],
)
def test_a_gpu_is_given_what_the_cpu_makes_of_bytes(side: int, size: int) -> None:
    crops = noisy_crops(side)
    whole = resize(crops, size).float()
    images = crops.permute(0, 3, 1, 2)
    floats = resize_as_bytes(images, size)
    assert floats.dtype == torch.float32
    assert torch.equal(floats, whole)
    assert floats.is_contiguous()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(resize_as_bytes(images, size), whole)
    assert torch.equal(resize_as_bytes(torch.full_like(images, 255), size), torch.full_like(whole, 255))
    rounded_once = torch.nn.functional.interpolate(
        images.float(), size=(size, size), mode="bilinear", antialias=True
    ).round()
    assert float((rounded_once != whole).float().mean()) > 0.01, "the CPU rounds between rows and columns"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("size", [112, 144, 224, 40])
def test_a_gpu_resizes_to_the_same_bytes(size: int) -> None:
    crops = noisy_crops(200)
    assert torch.equal(resize(crops.cuda(), size).cpu(), resize(crops, size).float())


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_normalising_keeps_the_layout(layout: torch.memory_format) -> None:
    normalise = Normaliser(Normalisation(mean=(0.7, 0.6, 0.5), std=(0.2, 0.3, 0.1)), torch.device("cpu"))
    plain = torch.rand(2, 3, 8, 8) * 255
    images = plain.contiguous(memory_format=layout)
    answer = normalise(images)
    assert answer.is_contiguous(memory_format=layout)
    mean, std = (torch.tensor(row).view(1, 3, 1, 1) for row in ((0.7, 0.6, 0.5), (0.2, 0.3, 0.1)))
    torch.testing.assert_close(answer, (plain / 255 - mean) / std)
