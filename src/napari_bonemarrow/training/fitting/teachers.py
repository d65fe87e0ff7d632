"""Teachers: bundles that a fit learns from in addition to the labels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.models.bundles.bundle import Bundle
from napari_bonemarrow.models.networks.fused_normalisation import fuse
from napari_bonemarrow.models.preprocess import Normaliser
from napari_bonemarrow.models.weights.bundle_weights import load_network
from napari_bonemarrow.training.config import TrainConfig, TrainingError


class Teachers:
    """Bundles with averaged probabilities, each at its own size and normalisation.

    Parameters
    ----------
    config : TrainConfig
        Its `teachers` by name or folder; the student's crops must have their scale.
    classes : tuple of str
        The student's columns.
    device : torch.device

    Attributes
    ----------
    size : int
        Side of the largest teacher's input, px.
    known : Tensor of bool, shape (k,)
        The student's columns taught to every teacher. For other classes a teacher's low probability carries
        no information.

    Raises
    ------
    TrainingError, BundleError
        If a bundle is broken, works at another scale, or they know fewer than two classes in common.
    """

    def __init__(self, config: TrainConfig, classes: tuple[str, ...], device: torch.device) -> None:
        bundles = [Bundle.open(name) for name in config.teachers]
        extent = config.crop_size * config.microns_per_pixel
        for bundle in bundles:
            theirs = bundle.card.crop_size * bundle.card.microns_per_pixel
            if abs(theirs / extent - 1) > 0.1:
                raise TrainingError(
                    f"{bundle.path}: looks at crops of {theirs:.1f} µm, this run at {extent:.1f} µm; "
                    "take a teacher of the same scale"
                )
        self.cards = [bundle.card for bundle in bundles]
        self.size = max(card.network_size for card in self.cards)
        self.known = torch.tensor(
            [
                all(card.support.get(c, Support.NONE) is not Support.NONE for card in self.cards)
                for c in classes
            ],
            device=device,
        )
        if int(self.known.sum()) < 2:
            raise TrainingError(
                f"{', '.join(config.teachers)}: the teachers share fewer than two classes; name others"
            )
        self.networks = [
            fuse(load_network(b), b.card.network_size).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            for b in bundles
        ]
        self._normalise = [Normaliser(card.normalisation, device) for card in self.cards]
        self._columns = [
            torch.tensor([card.classes.index(c) if c in card.classes else 0 for c in classes], device=device)
            for card in self.cards
        ]

    @torch.no_grad()
    def probabilities(self, images: Tensor, log_weights: Tensor, temperature: float) -> Tensor:
        """Return the teachers' mean probabilities of augmented images.

        Parameters
        ----------
        images : Tensor of float32, shape (n, 3, s, s)
            0 to 255, not normalised.
        log_weights : Tensor of float32, shape (n, k)
            For the student's columns, minus infinity for excluded ones.
        temperature : float
            The logits are divided by it.

        Returns
        -------
        Tensor of float32, shape (n, k)
        """
        total = torch.zeros_like(log_weights)
        for card, network, normalise, columns in zip(
            self.cards, self.networks, self._normalise, self._columns, strict=True
        ):
            logits = network(normalise(shrink(images, card.network_size))).float()[:, columns]
            total += torch.softmax(logits / temperature + log_weights, dim=1)
        return total / len(self.networks)


def shrink(images: Tensor, size: int) -> Tensor:
    """Return augmented images at a network's side: (n, 3, s, s) to (n, 3, size, size)."""
    if images.shape[-1] != size:
        images = F.interpolate(images, size=(size, size), mode="bilinear", antialias=True)
    return images.contiguous(memory_format=torch.channels_last)
