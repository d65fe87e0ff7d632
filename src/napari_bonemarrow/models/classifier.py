"""Crops in, calibrated probabilities out, on the device that there is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_bonemarrow.cytology import Cells, Predictions
from napari_bonemarrow.models.bundles.bundle import STARTER, Bundle, BundleError
from napari_bonemarrow.models.device import exact_float32, is_out_of_memory, resolve_device
from napari_bonemarrow.models.domain import read_domain
from napari_bonemarrow.models.explanation import attribution
from napari_bonemarrow.models.explanation.heatmap import Heatmap
from napari_bonemarrow.models.explanation.methods import DEFAULT_METHOD
from napari_bonemarrow.models.features import watched
from napari_bonemarrow.models.network_input import NetworkInput
from napari_bonemarrow.models.networks.architectures import has_head, head_of
from napari_bonemarrow.models.networks.fused_normalisation import fuse
from napari_bonemarrow.models.preprocess import mirrored_mean
from napari_bonemarrow.models.weights.bundle_weights import load_network

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Slide

# Largest batches that still gained throughput. On a CPU, what larger ones need comes in fresh pages each
# time unless the process keeps its memory (`keep_memory`); with 16, either way is fast.
_BATCH = {"cpu": 16, "cuda": 512}
_BATCHES_AT_ONCE = 4
"""On the CPU the network's threads go on spinning for some milliseconds after each batch and keep those that
resize from their cores, so that crops are resized for several batches at a time."""
_SHARE = 8
"""A GPU may plan its convolutions anew for each size of batch, and take two seconds where it builds kernels
for one (in float32, neither the starter nor ResNeXt-50 has it do so). So there are two sizes on it, the
second so much smaller, and a batch is filled up to the next."""
_WAITING = 16  # batches whose answers stay on a GPU, so that it need not wait for whoever reads them
_WARM_UP_CROPS = 8


class Classifier:
    """A bundle, loaded onto a device.

    Parameters
    ----------
    bundle : Bundle, str or Path
        A bundle, its name or its folder.
    device : {"auto", "cpu", "cuda", "cuda:N"}
    views : {1, 2, 4}, optional
        Mirrored copies of a crop whose logits are averaged; what the card says if not given. The card's
        figures, its temperature and its threshold hold for the card's number alone.

    Attributes
    ----------
    bundle : Bundle
    device : str
        What really serves.
    batch_size : int
        Crops at once; halved for good when memory does not suffice.
    embeds : bool
        Whether the network ends in a linear layer, so that its crops have features.
    domain : Domain or None
        Statistics of what the bundle was taught with, if it has any.

    Notes
    -----
    The network runs in float32 on every device, on crops reduced to the same whole numbers. In bfloat16 a
    processor that has instructions for it is 1.4 times as fast, but three of 584 crops then get another
    class: the count of a smear must not depend on the machine that made it.

    Raises
    ------
    BundleError
        If the bundle is broken or the device absent.
    """

    def __init__(
        self, bundle: Bundle | str | Path = STARTER, device: str = "auto", views: int | None = None
    ) -> None:
        self.bundle = Bundle.open(bundle)
        self.views = self.bundle.card.test_time_views if views is None else views
        self._device = resolve_device(device)
        self.device = str(self._device)
        self.batch_size = _BATCH[self._device.type]
        network = fuse(load_network(self.bundle), self.bundle.card.network_size).to(self._device)
        if self._device.type == "cpu":  # in float32 a GPU loses a tenth to a fifth by it, see `as_floats`
            network = network.to(memory_format=torch.channels_last)
        self.network = network
        self.embeds = has_head(network, self.bundle.card.architecture)
        self.domain = read_domain(self.bundle) if self.embeds else None
        self._input = NetworkInput(self.bundle.card, self._device)

    def classify(
        self, crops: NDArray[np.uint8], cell_id: Sequence[int] | NDArray[np.int64] | None = None
    ) -> Predictions:
        """Give each crop its probabilities.

        Parameters
        ----------
        crops : ndarray of uint8, shape (n, s, s, 3)
            RGB at the card's scale; s is the card's `crop_size`.
        cell_id : sequence of int, optional
            One a crop; 1 to n if not given.

        Returns
        -------
        Predictions

        Raises
        ------
        BundleError
            If the crops have another size, memory does not suffice for a single crop, or the network
            answers with what is no number.
        """
        if self.domain is None:
            return self._predictions(self.logits(crops), cell_id)
        return self.classify_and_embed(crops, cell_id)[0]

    def classify_and_embed(
        self, crops: NDArray[np.uint8], cell_id: Sequence[int] | NDArray[np.int64] | None = None
    ) -> tuple[Predictions, NDArray[np.float32]]:
        """Give each crop its probabilities and its features by one pass through the network.

        Parameters
        ----------
        crops, cell_id
            As for `classify`.

        Returns
        -------
        Predictions
        ndarray of float32, shape (n, f)
            As by `features`.

        Raises
        ------
        BundleError
            As `classify`, or if the network ends in no linear layer.
        """
        logits, features = self._run(crops, self.views, self._head())
        strangeness = None if self.domain is None else self.domain.strangeness(features)
        return self._predictions(logits, cell_id, strangeness), features

    def _predictions(
        self,
        logits: NDArray[np.float32],
        cell_id: Sequence[int] | NDArray[np.int64] | None,
        strangeness: NDArray[np.float32] | None = None,
    ) -> Predictions:
        card = self.bundle.card
        if not np.isfinite(logits).all():
            raise BundleError(f"{self.bundle.path}: the network's answer is no number; use another bundle")
        ids = np.arange(1, len(logits) + 1) if cell_id is None else np.asarray(cell_id)
        scaled = torch.from_numpy(logits / np.float32(card.temperature))
        return Predictions(
            ids.astype(np.int64),
            torch.softmax(scaled, dim=1).numpy(),
            card.classes,
            card.support,
            self.bundle.reference,
            card.abstain_below,
            strangeness,
        )

    def crops(self, slide: Slide, cells: Cells) -> NDArray[np.uint8]:
        """Cut cells out of a slide at the scale and size that the bundle's card asks for.

        Parameters
        ----------
        slide : Slide
            With a known scale.
        cells : Cells

        Returns
        -------
        ndarray of uint8, shape (n, s, s, 3)
            What `classify` takes; s is the card's `crop_size`.

        Raises
        ------
        ScaleError, TileError
            As `cut_crops`.
        """
        from napari_bonemarrow.slides import cut_crops

        card = self.bundle.card
        return cut_crops(
            slide, cells.x, cells.y, microns_per_pixel=card.microns_per_pixel, size=card.crop_size
        )

    def explain(
        self,
        crop: NDArray[np.uint8],
        method: str = DEFAULT_METHOD,
        target: str | None = None,
        against: str | None = None,
        seed: int = 0,
    ) -> Heatmap:
        """Show what in a crop speaks for a class.

        Parameters
        ----------
        crop : ndarray of uint8, shape (s, s, 3)
        method : str
            One of `METHODS`.
        target : str, optional
            Class code; the most probable class if not given.
        against : str, optional
            Explain the logit of `target` less that of this class.
        seed : int
            Of SmoothGrad's noise.

        Raises
        ------
        BundleError
            If a class or the method is unknown, or the crop has another size.
        """
        self._check(crop[None])
        if target is None:
            target = self.bundle.card.classes[int(self.logits(crop[None])[0].argmax())]
        with torch.inference_mode(False):
            images = self.prepare(crop[None])
        with exact_float32(self._device):
            return attribution.explain(self.network, images, self.bundle.card, method, target, against, seed)

    def features(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what the last layer sees of each crop, unmirrored.

        Parameters
        ----------
        crops : ndarray of uint8, shape (n, s, s, 3)

        Returns
        -------
        ndarray of float32, shape (n, d)
            The input of the layer whose rows are the classes.

        Raises
        ------
        BundleError
            If the crops have another size.
        """
        return self._run(crops, 1, self._head())[1]

    def logits(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network batch by batch; halve the batch when memory runs out.

        Parameters
        ----------
        crops : ndarray of uint8, shape (n, s, s, 3)

        Returns
        -------
        ndarray of float32, shape (n, k)
            Before the temperature.
        """
        return self._run(crops, self.views)[0]

    def _head(self) -> nn.Linear:
        return head_of(self.network, self.bundle.card.architecture)

    def _run(
        self, crops: NDArray[np.uint8], views: int, head: nn.Linear | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the logits, and what a layer is given of each crop's first view; no columns without one."""
        self._check(crops)
        rows = np.empty((len(crops), len(self.bundle.card.classes)), np.float32)
        seen = np.empty((len(crops), 0 if head is None else head.in_features), np.float32)
        waiting: list[tuple[slice, Tensor, list[Tensor]]] = []
        start = 0
        while start < len(crops):
            block = crops[start : start + self._next(len(crops) - start)]
            part = slice(start, start + len(block))
            try:
                with watched(head) as given:
                    waiting.append((part, self._forward(block, views), given[::views]))
            except RuntimeError as error:
                self._shrink(error, len(block))
                continue
            start += len(block)
            if self._device.type == "cpu" or len(waiting) == _WAITING or start == len(crops):
                for there, logits, features in waiting:
                    rows[there] = logits.cpu().numpy()
                    if head is not None:
                        seen[there] = torch.cat([each.cpu() for each in features])[: len(logits)].numpy()
                waiting.clear()
        return rows, seen

    def _sizes(self) -> tuple[int, int]:
        """Return the sizes that batches have on a GPU."""
        return self.batch_size, max(1, self.batch_size // _SHARE)

    def _filled(self, crops: int) -> int:
        """Return how many rows so many crops take; on a GPU the larger batch where they fill half of it.

        Four of the smaller take the starter as long as one of the larger, larger networks half as long.
        """
        if self._device.type == "cpu":
            return crops
        large, small = self._sizes()
        return large if crops > large // 2 else small

    def _next(self, left: int) -> int:
        """Return how many crops come next of those that are left."""
        if self._device.type == "cpu":
            return self.batch_size * _BATCHES_AT_ONCE
        return min(left, self._filled(left))

    def warm_up(self) -> float:
        """Run each size of batch once, which plans the kernels, and return the seconds that a crop takes."""
        side = self.bundle.card.crop_size
        sizes = (_WARM_UP_CROPS,) if self._device.type == "cpu" else self._sizes()[::-1]
        for size in sizes:
            blank = np.full((size, side, side, 3), 230, np.uint8)
            self.logits(blank)
        started = time.perf_counter()
        self.logits(blank)
        return (time.perf_counter() - started) / len(blank)

    def _shrink(self, error: RuntimeError, crops: int) -> None:
        """Halve the batch for good where memory ran out; any other error is raised again."""
        if not is_out_of_memory(error):
            raise error
        failed = min(self._filled(crops), self.batch_size)
        if failed == 1:
            raise BundleError(
                f"{self.device}: too little memory for one crop; close programs or use another device"
            ) from error
        self.batch_size = failed // 2
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _forward(self, block: NDArray[np.uint8], views: int) -> Tensor:
        rows = self._filled(len(block))
        with torch.inference_mode(), exact_float32(self._device):
            reduced, answers = self._input.reduced(block, rows), []
            for start in range(0, rows, self.batch_size):
                images = self._input.normalised(reduced[start : start + self.batch_size])
                answers.append(mirrored_mean(self.network, images, views))
            return torch.cat(answers)[: len(block)]

    def prepare(self, crops: NDArray[np.uint8]) -> Tensor:
        """Reduce and normalise crops: (n, s, s, 3) of bytes to (n, 3, m, m) on the device."""
        return self._input.prepared(crops)

    def _check(self, crops: NDArray[np.uint8]) -> None:
        size = self.bundle.card.crop_size
        if crops.dtype != np.uint8 or crops.ndim != 4 or crops.shape[1:] != (size, size, 3):
            raise BundleError(
                f"{self.bundle.card.name}: takes uint8 crops of {size}×{size} RGB, "
                f"got {crops.dtype} of shape {crops.shape[1:]}; cut or pad them first"
            )
