"""The architectures a bundle can name, without torch: what the header of its weights must hold."""

from __future__ import annotations

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
        160 px input has 10×10 fields rather than 5×5.
    cam_offset : float
        Centre of that layer's first field in px of the input. Convolutions padded alike on both sides
        keep the first field on pixel 0; patches without padding have it in the middle of the patch.
    """

    name: str
    head: str
    stem: str
    cam_layer: str
    cam_offset: float = 0.0


CAM_STRIDE = 16
"""Stride of every architecture's `cam_layer`, px of the input a field."""

ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "mobilenet_v3_small": Architecture(
            "mobilenet_v3_small", "classifier.3.weight", "features.0.0.weight", "features.8"
        ),
        "efficientnet_lite0": Architecture(
            "efficientnet_lite0", "classifier.weight", "conv_stem.weight", "blocks.4"
        ),
        "resnet18": Architecture("resnet18", "fc.weight", "conv1.weight", "layer3"),
        "resnext50_32x4d": Architecture("resnext50_32x4d", "fc.weight", "conv1.weight", "layer3"),
        "efficientnet_v2_s": Architecture(
            "efficientnet_v2_s", "classifier.1.weight", "features.0.0.weight", "features.5"
        ),
        "convnext_tiny": Architecture(
            "convnext_tiny", "classifier.2.weight", "features.0.0.weight", "features.5", cam_offset=7.5
        ),
    }
)
"""Every architecture, by name."""
