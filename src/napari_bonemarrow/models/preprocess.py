"""Preprocessing of crops for the network, the same in training and use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_bonemarrow.models.bundles.card import Normalisation


def reduce_crops(crops: Tensor, size: int) -> Tensor:
    """Return crops of bytes reduced to the network's side, anti-aliased.

    Parameters
    ----------
    crops : Tensor of uint8, shape (n, s, s, 3)
    size : int
        Wanted side, px.

    Returns
    -------
    Tensor of float32, shape (n, 3, size, size)
        0 to 255; in channels-last memory format on the CPU, contiguous elsewhere.
    """
    return as_floats(resize(crops, size))


def as_floats(images: Tensor) -> Tensor:
    """Return images as float32 in the fastest memory format for convolutions.

    Channels last is faster on a CPU and slower on a GPU. One tensor with channels last, even only the input,
    makes every convolution work so.
    """
    if images.device.type == "cpu":
        return images.float()
    return images.to(torch.float32, memory_format=torch.contiguous_format)


def resize(crops: Tensor, size: int) -> Tensor:
    """Return reduced crops, as bytes where the device resizes bytes: the CPU does, several times faster."""
    images = crops.permute(0, 3, 1, 2)
    if images.shape[-1] == size:
        return images
    if images.device.type != "cpu":
        return resize_as_bytes(images, size)
    return F.interpolate(images, size=(size, size), mode="bilinear", antialias=True)


def resize_as_bytes(images: Tensor, size: int) -> Tensor:
    """Return images resized in floating point to exactly the CPU's results for bytes.

    The CPU uses integer weights, resizes the rows, rounds, and then resizes the columns. Without the
    rounding, 3 of 660 real crops get another class from the starter. So both steps are matrix products with
    the same weights, whose sums are exact in float.

    Parameters
    ----------
    images : Tensor of uint8, shape (n, 3, s, s)
    size : int

    Returns
    -------
    Tensor of float32, shape (n, 3, size, size)
        Whole numbers.
    """
    down, along = (_weights(side, size, images.device) for side in images.shape[2:])
    with torch.autocast(images.device.type, enabled=False):
        whole = images.to(along.dtype, memory_format=torch.contiguous_format)
        rows = _rounded(torch.matmul(whole, along.T)).to(down.dtype)
        return _rounded(torch.matmul(down, rows)).float()


def _rounded(images: Tensor) -> Tensor:
    return images.add_(0.5).floor_().clamp_(max=255)  # rounded weights may add up to slightly more than 1


@lru_cache(maxsize=16)  # sending them to a GPU would wait until it is idle
def _weights(source: int, target: int, device: torch.device) -> Tensor:
    """Return the CPU's weights of a line of bytes, shape (target, source): triangles, rounded to 16 bits."""
    scale = source / target
    reach = max(scale, 1.0)
    centre = scale * (np.arange(target)[:, None] + 0.5)
    pixel = np.arange(source)
    first = np.maximum(centre - reach + 0.5, 0).astype(np.int64)
    last = (centre + reach + 0.5).astype(np.int64)
    weights = np.maximum(1 - np.abs((pixel + 0.5 - centre) / reach), 0)
    weights[(pixel < first) | (pixel >= last)] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    largest = float(weights.max())
    bits = next((n for n in range(22) if int(0.5 + largest * 2 ** (n + 1)) >= 2**15), 22)
    weights = np.floor(0.5 + weights * 2**bits) / 2**bits
    exact = torch.float32 if bits <= _BITS_OF_FLOAT32 else torch.float64
    with torch.inference_mode(False):
        return torch.from_numpy(weights).to(device, exact)


_BITS_OF_FLOAT32 = 16
"""Bits of the weights: sums with bytes, plus the half for rounding, fit in 24 bits."""

MIRRORED: Mapping[int, tuple[tuple[int, ...], ...]] = MappingProxyType(
    {1: ((),), 2: ((), (3,)), 4: ((), (3,), (2,), (2, 3))}
)
"""Number of views to the mirror axes of each view: cells have no orientation."""


def mirrored_mean(network: Callable[[Tensor], Tensor], images: Tensor, views: int) -> Tensor:
    """Return a network's logits averaged over mirrored copies.

    Parameters
    ----------
    network : callable
        Takes (n, 3, s, s), returns logits (n, k).
    images : Tensor of float32, shape (n, 3, s, s)
    views : {1, 2, 4}

    Returns
    -------
    Tensor of float32, shape (n, k)
    """
    answers = [network(images.flip(axes) if axes else images).float() for axes in MIRRORED[views]]
    return answers[0] if views == 1 else torch.stack(answers).mean(dim=0)


class Normaliser:
    """Normalisation of pixels from 0 to 255: minus mean, divided by standard deviation."""

    def __init__(self, normalisation: Normalisation, device: torch.device) -> None:
        mean = torch.tensor(normalisation.mean, device=device) * 255
        std = torch.tensor(normalisation.std, device=device) * 255
        self._shift = (-mean / std).view(1, 3, 1, 1)
        self._gain = (1 / std).view(1, 3, 1, 1)
        self._maps: dict[tuple[torch.Size, bool], tuple[Tensor, Tensor]] = {}

    def __call__(self, images: Tensor, out: Tensor | None = None) -> Tensor:
        """Return (n, 3, s, s) normalised in one pass, in `out` or in new memory of the same format."""
        shift, gain = self._whole(images)
        return torch.addcmul(shift, images, gain, out=out)

    def _whole(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return both over a whole image: broadcasting three numbers per pixel is not vectorised."""
        size, plain = images.shape[1:], images.is_contiguous()
        if (size, plain) not in self._maps:
            layout = torch.contiguous_format if plain else torch.channels_last
            whole = [t.expand(1, *size) for t in (self._shift, self._gain)]
            shift, gain = (t.contiguous(memory_format=layout) for t in whole)
            self._maps[size, plain] = shift, gain
        return self._maps[size, plain]
