"""Attribution: Grad-CAM and SmoothGrad of a logit on the crop's pixels.

Grad-CAM: Selvaraju et al., ICCV 2017 (arXiv:1610.02391). SmoothGrad: Smilkov et al. 2017
(arXiv:1706.03825): the gradient's magnitude, averaged over noisy copies of the crop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from napari_bonemarrow.models.bundles.bundle import BundleError
from napari_bonemarrow.models.bundles.card import Card
from napari_bonemarrow.models.device import repeatable_gradients
from napari_bonemarrow.models.explanation.cam import cam_layer_of, first_field
from napari_bonemarrow.models.explanation.heatmap import Heatmap
from napari_bonemarrow.models.explanation.methods import METHODS

SAMPLES = 32  # noisy copies; the map changes little beyond about 50, and not in content beyond 30
SAMPLES_AT_ONCE = 8
NOISE = 0.12  # standard deviation, share of the crop's range of values: 10 to 20 % in the paper


def explain(
    network: nn.Module,
    images: Tensor,
    card: Card,
    method: str,
    target: str,
    against: str | None,
    seed: int,
) -> Heatmap:
    """Return the heatmap of one prepared crop.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode.
    images : Tensor of float32, shape (1, 3, m, m)
        Prepared as for the network.
    card : Card
    method : str
        One of `METHODS`.
    target, against : str
        Class codes; `against` may be None.
    seed : int

    Raises
    ------
    BundleError
        If the method or a class is unknown.
    """
    if method not in METHODS:
        raise BundleError(f"no explanation {method!r}: choose one of {', '.join(METHODS)}")
    if target == against:
        raise BundleError(f"target and against are both {target}: name two classes")
    columns = [_column(card, code) for code in (target, against) if code is not None]

    def logit(batch: Tensor) -> Tensor:
        logits: Tensor = network(batch)
        return logits[:, columns[0]] - logits[:, columns[1]] if against else logits[:, columns[0]]

    images = images.clone().requires_grad_()
    values = _MAPS[method](network, logit, images, card, seed)
    return Heatmap(values, method, target, against, card.microns_per_pixel)


def _column(card: Card, code: str) -> int:
    if code not in card.classes:
        raise BundleError(f"class {code!r} is none of {card.name}'s: {', '.join(card.classes)}")
    return card.classes.index(code)


def _gradcam(
    network: nn.Module, logit: Callable[[Tensor], Tensor], images: Tensor, card: Card, _seed: int
) -> NDArray[np.float32]:
    """Return the layer's maps weighted by their mean gradient (equations 1 and 2 of the paper).

    Written out here, since captum takes the second axis as channels, which in a transformer are tokens.
    """
    layer = cam_layer_of(network, card.architecture)
    kept: list[Tensor] = []

    def keep(_module: nn.Module, _given: object, answer: Tensor) -> None:
        kept.append(answer)

    hook = layer.module.register_forward_hook(keep)
    try:
        score = logit(images).sum()
    finally:
        hook.remove()
    with repeatable_gradients():
        (slope,) = torch.autograd.grad(score, kept[-1])
    maps, slopes = layer.as_maps(kept[-1].detach()), layer.as_maps(slope)
    cam = (slopes.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1, keepdim=True).relu()
    size = images.shape[-1]
    stride, offset = first_field(network, card.architecture, layer, size)
    values = _on_crop_grid(cam, size, card.crop_size, stride, offset)
    peak = values.max()
    return values / peak if peak > 0 else values


def _smoothgrad(
    _network: nn.Module, logit: Callable[[Tensor], Tensor], images: Tensor, card: Card, seed: int
) -> NDArray[np.float32]:
    from captum.attr import Saliency

    whole = images.detach()
    spread = float(whole.max() - whole.min()) * NOISE or 1e-6
    generator = torch.Generator().manual_seed(seed)
    magnitude = torch.zeros_like(whole[:, :1])
    for _ in range(SAMPLES // SAMPLES_AT_ONCE):
        # Drawn on the CPU, so that a seed gives the same map on every device.
        noise = torch.randn(SAMPLES_AT_ONCE, *whole.shape[1:], generator=generator) * spread
        noisy = (whole + noise.to(whole.device)).requires_grad_()
        magnitude += Saliency(logit).attribute(noisy).detach().sum(dim=(0, 1))
    magnitude /= SAMPLES
    values = _on_crop_grid(magnitude, images.shape[-1], card.crop_size, 1, 0.0)
    # A few pixels are extreme; the 99.5th percentile as the maximum keeps the rest visible.
    top = np.quantile(values, 0.995)
    return np.clip(values / top, 0, 1).astype(np.float32) if top > 0 else values


_MAPS: Mapping[str, Callable[..., NDArray[np.float32]]] = {"gradcam": _gradcam, "smoothgrad": _smoothgrad}
"""Function of each of `METHODS`, on the crop's pixels."""


def _on_crop_grid(
    values: Tensor, network_size: int, crop_size: int, stride: float, offset: float
) -> NDArray[np.float32]:
    """Return a map interpolated onto the crop's pixels, each element at its own place.

    Element i lies at pixel ``offset + stride·i``. A plain resize, with elements as tiles of the input, would
    be off by 7.5 px at stride 16, over 1 µm.
    """
    pixel = (torch.arange(crop_size, dtype=torch.float32) + 0.5) * (network_size / crop_size) - 0.5
    n = values.shape[-1]
    field = ((pixel - offset) / stride).clamp(0, n - 1)
    line = (2 * field + 1) / n - 1  # grid_sample's coordinates
    grid = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1)[None].to(values.device)
    laid = F.grid_sample(values, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return laid[0, 0].float().cpu().numpy()
