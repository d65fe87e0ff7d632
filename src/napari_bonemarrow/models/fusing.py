"""Folding batch normalisation into the convolution before it: the same numbers with fewer passes."""

from __future__ import annotations

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fuse(network: nn.Module) -> nn.Module:
    """Fold every batch normalisation that directly follows a convolution, in place.

    Covers torchvision's two ways of writing it: neighbours in a `Sequential`, and ``convN``/``bnN``
    attributes of a block. Norms of other kinds are left alone.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode.
    """
    for module in list(network.modules()):
        names = list(module._modules)
        pairs = pairwise(names) if isinstance(module, nn.Sequential) else ()
        named = ((name, name.replace("conv", "bn")) for name in names if name.startswith("conv"))
        for first, second in [*pairs, *named]:
            convolution, norm = module._modules.get(first), module._modules.get(second)
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module._modules[first] = fuse_conv_bn_eval(convolution, norm)
                module._modules[second] = nn.Identity()
    return network
