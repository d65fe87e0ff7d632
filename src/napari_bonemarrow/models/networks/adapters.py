"""Adapters: the weights that a fit may change: all, the last layer, or low-rank adapters."""

from __future__ import annotations

from types import MethodType

from torch import nn

from napari_bonemarrow.models.bundles.bundle import BundleError
from napari_bonemarrow.models.networks.architectures import head_of


def prepare_tuning(network: nn.Module, architecture: str, tune: str, rank: int) -> nn.Module:
    """Unfreeze the weights to be fitted and freeze the others, in place.

    Parameters
    ----------
    network : torch.nn.Module
    architecture : str
    tune : {"all", "head", "lora"}
        All weights; the last layer; or the last layer and low-rank adapters at every linear layer of the
        transformer's blocks (Hu et al., arXiv:2106.09685).
    rank : int
        Rank of the adapters.

    Returns
    -------
    torch.nn.Module
        The same network. Frozen weights have ``requires_grad`` False; frozen batch norms stay in
        evaluation mode in every mode of the network, so that their statistics do not change.

    Raises
    ------
    BundleError
        If the network has no attention to adapt, or peft is missing.
    """
    if tune == "all":
        return network
    if tune == "lora":
        _add_adapters(network, architecture, rank)
    else:
        network.requires_grad_(False)
    head_of(network, architecture).requires_grad_(True)
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            _hold(module)
    return network


def merge_tuning(network: nn.Module) -> nn.Module:
    """Add each adapter to its layer's weights, in place: plain weights that need no peft.

    Parameters
    ----------
    network : torch.nn.Module
        With or without adapters.

    Returns
    -------
    torch.nn.Module
        The same network; its state has the names of one without adapters.
    """
    if not hasattr(network, "peft_config"):
        return network
    from peft.tuners.tuners_utils import BaseTunerLayer

    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, BaseTunerLayer):
                child.merge(safe_merge=True)
                setattr(parent, name, child.get_base_layer())
    del network.peft_config
    return network


def _add_adapters(network: nn.Module, architecture: str, rank: int) -> None:
    if not any("Attention" in type(module).__name__ for module in network.modules()):
        raise BundleError(
            f"LoRA adapts transformers, and {architecture} is a convolutional network; tune its head or all"
        )
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise BundleError("LoRA needs peft; run: pip install 'napari-bonemarrow[training]'") from error
    head = head_of(network, architecture)
    linear = [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) and module is not head
    ]
    # The adapters begin at zero, with a scale of 1: alpha equal to the rank.
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=rank, target_modules=linear), network)


def _hold(norm: nn.Module) -> None:
    """Keep a norm in evaluation mode; a bound method, so that a copied network has its own copy."""
    norm.eval()
    setattr(norm, "train", MethodType(_stay, norm))  # noqa: B010 (mypy forbids to assign to a method)


def _stay(norm: nn.Module, mode: bool = True) -> nn.Module:
    return norm
