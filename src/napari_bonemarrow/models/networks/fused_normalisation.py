"""Fused normalisation: batch norms folded into the convolution before, the same result with fewer passes."""

from __future__ import annotations

import logging

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.nn.utils.parametrize import is_parametrized

log = logging.getLogger(__name__)

Pair = tuple[nn.Conv2d, nn.BatchNorm2d]

TOLERANCE = 1e-3  # of the largest logit: rounding is a hundred times smaller, a wrong fold larger


def fuse(network: nn.Module, size: int) -> nn.Module:
    """Fold every batch norm whose only input is a convolution's output, in place.

    Which norm follows which convolution is observed on one image, not inferred from module names, so it works
    for every layout; the output for that image must not change, otherwise nothing is folded. The activation
    in timm's ``BatchNormAct2d`` is kept. Other norms do not change.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode, on the CPU.
    size : int
        Side of an image that the network accepts, px.

    Returns
    -------
    torch.nn.Module
        The same network.
    """
    if not any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        return network
    image = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    pairs, before = _follow(network, image)
    places = {module: (parent, name) for parent in network.modules() for name, module in _children(parent)}
    for convolution, norm in pairs:
        _replace(places[convolution], fuse_conv_bn_eval(convolution, norm))
        _replace(places[norm], getattr(norm, "act", nn.Identity()))
    with torch.inference_mode():
        after = network(image)
    if not bool((after - before).abs().max() <= TOLERANCE * before.abs().max()):
        log.warning("folding the norms would change the network's answers: left as it is")
        for module in (module for pair in pairs for module in pair):
            _replace(places[module], module)
    return network


def _children(module: nn.Module) -> list[tuple[str, nn.Module]]:
    return [(name, child) for name, child in module._modules.items() if child is not None]


def _replace(place: tuple[nn.Module, str], module: nn.Module) -> None:
    parent, name = place
    parent._modules[name] = module


def _follow(network: nn.Module, image: Tensor) -> tuple[list[Pair], Tensor]:
    """Return which norm follows which convolution, observed on an image, and the logits."""
    answers: list[tuple[nn.Conv2d, Tensor]] = []
    pairs: list[Pair] = []

    def answered(module: nn.Module, _given: object, answer: Tensor) -> None:
        assert isinstance(module, nn.Conv2d)
        answers.append((module, answer))

    def taken(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        assert isinstance(module, nn.BatchNorm2d)
        pairs.extend((convolution, module) for convolution, answer in answers if answer is given[0])

    hooks = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(answered))
        elif isinstance(module, nn.BatchNorm2d):
            hooks.append(module.register_forward_pre_hook(taken))
    try:
        with torch.inference_mode():
            logits = network(image)
    finally:
        for hook in hooks:
            hook.remove()
    once = {module for module in network.modules() if _uses(pairs, module) == 1}
    return [(c, n) for c, n in pairs if c in once and n in once and _folds(c, n)], logits


def _uses(pairs: list[Pair], module: nn.Module) -> int:
    return sum(module in pair for pair in pairs)


def _folds(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> bool:
    """Return whether both are a plain convolution and a norm with fixed statistics."""
    plain = type(convolution).forward is nn.Conv2d.forward or type(convolution).__name__ == "Conv2dSame"
    known = type(norm) is nn.BatchNorm2d or type(norm).__name__ == "BatchNormAct2d"
    return plain and known and norm.running_mean is not None and not is_parametrized(convolution)
