"""Feature vectors, the input of a network's last layer, and their principal axes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

MOST_AXES = 32
"""Number of axes: 50,000 cells in float16 take 3 MB."""

_SEED = 20
_OVERSAMPLING, _ITERATIONS = 10, 4
"""Parameters of the randomised decomposition, from Halko et al. (SIAM Review 2011;53:217-88)."""


@contextmanager
def watched(layer: nn.Module | None) -> Iterator[list[Tensor]]:
    """Collect the input of a layer, one tensor per call; nothing without a layer."""
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
    """Return the principal axes of features, the same at every call.

    Parameters
    ----------
    features : ndarray, shape (n, f)

    Returns
    -------
    mean : ndarray of float32, shape (f,)
    axes : ndarray of float32, shape (d, f)
        Orthonormal rows by falling variance, the largest entry of each positive; d is 32, or n or f if less.
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
