from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_bonemarrow.models.preprocess import reduce_crops
from napari_bonemarrow.training.augment import augment
from napari_bonemarrow.training.config import AugmentConfig

from .drawn_crops import OBJECTS, draw_blob

NOTHING = AugmentConfig(
    shift=0, scale=0, stain_gain=0, stain_mix=0, stain_bias=0, saturation=0, brightness=0, blur=0, noise=0
)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def crops() -> torch.Tensor:
    return torch.from_numpy(np.stack([draw_blob(code, seed)[0] for seed in range(8) for code in OBJECTS]))


def run(crops: torch.Tensor, config: AugmentConfig, seed: int = 0, size: int = 48) -> torch.Tensor:
    return augment(crops, size, config, torch.Generator().manual_seed(seed), CPU)


def test_repeats_with_its_generator(crops: torch.Tensor) -> None:
    first = run(crops, AugmentConfig())
    assert first.shape == (24, 3, 48, 48)
    assert first.min() >= 0
    assert first.max() <= 255
    torch.testing.assert_close(run(crops, AugmentConfig()), first, rtol=0, atol=0)
    assert not torch.equal(run(crops, AugmentConfig(), seed=1), first)


def test_turning_alone_keeps_colours(crops: torch.Tensor) -> None:
    turned = run(crops, NOTHING)
    plain = reduce_crops(crops, 48)
    assert not torch.allclose(turned, plain, atol=20)
    # Discs stay in the crop however it is turned, so the mean colour stays.
    torch.testing.assert_close(turned.mean((2, 3)), plain.mean((2, 3)), rtol=0, atol=4)


def test_stain_changes_colour_but_not_where_things_are() -> None:
    image = torch.full((1, 48, 48, 3), 225, dtype=torch.uint8)
    image[0, 16:32, 16:32] = torch.tensor([90, 40, 150], dtype=torch.uint8)
    config = NOTHING.model_copy(update={"stain_gain": 0.3, "stain_mix": 0.1, "stain_bias": 0.05})
    seen = torch.cat([run(image, config, seed) for seed in range(20)])
    middle, corner = seen[:, :, 23:25, 23:25].mean((2, 3)), seen[:, :, 20:28, 20:28].std((2, 3))
    assert middle.std(0).min() > 5, "colours vary"
    assert corner.max() < 3, "the square stays one colour"
    assert (middle.mean(1) < seen.amax((1, 2, 3)) - 40).all(), "and stays darker than its background"


def test_blur_takes_contrast(crops: torch.Tensor) -> None:
    sharp = run(crops, NOTHING)
    soft = run(crops, NOTHING.model_copy(update={"blur": 3.0}))
    changed = (sharp - soft).abs().amax((1, 2, 3)) > 1
    assert changed.sum() == len(crops) // 3
    assert (soft[changed].std((1, 2, 3)) < sharp[changed].std((1, 2, 3))).all()


def test_noise_is_added_to_a_quarter(crops: torch.Tensor) -> None:
    noisy = run(crops, NOTHING.model_copy(update={"noise": 30.0}))
    changed = (noisy - run(crops, NOTHING)).abs().amax((1, 2, 3)) > 1
    assert changed.sum() == len(crops) // 4
