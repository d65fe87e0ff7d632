from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_bonemarrow.models.preprocess import reduce_crops
from napari_bonemarrow.training.config import AugmentConfig
from napari_bonemarrow.training.fitting.augmentation import augment, compress
from tests.training.drawn_crops import OBJECTS, draw_blob

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


def test_shear_slants_what_a_turn_alone_keeps_square() -> None:
    image = torch.full((1, 64, 64, 3), 230, dtype=torch.uint8)
    image[0, 24:40, 24:40] = 40
    config = NOTHING.model_copy(update={"shear": 0.6})

    def elongation(config: AugmentConfig, seed: int) -> float:
        y, x = torch.nonzero(run(image, config, seed, size=64)[0, 0] < 130, as_tuple=True)
        values = torch.linalg.eigvalsh(torch.cov(torch.stack([x, y]).float()))
        return float(values[1] / values[0])

    turned = [elongation(NOTHING, seed) for seed in range(8)]
    sheared = [elongation(config, seed) for seed in range(8)]
    assert max(turned) < 1.1
    assert max(sheared) > 1.3


def test_compression_leaves_its_marks_on_the_share_asked_for(crops: torch.Tensor) -> None:
    many = crops.repeat(10, 1, 1, 1)
    before = many.clone()
    after = compress(many, 0.5, torch.Generator().manual_seed(0))
    assert torch.equal(many, before), "the stored crops stay as they are"
    difference = (after.int() - many.int()).abs().flatten(1).float()
    assert 0.35 < (difference.amax(1) > 2).float().mean() < 0.65
    assert difference.mean() < 4, "and still show what they showed"


def test_background_gets_a_tint_and_the_cell_does_not() -> None:
    image = torch.full((40, 48, 48, 3), 225, dtype=torch.uint8)
    image[:, 16:32, 16:32] = torch.tensor([90, 40, 150], dtype=torch.uint8)
    change = run(image, NOTHING.model_copy(update={"background": 1.0})) - run(image, NOTHING)
    middle, corner = change[:, :, 20:28, 20:28], change[:, :, 1:4, 1:4]
    assert middle.abs().max() < 2
    assert corner.mean((2, 3)).std(0).min() > 8
