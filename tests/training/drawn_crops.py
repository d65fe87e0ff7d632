"""Drawn crops that are told apart by one object, so that a network learns them in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from napari_bonemarrow.training import TrainConfig
from napari_bonemarrow.training.config import AugmentConfig, Stage

SIZE = 64
BACKGROUND = (228, 220, 225)
OBJECTS = {"BLA": (90, 40, 150), "EOS": (230, 120, 60), "LYT": (40, 130, 70)}
LATER = {"PLM": (50, 170, 210)}  # not in the data sets, but on smears that come later


def draw_blob(code: str, seed: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Draw a disc in its class's colour at a random place, and a grey one that means nothing.

    Returns the crop and the disc's centre (row, column).
    """
    rng = np.random.default_rng([seed, sum(code.encode())])
    rows, columns = np.mgrid[:SIZE, :SIZE]
    image = np.full((SIZE, SIZE, 3), BACKGROUND, np.float64)
    quarters = rng.permutation([(18, 18), (18, 46), (46, 18), (46, 46)])
    for (row, column), colour in zip(
        quarters[:2], ((150, 150, 150), {**OBJECTS, **LATER}[code]), strict=True
    ):
        row, column = np.add((row, column), rng.integers(-3, 4, 2))
        image[(rows - row) ** 2 + (columns - column) ** 2 < 81] = colour
    image += rng.normal(0, 4, image.shape)
    return image.clip(0, 255).astype(np.uint8), (int(row), int(column))


def write_blobs(folder: Path, n: int, codes: tuple[str, ...] = tuple(OBJECTS), first: int = 0) -> Path:
    for code in codes:
        (folder / code).mkdir(parents=True, exist_ok=True)
        for seed in range(first, first + n):
            Image.fromarray(draw_blob(code, seed)[0]).save(folder / code / f"{code}_{seed:05d}.png")
    return folder


def quick(**changes: object) -> TrainConfig:
    values: dict[str, object] = {
        "crop_size": SIZE,
        "microns_per_pixel": 0.3,
        "stages": (Stage(epochs=4, size=32), Stage(epochs=6, size=64)),
        "batch_size": 12,
        "learning_rate": 3e-3,
        "minimum_images": 20,
        "trusted_images": 20,
        "default_draws": 60,
        "ema_decay": 0.9,
        "precision": "float32",  # "auto" would give other weights by the processor
        "augment": AugmentConfig(
            # Colour is what tells these apart: little of it is changed.
            stain_gain=0.03,
            stain_mix=0.01,
            stain_bias=0.02,
            saturation=0.1,
            brightness=0.05,
            shift=0.02,
            blur=0.3,
            noise=3,
        ),
        **changes,
    }
    return TrainConfig.model_validate(values)
