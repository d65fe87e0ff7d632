"""Losses of a fit: against labels and teachers."""

from __future__ import annotations

import torch
from torch import Tensor


def weighted_cross_entropy(logits: Tensor, labels: Tensor, log_weights: Tensor, smoothing: float) -> Tensor:
    """Return the mean of `label_losses`, a scalar."""
    return label_losses(logits, labels, log_weights, smoothing).mean()


def label_losses(logits: Tensor, labels: Tensor, log_weights: Tensor, smoothing: float) -> Tensor:
    """Return the cross-entropy with column weights in the softmax; smoothing is over columns of weight 1.

    Parameters
    ----------
    logits : Tensor of float32, shape (n, k)
    labels : Tensor of int64, shape (n,)
    log_weights : Tensor of float32, shape (n, k)
        Minus infinity excludes a column: it gets no gradient.
    smoothing : float

    Returns
    -------
    Tensor of float32, shape (n,)
    """
    log_p = torch.log_softmax(logits + log_weights, dim=1)
    own = log_weights == 0
    hit = -log_p.gather(1, labels[:, None])[:, 0]
    spread = -log_p.masked_fill(~own, 0.0).sum(dim=1) / own.sum(dim=1)
    return (1 - smoothing) * hit + smoothing * spread


def teaching_losses(logits: Tensor, taught: Tensor, log_weights: Tensor, temperature: float) -> Tensor:
    """Return the divergence of student and teachers, times the temperature squared (arXiv:1503.02531).

    Parameters
    ----------
    logits : Tensor of float32, shape (n, k)
        The student's.
    taught : Tensor of float32, shape (n, k)
        The teachers' probabilities at that temperature, 0 in excluded columns.
    log_weights : Tensor of float32, shape (n, k)
        As in `label_losses`; minus infinity excludes a column.
    temperature : float

    Returns
    -------
    Tensor of float32, shape (n,)
    """
    log_p = torch.log_softmax(logits / temperature + log_weights, dim=1)
    gap = torch.xlogy(taught, taught) - taught * log_p.masked_fill(taught == 0, 0.0)
    return gap.sum(dim=1) * temperature**2
