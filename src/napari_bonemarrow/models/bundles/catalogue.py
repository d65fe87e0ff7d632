"""The architectures a bundle can name, without torch: what the header of its weights must hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Architecture:
    """One network.

    Attributes
    ----------
    name : str
        Name in cards and on the command line.
    head : str
        Key of the last linear layer's weight, shape (classes, features).
    stem : str
        Key of the first convolution's weight; its presence tells architectures apart.
    cam_layer : str
        Module whose activations Grad-CAM reads: the last with a stride of 16, so that the map of a
        160 px input has 10×10 fields rather than 5×5. Empty where it is found on the built network.
    cam_offset : float
        Centre of that layer's first field in px of the input. Convolutions padded alike on both sides
        keep the first field on pixel 0; patches without padding have it in the middle of the patch.
    timm : str
        The network's name in timm; empty for those of torchvision and our own.
    multiple : int
        The side of the input, px, must be a multiple of this.
    backbone : str
        ``dinobloom`` or ``dinov2`` for a backbone with published weights; else empty.
    """

    name: str
    head: str
    stem: str
    cam_layer: str = ""
    cam_offset: float = 0.0
    timm: str = ""
    multiple: int = 1
    backbone: str = ""


CAM_STRIDE = 16
"""Stride of a named `cam_layer`, px of the input a field."""

BACKBONE_SIZE = 224
"""Side of the image that the foundation backbones were taught at, px (DinoBloom, arXiv:2404.05022)."""

TIMM = "timm:"
"""Prefix of a network that is named as timm names it."""

ALIASES: Mapping[str, str] = MappingProxyType({"resnext50": "resnext50_32x4d"})
"""Other names to those of `ARCHITECTURES`."""

_SIZES = {"s": "small", "b": "base", "l": "large", "g": "giant"}


def _backbone(family: str, size: str) -> Architecture:
    return Architecture(
        f"{family}_{size}",
        "head.weight",
        "patch_embed.proj.weight",
        timm=f"vit_{_SIZES[size]}_patch14_dinov2",
        multiple=14,
        backbone=family,
    )


_ALL = (
    Architecture("mobilenet_v3_small", "classifier.3.weight", "features.0.0.weight", "features.8"),
    Architecture(
        "efficientnet_lite0",
        "classifier.weight",
        "conv_stem.weight",
        "blocks.4",
        timm="efficientnet_lite0",
    ),
    Architecture("resnet18", "fc.weight", "conv1.weight", "layer3"),
    Architecture("resnext50_32x4d", "fc.weight", "conv1.weight", "layer3"),
    Architecture("efficientnet_v2_s", "classifier.1.weight", "features.0.0.weight", "features.5"),
    Architecture("convnext_tiny", "classifier.2.weight", "features.0.0.weight", "features.5", cam_offset=7.5),
    Architecture("sequential", "head.weight", "features.0.weight", "features.11", cam_offset=7.5),
    *(_backbone(family, size) for family in ("dinobloom", "dinov2") for size in _SIZES),
)

ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType({each.name: each for each in _ALL})
"""Every architecture but timm's others, by name."""


def canonical(name: str) -> str:
    """Return the name that cards hold for a name or one of its aliases."""
    return ALIASES.get(name, name)


def find_architecture(name: str) -> Architecture | None:
    """Look an architecture up.

    Parameters
    ----------
    name : str
        A name in `ARCHITECTURES`, an alias, or ``timm:NAME``.

    Returns
    -------
    Architecture or None
        For ``timm:NAME`` with empty keys: which layer is the last, its card says.
    """
    known = ARCHITECTURES.get(canonical(name))
    if known is None and re.fullmatch(re.escape(TIMM) + r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?", name):
        return Architecture(name, "", "", timm=name.removeprefix(TIMM))
    return known


def choices() -> str:
    """List every name on one line, for messages."""
    return f"{', '.join(sorted(ARCHITECTURES))} or timm:NAME"
