"""Layers for Grad-CAM, and the place of their elements on the image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from napari_bonemarrow.models.bundles.bundle import BundleError
from napari_bonemarrow.models.bundles.catalogue import CAM_STRIDE
from napari_bonemarrow.models.device import repeatable_gradients
from napari_bonemarrow.models.networks.architectures import lookup


@dataclass(frozen=True, slots=True)
class CamLayer:
    """A layer to read and the shape of its output.

    Attributes
    ----------
    module : torch.nn.Module
    channels : int
        Channels of its output; 0 where the output is known to be (n, channels, rows, columns).
    prefix : int, optional
        For tokens: the number before those of the patches (class token, registers).
    """

    module: nn.Module
    channels: int = 0
    prefix: int | None = None

    def as_maps(self, answer: Tensor) -> Tensor:
        """Return an output as (n, channels, rows, columns), without tokens that have no place.

        Raises
        ------
        BundleError
            If the tokens do not form a square, or the output is not a map.
        """
        if answer.ndim == 3:
            tokens = answer[:, self.prefix or 0 :]
            side = round(tokens.shape[1] ** 0.5)
            if side * side == tokens.shape[1]:
                return tokens.transpose(1, 2).reshape(len(tokens), -1, side, side)
        elif answer.ndim == 4 and self.channels in (0, answer.shape[1]):
            return answer
        elif answer.ndim == 4 and answer.shape[3] == self.channels:
            return answer.permute(0, 3, 1, 2)
        raise BundleError(f"no map can be made of an answer of shape {tuple(answer.shape)}; use smoothgrad")


def cam_layer_of(network: nn.Module, architecture: str) -> CamLayer:
    """Return the layer whose activations Grad-CAM uses.

    For transformers it is the norm before the last block's attention: later outputs of the patches do not
    reach the class token. For timm's other networks it is the last of timm's feature layers with a stride of
    at most 16 px.

    Raises
    ------
    BundleError
        If there is no such layer.
    """
    known = lookup(architecture)
    if known.cam_layer:
        return CamLayer(network.get_submodule(known.cam_layer))
    blocks = getattr(network, "blocks", None)
    prefix = getattr(network, "num_prefix_tokens", None)
    if isinstance(blocks, nn.Sequential | nn.ModuleList) and isinstance(prefix, int):
        norm = getattr(blocks[-1], "norm1", None)
        if isinstance(norm, nn.Module):
            return CamLayer(norm, prefix=prefix)
    features = getattr(network, "feature_info", None)
    entries = getattr(features, "info", features) or []
    fine = [each for each in entries if each["reduction"] <= CAM_STRIDE] or list(entries)[:1]
    modules = dict(network.named_modules())
    for each in reversed(fine):
        if each["module"] in modules:
            return CamLayer(modules[each["module"]], channels=int(each["num_chs"]))
    raise BundleError(f"{architecture}: has no layer that Grad-CAM can read; use smoothgrad")


def first_field(network: nn.Module, architecture: str, layer: CamLayer, size: int) -> tuple[float, float]:
    """Return the place of a layer's elements.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode.
    architecture : str
    layer : CamLayer
    size : int
        Side of the image, px.

    Returns
    -------
    stride, offset : float
        Distance of the elements and centre of the first, px. With attention, which reaches far, elements
        tile the image; for timm's convolutional networks, which pad in several ways, it is measured: the
        centre of the receptive field of a middle element.
    """
    known = lookup(architecture)
    if known.cam_layer:
        return CAM_STRIDE, known.cam_offset
    device = next(network.parameters()).device
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, size, size, generator=generator).to(device).requires_grad_()
    maps = answer_of(network, layer, images)
    fields = maps.shape[-1]
    stride = size / fields
    tiled = (stride - 1) / 2
    if any("Attention" in type(module).__name__ for module in network.modules()):
        return stride, tiled
    middle = fields // 2
    with repeatable_gradients():
        (slope,) = torch.autograd.grad(maps[:, :, middle, middle].square().sum(), images)
    weight = slope.abs().sum(dim=(0, 1))
    line = torch.arange(size, dtype=torch.float32, device=device)
    centre = float(((weight.sum(0) + weight.sum(1)) * line).sum() / (2 * weight.sum()))
    return stride, min(max(centre - stride * middle, 0.0), stride - 1)


def answer_of(network: nn.Module, layer: CamLayer, images: Tensor) -> Tensor:
    """Return the output of one layer of a network, as (n, channels, rows, columns)."""
    kept: list[Tensor] = []

    def keep(_module: nn.Module, _given: object, answer: Tensor) -> None:
        kept.append(answer)

    hook = layer.module.register_forward_hook(keep)
    try:
        network(images)
    finally:
        hook.remove()
    return layer.as_maps(kept[-1])
