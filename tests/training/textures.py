"""Crops that are nothing but texture, each its own, and what happens to a copy of one."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

MARGIN = 20


def texture(seed: int, size: int = 250) -> np.ndarray:
    """A crop with structures of several sizes round a dark middle, with a margin to shift it in."""
    rng = np.random.default_rng(seed)
    side = size + 2 * MARGIN
    waves = sum(gaussian_filter(rng.normal(size=(side, side)), s) * s for s in (3, 8, 20))
    rows, columns = np.mgrid[:side, :side] - side / 2
    dark = 90 * (np.hypot(rows, columns) < side / 5)
    grey = 170 + 25 * waves / waves.std() - dark
    return np.stack([grey, grey - 20, grey + 10], axis=2).clip(0, 255).astype(np.uint8)


def cut(image: np.ndarray, down: int = 0, right: int = 0) -> np.ndarray:
    height, width = image.shape[:2]
    return image[MARGIN + down : height - MARGIN + down, MARGIN + right : width - MARGIN + right]


def recompress(image: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))
