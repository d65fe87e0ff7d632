"""Classifier: crops to calibrated probabilities, on the available device."""

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
from napari_bonemarrow.models.bundles.catalogue import find_architecture
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

# Largest batches that still gained throughput. On a CPU, larger ones need fresh pages each time unless the
# process keeps its memory (`keep_memory`); 16 is fast either way.
_BATCH = {"cpu": 16, "cuda": 512}
_BATCHES_AT_ONCE = 4
"""Batches resized at a time on the CPU: the network's threads spin for some milliseconds after each batch and
block the resizing threads."""
_SHARE = 8
"""Ratio of the two batch sizes on a GPU, which may plan its convolutions for each size and take two seconds
to build kernels (in float32, neither the starter nor ResNeXt-50 does). A batch is padded to the next size."""
_WAITING = 16  # batches whose results stay on a GPU, so that it need not wait for a reader
_WARM_UP_CROPS = 8


class Classifier:
    """A bundle on a device.

    Parameters
    ----------
    bundle : Bundle, str or Path
        A bundle, its name or its folder.
    device : {"auto", "cpu", "cuda", "cuda:N"}
    views : {1, 2, 4}, optional
        Mirrored copies of a crop whose logits are averaged; by default the card's number, the only one
        for which its figures, temperature and threshold hold.

    Attributes
    ----------
    bundle : Bundle
    device : str
        The actual device.
    batch_size : int
        Crops at once; halved for good when memory runs out.
    embeds : bool
        Whether the network ends in a linear layer and so provides features.
    domain : Domain or None
        Statistics of the bundle's training data, if any.

    Notes
    -----
    The network runs in float32 on every device, on crops reduced to the same whole numbers. In bfloat16 a
    processor with instructions for it is 1.4 times as fast, but three of 584 crops get another class: the
    count of a smear must not depend on the machine.

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
        if self._device.type == "cpu":  # a float32 GPU is 10 to 20 % slower with it, see `as_floats`
            network = network.to(memory_format=torch.channels_last)
        self.network = network
        self.embeds = has_head(network, self.bundle.card.architecture)
        self.domain = read_domain(self.bundle) if self.embeds else None
        self._input = NetworkInput(self.bundle.card, self._device)

    def classify(
        self, crops: NDArray[np.uint8], cell_id: Sequence[int] | NDArray[np.int64] | None = None
    ) -> Predictions:
        """Return the class probabilities of crops.

        Parameters
        ----------
        crops : ndarray of uint8, shape (n, s, s, 3)
            RGB at the card's scale; s is the card's `crop_size`.
        cell_id : sequence of int, optional
            One per crop; by default 1 to n.

        Returns
        -------
        Predictions

        Raises
        ------
        BundleError
            If the crops have another size, memory does not suffice for a single crop, or a result is not a
            number.
        """
        if self.domain is None:
            return self._predictions(self.logits(crops), cell_id)
        return self.classify_and_embed(crops, cell_id)[0]

    def classify_and_embed(
        self, crops: NDArray[np.uint8], cell_id: Sequence[int] | NDArray[np.int64] | None = None
    ) -> tuple[Predictions, NDArray[np.float32]]:
        """Return the class probabilities and features of crops from one pass through the network.

        Parameters
        ----------
        crops, cell_id
            As for `classify`.

        Returns
        -------
        Predictions
        ndarray of float32, shape (n, f)
            As by `embed`.

        Raises
        ------
        BundleError
            As `classify`, or if the network does not end in a linear layer.
        """
        head = self._head()
        logits, features = self._run(crops, self.views, head, self._middle)
        last = features[:, : head.in_features]
        strangeness = None if self.domain is None else self.domain.strangeness(last)
        return self._predictions(logits, cell_id, strangeness), features

    def _predictions(
        self,
        logits: NDArray[np.float32],
        cell_id: Sequence[int] | NDArray[np.int64] | None,
        strangeness: NDArray[np.float32] | None = None,
    ) -> Predictions:
        card = self.bundle.card
        if not np.isfinite(logits).all():
            raise BundleError(f"{self.bundle.path}: the network's answer is not a number; use another bundle")
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
            card.confusion,
        )

    def crops(self, slide: Slide, cells: Cells) -> NDArray[np.uint8]:
        """Return crops of a slide's cells at the scale and size of the bundle's card.

        Parameters
        ----------
        slide : Slide
            With a known scale.
        cells : Cells

        Returns
        -------
        ndarray of uint8, shape (n, s, s, 3)
            Input of `classify`; s is the card's `crop_size`.

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
        """Return the heatmap of a class on a crop.

        Parameters
        ----------
        crop : ndarray of uint8, shape (s, s, 3)
        method : str
            One of `METHODS`.
        target : str, optional
            Class code; by default the most probable class.
        against : str, optional
            Explain the logit of `target` minus that of this class.
        seed : int
            Seed of SmoothGrad's noise.

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
        """Return the feature vector of each crop, without mirrored views.

        Parameters
        ----------
        crops : ndarray of uint8, shape (n, s, s, 3)

        Returns
        -------
        ndarray of float32, shape (n, d)
            The input of the last layer, whose rows are the classes.

        Raises
        ------
        BundleError
            If the crops have another size.
        """
        return self._run(crops, 1, self._head())[1]

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what tells cells from each other: `features`, with those of an earlier layer if known.

        Parameters
        ----------
        crops : ndarray of uint8, shape (n, s, s, 3)

        Returns
        -------
        ndarray of float32, shape (n, f)
            The first columns are those of `features`; the others by `models.features.joined`.
        """
        return self._run(crops, 1, self._head(), self._middle)[1]

    def logits(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits, batch by batch; halve the batch when memory runs out.

        Parameters
        ----------
        crops : ndarray of uint8, shape (n, s, s, 3)

        Returns
        -------
        ndarray of float32, shape (n, k)
            Logits before the temperature.
        """
        return self._run(crops, self.views)[0]

    def _head(self) -> nn.Linear:
        return head_of(self.network, self.bundle.card.architecture)

    @property
    def _middle(self) -> nn.Module | None:
        known = find_architecture(self.bundle.card.architecture)
        return self.network.get_submodule(known.middle) if known is not None and known.middle else None

    def _run(
        self,
        crops: NDArray[np.uint8],
        views: int,
        head: nn.Linear | None = None,
        middle: nn.Module | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the logits, and the features of each crop's first view; no columns without a layer."""
        self._check(crops)
        rows = np.empty((len(crops), len(self.bundle.card.classes)), np.float32)
        seen = np.empty((len(crops), 0 if head is None else head.in_features), np.float32)
        waiting: list[tuple[slice, Tensor, list[Tensor]]] = []
        start = 0
        while start < len(crops):
            block = crops[start : start + self._next(len(crops) - start)]
            part = slice(start, start + len(block))
            try:
                with watched(head, middle) as given:
                    waiting.append((part, self._forward(block, views), given[::views]))
            except RuntimeError as error:
                self._shrink(error, len(block))
                continue
            start += len(block)
            if self._device.type == "cpu" or len(waiting) == _WAITING or start == len(crops):
                for there, logits, features in waiting:
                    rows[there] = logits.cpu().numpy()
                    if head is None:
                        continue
                    found = torch.cat([each.cpu() for each in features])[: len(logits)].numpy()
                    if found.shape[1] != seen.shape[1]:  # known with the first batch
                        seen = np.empty((len(crops), found.shape[1]), np.float32)
                    seen[there] = found
                waiting.clear()
        return rows, seen

    def _sizes(self) -> tuple[int, int]:
        """Return the batch sizes on a GPU."""
        return self.batch_size, max(1, self.batch_size // _SHARE)

    def _filled(self, crops: int) -> int:
        """Return the rows for a number of crops; on a GPU the larger batch if they fill half of it.

        Four smaller batches take as long as a larger one with the starter, half as long with larger networks.
        """
        if self._device.type == "cpu":
            return crops
        large, small = self._sizes()
        return large if crops > large // 2 else small

    def _next(self, left: int) -> int:
        """Return the number of crops in the next batch."""
        if self._device.type == "cpu":
            return self.batch_size * _BATCHES_AT_ONCE
        return min(left, self._filled(left))

    def warm_up(self) -> float:
        """Run each batch size once, which plans the kernels, and return the seconds per crop."""
        side = self.bundle.card.crop_size
        sizes = (_WARM_UP_CROPS,) if self._device.type == "cpu" else self._sizes()[::-1]
        for size in sizes:
            blank = np.full((size, side, side, 3), 230, np.uint8)
            self.logits(blank)
        started = time.perf_counter()
        self.logits(blank)
        return (time.perf_counter() - started) / len(blank)

    def _shrink(self, error: RuntimeError, crops: int) -> None:
        """Halve the batch for good if memory ran out; raise any other error again."""
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
        """Return reduced and normalised crops: (n, s, s, 3) of bytes to (n, 3, m, m) on the device."""
        return self._input.prepared(crops)

    def _check(self, crops: NDArray[np.uint8]) -> None:
        size = self.bundle.card.crop_size
        if crops.dtype != np.uint8 or crops.ndim != 4 or crops.shape[1:] != (size, size, 3):
            raise BundleError(
                f"{self.bundle.card.name}: takes uint8 crops of {size}×{size} RGB, "
                f"got {crops.dtype} of shape {crops.shape[1:]}; cut or pad them first"
            )
