"""Augmentation of whole batches: geometry, stain in optical density, blur and noise.

Colour is varied in optical density (Beer–Lambert: minus the logarithm of transmitted light), where a
stronger or differently balanced stain is a product and a leakage between channels, after Tellez et al.,
IEEE Trans Med Imaging 2018;37:2126-36.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_bonemarrow.models.preprocess import reduce_crops
from napari_bonemarrow.training.config import AugmentConfig

BACKGROUND_MARGIN = 0.12  # optical density in green above the clearest tenth: half way to red cells
BACKGROUND_EDGE = 0.03
BACKGROUND_TINT = 0.12  # standard deviation of the tint, optical density

OVERSIZE = 1.25  # the crop is first reduced to this times the input, so that the affine step loses little


def augment(
    crops: Tensor, size: int, config: AugmentConfig, generator: torch.Generator, device: torch.device
) -> Tensor:
    """Return an augmented training batch from stored crops.

    Parameters
    ----------
    crops : Tensor of uint8, shape (n, s, s, 3)
    size : int
        Side of the batch, px.
    config : AugmentConfig
    generator : torch.Generator
        On the CPU; the only source of random numbers, so a run can be repeated.
    device : torch.device
        Where the batch is made.

    Returns
    -------
    Tensor of float32, shape (n, 3, size, size)
        0 to 255.
    """
    crops = compress(crops, config.jpeg, generator)
    batch = reduce_crops(crops.to(device), round(size * OVERSIZE))
    batch = _geometry(batch, size, config, generator)
    batch = _stain(batch, config, generator)
    batch = _blur(batch, config, generator)
    if config.noise:
        some = torch.randperm(len(batch), generator=generator)[: len(batch) // 4]
        level = _uniform(len(some), generator, device) * config.noise
        noise = torch.randn(len(some), *batch.shape[1:], generator=generator).to(device)
        batch[some] += noise * level
    return batch.clamp_(0, 255)


def _uniform(n: int, generator: torch.Generator, device: torch.device, low: float = 0.0) -> Tensor:
    """Return n random numbers from low to 1, shape (n, 1, 1, 1)."""
    return (torch.rand(n, 1, 1, 1, generator=generator) * (1 - low) + low).to(device)


def _geometry(batch: Tensor, size: int, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    n = len(batch)
    angle = torch.rand(n, generator=generator) * 2 * math.pi
    flip = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    zoom = torch.exp((torch.rand(n, generator=generator) * 2 - 1) * math.log1p(config.scale))
    shift = (torch.rand(n, 2, generator=generator) * 2 - 1) * 2 * config.shift
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    shear = (torch.rand(n, generator=generator) * 2 - 1) * config.shear
    rows = [cos * flip, cos * shear - sin, shift[:, 0], sin * flip, sin * shear + cos, shift[:, 1]]
    theta = torch.stack(rows, dim=1).view(n, 2, 3).to(batch.device)
    grid = F.affine_grid(theta, [n, 3, size, size], align_corners=False)
    return F.grid_sample(batch, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _stain(batch: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    n, device = len(batch), batch.device
    density = torch.log((batch + 1.0) / 256.0).neg_()
    mix = torch.eye(3) + torch.randn(n, 3, 3, generator=generator) * config.stain_mix
    gain = torch.exp(torch.randn(n, 3, 1, generator=generator) * config.stain_gain)
    bias = torch.randn(n, 3, 1, 1, generator=generator) * config.stain_bias
    if config.background:
        density += _background(density, config, generator)
    density = torch.einsum("nij,njhw->nihw", (mix * gain).to(device), density) + bias.to(device)
    image = torch.exp(-density).mul_(256.0).sub_(1.0)
    if config.saturation:
        grey = image.mean(dim=1, keepdim=True)
        change = 1 + (_uniform(n, generator, device) * 2 - 1) * config.saturation
        image = grey + (image - grey) * change
    if config.brightness:
        image = image * (1 + (_uniform(n, generator, device) * 2 - 1) * config.brightness)
    return image


def _background(density: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    """Return images of which some have another tint of the plasma, but not of the cells.

    Nuclei and red cells absorb green, plasma does not: pixels only slightly denser in green than the
    image's clearest tenth are background, with a soft edge.
    """
    n, device = len(density), density.device
    green = density[:, 1:2]
    clear = torch.quantile(green.flatten(1)[:, ::7], 0.1, dim=1).view(n, 1, 1, 1)
    mask = torch.sigmoid((clear + BACKGROUND_MARGIN - green) / BACKGROUND_EDGE)
    some = (torch.rand(n, 1, 1, 1, generator=generator) < config.background).float()
    tint = torch.randn(n, 3, 1, 1, generator=generator) * BACKGROUND_TINT * some
    return mask * tint.to(device)


def compress(crops: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Return crops of which some are recompressed as JPEG, so that artefacts do not reveal the source.

    Parameters
    ----------
    crops : Tensor of uint8, shape (n, s, s, 3)
        On the CPU; unchanged.
    share : float
        Share of the crops that are compressed, at a quality between 30 and 95.
    generator : torch.Generator

    Returns
    -------
    Tensor of uint8, shape (n, s, s, 3)
    """
    if not share:
        return crops
    from imagecodecs import jpeg8_decode, jpeg8_encode

    crops = crops.clone()
    some = torch.nonzero(torch.rand(len(crops), generator=generator) < share)[:, 0]
    quality = torch.randint(30, 96, (len(some),), generator=generator)
    for index, q in zip(some.tolist(), quality.tolist(), strict=True):
        crops[index] = torch.from_numpy(jpeg8_decode(jpeg8_encode(crops[index].numpy(), level=q)))
    return crops


def _blur(batch: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    """Return a batch, a third blended with a blurred copy: one kernel per batch, random shares."""
    if not config.blur:
        return batch
    some = torch.randperm(len(batch), generator=generator)[: len(batch) // 3]
    sigma = config.blur * (0.5 + 0.5 * float(torch.rand(1, generator=generator)))
    radius = max(1, math.ceil(2 * sigma))
    line = torch.exp(-(torch.arange(-radius, radius + 1).float() ** 2) / (2 * sigma**2))
    line = (line / line.sum()).to(batch.device)
    sharp = batch[some]
    padded = F.pad(sharp, (radius,) * 4, mode="reflect").flatten(0, 1)[:, None]
    blurred = F.conv2d(F.conv2d(padded, line.view(1, 1, 1, -1)), line.view(1, 1, -1, 1)).view(sharp.shape)
    batch[some] = torch.lerp(sharp, blurred, _uniform(len(some), generator, batch.device))
    return batch
