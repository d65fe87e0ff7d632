"""Networks by name, built from torchvision and ready for a number of classes."""

from __future__ import annotations

from typing import cast

from torch import nn

from napari_bonemarrow.models.bundle import BundleError
from napari_bonemarrow.models.catalogue import ARCHITECTURES


def build(architecture: str, classes: int) -> nn.Module:
    """Build a network with fresh weights.

    Parameters
    ----------
    architecture : str
        A name in `ARCHITECTURES`.
    classes : int
        Number of outputs.

    Returns
    -------
    torch.nn.Module
        Takes float (n, 3, s, s), returns logits (n, classes).

    Raises
    ------
    BundleError
        If the name is unknown.
    """
    if architecture not in ARCHITECTURES:
        raise BundleError(
            f"unknown architecture {architecture!r}: choose one of {', '.join(sorted(ARCHITECTURES))}"
        )
    if architecture == "efficientnet_lite0":
        import timm

        # The variance floor is that of the network which taught the published weights.
        return cast(nn.Module, timm.create_model(architecture, num_classes=classes, bn_eps=1e-3))
    from torchvision import models as zoo

    return cast(nn.Module, zoo.get_model(architecture, weights=None, num_classes=classes))


def head_of(network: nn.Module, architecture: str) -> nn.Linear:
    """Return the last linear layer, whose rows are the classes."""
    name = ARCHITECTURES[architecture].head.removesuffix(".weight")
    return cast(nn.Linear, network.get_submodule(name))


def cam_layer_of(network: nn.Module, architecture: str) -> nn.Module:
    """Return the layer whose activations Grad-CAM reads."""
    return network.get_submodule(ARCHITECTURES[architecture].cam_layer)
