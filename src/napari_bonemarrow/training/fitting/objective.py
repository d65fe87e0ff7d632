"""Gradients of a step, against labels and teachers, in parts where memory is short."""

from __future__ import annotations

import logging

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_bonemarrow.models.device import gains_from_bfloat16, is_out_of_memory
from napari_bonemarrow.models.preprocess import Normaliser
from napari_bonemarrow.training.config import TrainConfig, TrainingError
from napari_bonemarrow.training.fitting.batches import Batch
from napari_bonemarrow.training.fitting.losses import label_losses, teaching_losses
from napari_bonemarrow.training.fitting.teachers import Teachers, shrink

log = logging.getLogger(__name__)


class Objective:
    """The objective of a fit, with its gradients.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        Column of each crop's class.
    log_weights : ndarray of float32, shape (n, k)
        See `Curriculum.log_weights`.
    normalise : Normaliser
    config : TrainConfig
    device : torch.device
    at_once : int
        Images in one pass at first.
    teachers : Teachers, optional

    Attributes
    ----------
    at_once : int
        Halved for good when memory runs out: the batch keeps its size and gradient, except for batch
        norms, which see fewer images.
    bfloat16 : bool
        Whether the network computes in bfloat16.
    """

    def __init__(
        self,
        labels: NDArray[np.int64],
        log_weights: NDArray[np.float32],
        normalise: Normaliser,
        config: TrainConfig,
        device: torch.device,
        at_once: int,
        teachers: Teachers | None = None,
    ) -> None:
        self.labels, self.log_weights, self.normalise = labels, log_weights, normalise
        self.config, self.device, self.at_once, self.teachers = config, device, at_once, teachers
        self.bfloat16 = config.precision == "bfloat16" or (
            config.precision == "auto" and gains_from_bfloat16(device)
        )

    def size_made(self, size: int) -> int:
        """Return the side of augmented images: the largest input of the networks, px."""
        return max(size, self.teachers.size) if self.teachers else size

    def gradients(self, network: nn.Module, batches: list[Batch], size: int) -> Tensor | None:
        """Add this process's gradients of a step; None if memory ran out: less at once from now on."""
        network.zero_grad(set_to_none=True)
        total = torch.zeros(1, device=self.device)
        whole = self.config.batch_size * self.config.accumulate
        try:
            for batch in batches:
                for start in range(0, len(batch.which), self.at_once):
                    part = slice(start, start + self.at_once)
                    loss = self._losses(network, batch.which[part], batch.images[part], size).sum() / whole
                    loss.backward()  # type: ignore[no-untyped-call]
                    total += loss.detach()
            return total
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if self.at_once == 1:
                raise TrainingError(
                    f"{self.device}: too little memory for one image of {size} px; "
                    "close programs, or take a smaller network or stage"
                ) from error
        self.at_once = -(-self.at_once // 2)
        network.zero_grad(set_to_none=True)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        log.warning("out of memory: %d images at once from now on, the batch stays the same", self.at_once)
        return None

    def _losses(self, network: nn.Module, which: NDArray[np.intp], images: Tensor, size: int) -> Tensor:
        """Return each image's loss, shape (n,)."""
        config = self.config
        log_weights = torch.from_numpy(self.log_weights[which]).to(self.device)
        labels = torch.from_numpy(self.labels[which]).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            logits = network(self.normalise(shrink(images, size)))
        logits = logits.float()
        losses = label_losses(logits, labels, log_weights, config.label_smoothing)
        if self.teachers is None:
            return losses
        known = self.teachers.known
        within = log_weights.masked_fill(~known, -torch.inf)
        taught = torch.isfinite(within).any(dim=1) & known[labels]
        within = torch.where(taught[:, None], within, log_weights)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            said = self.teachers.probabilities(images, within, config.teacher_temperature)
        gaps = teaching_losses(logits, said, within, config.teacher_temperature)
        weight = config.teacher_weight * taught.float()  # without teachers: the label
        return (1 - weight) * losses + weight * gaps
