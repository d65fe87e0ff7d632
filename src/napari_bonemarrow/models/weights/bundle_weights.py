"""Weights of a bundle as checked tensors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from napari_bonemarrow.models.bundles.bundle import Bundle, BundleError
from napari_bonemarrow.models.networks.architectures import build


def load_weights(bundle: Bundle) -> dict[str, Tensor]:
    """Return the weights as float32.

    Raises
    ------
    BundleError
        If the file is damaged or has numbers that are not finite.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(bundle.weights)
    except (SafetensorError, OSError) as error:
        raise BundleError(f"{bundle.weights}: cannot be read ({error}); fetch or export it again") from error
    for name, tensor in weights.items():
        if tensor.is_floating_point():
            if not bool(torch.isfinite(tensor).all()):
                raise BundleError(f"{bundle.weights}: {name} holds NaN or infinity; train or fetch it again")
            weights[name] = tensor.float()
    return weights


def load_network(bundle: Bundle) -> nn.Module:
    """Return the card's network with the bundle's weights, in evaluation mode.

    Raises
    ------
    BundleError
        If the weights are damaged or belong to another network.
    """
    network = build(bundle.card.architecture, len(bundle.card.classes))
    try:
        network.load_state_dict(load_weights(bundle))
    except RuntimeError as error:
        raise BundleError(
            f"{bundle.weights}: not weights of a {bundle.card.architecture}; correct the card"
        ) from error
    return network.eval().requires_grad_(False)
