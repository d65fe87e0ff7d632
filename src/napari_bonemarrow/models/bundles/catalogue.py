"""Catalogue of architectures, without torch, with the required keys of their weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network architecture.

    Attributes
    ----------
    name : str
        Name in cards and on the command line.
    head : str
        Key of the last linear layer's weight, shape (classes, features).
    stem : str
        Key of the first convolution's weight, which identifies the architecture.
    cam_layer : str
        Module whose activations Grad-CAM uses: the last with a stride of 16, so that the map of a 160 px
        input is 10×10, not 5×5. Empty where it is found on the built network.
    cam_offset : float
        Centre of that layer's first element in px of the input. Convolutions with symmetric padding keep it
        on pixel 0; patches without padding have it in the middle of the patch.
    middle : str
        Module whose pooled activations join the features of a cell: the last block but one, whose features
        are less bound to the classes that the network was trained on. Empty where that was not measured.
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
    middle: str = ""
    timm: str = ""
    multiple: int = 1
    backbone: str = ""


CAM_STRIDE = 16
"""Stride of a named `cam_layer`, px of the input per element."""

BACKBONE_SIZE = 224
"""Side of the foundation backbones' training images, px (DinoBloom, arXiv:2404.05022)."""

TIMM = "timm:"
"""Prefix of a network's name in timm."""

ALIASES: Mapping[str, str] = MappingProxyType({"resnext50": "resnext50_32x4d"})
"""Aliases to names in `ARCHITECTURES`."""

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
        middle="blocks.5",
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
"""Architectures by name, without timm's others."""


def canonical(name: str) -> str:
    """Return the name in cards for a name or alias."""
    return ALIASES.get(name, name)


def find_architecture(name: str) -> Architecture | None:
    """Return an architecture by name.

    Parameters
    ----------
    name : str
        A name in `ARCHITECTURES`, an alias, or ``timm:NAME``.

    Returns
    -------
    Architecture or None
        For ``timm:NAME`` with empty keys: the card has the last layer.
    """
    known = ARCHITECTURES.get(canonical(name))
    if known is None and re.fullmatch(re.escape(TIMM) + r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?", name):
        return Architecture(name, "", "", timm=name.removeprefix(TIMM))
    return known


def choices() -> str:
    """Return every name on one line, for messages."""
    return f"{', '.join(sorted(ARCHITECTURES))} or timm:NAME"
