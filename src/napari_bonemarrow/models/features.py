"""What the last layer of a network is given of each crop, and the few axes that tell most of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

MOST_AXES = 32
"""50,000 cells on so many axes of float16 take 3 MB."""

_SEED = 20
_OVERSAMPLING, _ITERATIONS = 10, 4
"""Of the randomised decomposition, as Halko et al. advise (SIAM Review 2011;53:217-88)."""


@contextmanager
def watched(layer: nn.Module | None) -> Iterator[list[Tensor]]:
    """Collect what a layer is given, one tensor a call; nothing of no layer."""
    given: list[Tensor] = []
    if layer is None:
        yield given
        return
    hook = layer.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    try:
        yield given
    finally:
        hook.remove()


def fit_axes(features: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Find the axes along which features vary most: principal components, the same at every call.

    Parameters
    ----------
    features : ndarray, shape (n, f)

    Returns
    -------
    mean : ndarray of float32, shape (f,)
    axes : ndarray of float32, shape (d, f)
        Orthonormal rows by falling variance, the largest entry of each positive; d is 32, or n or f where
        one of these is less.
    """
    whole = torch.from_numpy(np.asarray(features, np.float32))
    mean = whole.mean(dim=0)
    kept = min(MOST_AXES, *whole.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        _, _, columns = torch.pca_lowrank(
            whole - mean, min(kept + _OVERSAMPLING, *whole.shape), center=False, niter=_ITERATIONS
        )
    axes = columns[:, :kept].T.contiguous()
    largest = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True))
    return mean.numpy(), (axes * torch.where(largest < 0, -1.0, 1.0)).numpy()
