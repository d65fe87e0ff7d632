"""Weights of the foundation backbones, in all published forms.

DINOv2 (Oquab et al., arXiv:2304.07193) publishes a plain dictionary in its own names, with positions
for images of 518 px. DinoBloom (Koch et al., arXiv:2404.05022) publishes its training checkpoint: the
teacher's backbone in DINOv2's names with the training heads, and positions for 224 px. Ports of either to
timm are safetensors files in timm's names.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_bonemarrow.models.bundles.bundle import BundleError
from napari_bonemarrow.models.bundles.checkpoint_file import check_keys, read_checkpoint
from napari_bonemarrow.models.networks.architectures import head_of, lookup

_HEADS = ("dino_head", "ibot_head")  # training heads of the teacher, not part of the backbone
_CHUNK = re.compile(r"^blocks\.\d+\.(\d+)\.")
_WIDTHS = {384: "s", 768: "b", 1024: "l", 1536: "g"}


def load_backbone(network: nn.Module, architecture: str, file: Path) -> None:
    """Load published weights into all but the last layer of a backbone, key by key.

    Parameters
    ----------
    network : torch.nn.Module
        From `build`.
    architecture : str
        Name of a backbone.
    file : Path
        DinoBloom's ``.pth``, DINOv2's ``.pth``, or a port for timm as safetensors.

    Raises
    ------
    BundleError
        If the file contains code, is damaged, or is not exactly this backbone.
    """
    weights = in_timms_names(read_checkpoint(file))
    own = network.state_dict()
    head = head_of(network, architecture)
    last = {f"head.{name}" for name, _ in head.named_parameters()}
    for name in last:
        weights.pop(name, None)
    backbone = {name: tensor for name, tensor in own.items() if name not in last}
    _check_width(file, weights, backbone, architecture)
    if "pos_embed" in weights:
        weights["pos_embed"] = resample_positions(weights["pos_embed"], own["pos_embed"].shape[1])
    check_keys(file, weights, backbone, architecture)
    network.load_state_dict({**own, **{name: tensor.float() for name, tensor in weights.items()}})


def in_timms_names(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return weights with DINOv2's keys renamed to timm's and without training heads; timm's own keys stay.

    The gated layer of the giant is ``w12`` and ``w3`` there, ``fc1`` and ``fc2`` in timm; both use the first
    half of ``w12`` as the gate. Blocks chunked for parallel training have the chunk's number before their
    own.
    """
    renamed = {}
    for key, tensor in weights.items():
        if any(head in key for head in _HEADS):
            continue
        name = key.removeprefix("backbone.")
        name = _CHUNK.sub(r"blocks.\1.", name)
        name = name.replace(".mlp.w12.", ".mlp.fc1.").replace(".mlp.w3.", ".mlp.fc2.")
        if name != "mask_token":
            renamed[name] = tensor
    return renamed


def resample_positions(positions: Tensor, tokens: int) -> Tensor:
    """Return position embeddings interpolated to another number of patches.

    Parameters
    ----------
    positions : Tensor of float, shape (1, 1 + r*r, d)
        For the class token, then for the patches row by row.
    tokens : int
        Wanted number, including the class token.

    Returns
    -------
    Tensor of float32, shape (1, tokens, d)
        Bicubic, without smoothing, as in DINOv2 for these backbones.
    """
    side, new = round((positions.shape[1] - 1) ** 0.5), round((tokens - 1) ** 0.5)
    if positions.shape[1] == tokens or side * side + 1 != positions.shape[1] or new * new + 1 != tokens:
        return positions
    grid = positions[:, 1:].float().reshape(1, side, side, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(new, new), mode="bicubic", align_corners=False)
    return torch.cat([positions[:, :1].float(), grid.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


def _check_width(file: Path, given: dict[str, Tensor], own: dict[str, Tensor], architecture: str) -> None:
    """Raise an error that names a file's backbone rather than hundreds of shapes."""
    token = given.get("cls_token")
    if "register_tokens" in given or "reg_token" in given:
        raise BundleError(f"{file}: is a backbone with registers; take the one without")
    if token is None or token.shape[-1] == own["cls_token"].shape[-1]:
        return
    size = _WIDTHS.get(token.shape[-1])
    family = lookup(architecture).backbone
    hint = f"it fits {family}_{size}" if size else "it fits none that is known here"
    raise BundleError(f"{file}: is a backbone {token.shape[-1]} wide, not {architecture}; {hint}")
