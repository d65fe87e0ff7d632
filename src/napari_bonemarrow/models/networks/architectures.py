"""Networks by name, from torchvision, timm or this package, with a number of classes."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn

from napari_bonemarrow.models.bundles.bundle import BundleError
from napari_bonemarrow.models.bundles.catalogue import (
    BACKBONE_SIZE,
    TIMM,
    Architecture,
    choices,
    find_architecture,
)
from napari_bonemarrow.models.networks.sequential import Sequential


def build(architecture: str, classes: int) -> nn.Module:
    """Return a network with random weights.

    Parameters
    ----------
    architecture : str
        A name in `ARCHITECTURES`, an alias, or ``timm:NAME``.
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
    known = lookup(architecture)
    if known.timm:
        return _from_timm(known, classes)
    if known.name == "sequential":
        return Sequential(classes)
    from torchvision import models as zoo

    return cast(nn.Module, zoo.get_model(known.name, weights=None, num_classes=classes))


def lookup(architecture: str) -> Architecture:
    """Return an architecture by name.

    Raises
    ------
    BundleError
        If the name is unknown.
    """
    known = find_architecture(architecture)
    if known is None:
        raise BundleError(f"unknown architecture {architecture!r}: choose one of {choices()}")
    return known


def _from_timm(known: Architecture, classes: int) -> nn.Module:
    import timm

    if known.backbone:
        options: dict[str, Any] = {"img_size": BACKBONE_SIZE, "dynamic_img_size": True}
    elif known.name == "efficientnet_lite0":
        options = {"bn_eps": 1e-3}  # that of the training of the published weights
    else:
        options = {}
        if not timm.is_model(known.timm.split(".")[0]):
            raise BundleError(f"timm has no network {known.timm!r}; timm.list_models() lists them")
    try:
        return timm.create_model(known.timm, num_classes=classes, **options)
    except (RuntimeError, TypeError, ValueError) as error:  # an unknown tag, a network of another kind
        raise BundleError(
            f"{known.name}: timm cannot build it for classes ({error}); take another"
        ) from error


def head_of(network: nn.Module, architecture: str) -> nn.Linear:
    """Return the last linear layer, whose rows are the classes.

    Raises
    ------
    BundleError
        If a timm network ends in another kind of layer.
    """
    name = head_key(architecture).removesuffix(".weight")
    head = network.get_submodule(name)
    if not isinstance(head, nn.Linear):
        raise BundleError(f"{architecture}: its last layer {name} is not linear; take another network")
    return head


def has_head(network: nn.Module, architecture: str) -> bool:
    """Return whether a network ends in a linear layer that can be found by name."""
    try:
        head_of(network, architecture)
    except BundleError:
        return False
    return True


def head_key(architecture: str) -> str:
    """Return the key of the last linear layer's weight.

    Raises
    ------
    BundleError
        If the name is unknown, or timm does not name a single last layer.
    """
    known = lookup(architecture)
    if known.head:
        return known.head
    import timm

    config = timm.get_pretrained_cfg(architecture.removeprefix(TIMM).split(".")[0])
    name = config.classifier if config is not None else None
    if not isinstance(name, str):
        raise BundleError(f"{architecture}: has no single last layer that timm names; take another network")
    return f"{name}.weight"


def check_size(network: nn.Module, architecture: str, size: int) -> None:
    """Check that a network accepts images of a size.

    Parameters
    ----------
    network : torch.nn.Module
        On the CPU.
    architecture : str
    size : int
        Side of the image, px.

    Raises
    ------
    BundleError
        If it only accepts other sizes.
    """
    multiple = lookup(architecture).multiple
    if size % multiple:
        raise BundleError(
            f"{architecture}: takes images whose side is a multiple of {multiple} px, not {size}; "
            f"{BACKBONE_SIZE} is what it was taught at"
        )
    if not architecture.startswith(TIMM):
        return
    training = network.training
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros(1, 3, size, size))
    except (AssertionError, RuntimeError, ValueError) as error:
        said = " ".join(str(error).split()) or "another size is built in"
        raise BundleError(
            f"{architecture}: takes no images of {size} px ({said}); use another size"
        ) from error
    finally:
        network.train(training)
