"""The fit: one epoch after another, each repeatable from its checkpoint."""

from __future__ import annotations

import copy
import csv
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_bonemarrow.models.architectures import head_of
from napari_bonemarrow.models.card import Normalisation
from napari_bonemarrow.models.preprocess import Normaliser, mirrored_mean, reduce_crops
from napari_bonemarrow.training.augment import augment
from napari_bonemarrow.training.config import TrainConfig, TrainingError
from napari_bonemarrow.training.data import Crops, Split
from napari_bonemarrow.training.files import write_atomically
from napari_bonemarrow.training.sampling import Curriculum, draw_epoch

log = logging.getLogger(__name__)

Progress = Callable[[int, int, dict[str, float]], None]


@dataclass
class State:
    """What a checkpoint holds. All chance is derived from the seed and the epoch, so none is stored."""

    network: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer
    epoch: int = 0
    steps: int = 0
    best_score: float = -1.0
    best_epoch: int = -1
    best: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)

    def save(self, path: Path, signature: str) -> None:
        """Write the checkpoint in one step."""
        document = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "numbers": [self.epoch, self.steps, self.best_score, self.best_epoch],
            "best": self.best,
            "history": self.history,
            "signature": signature,
        }
        write_atomically(path, lambda draft: torch.save(document, draft))

    def restore(self, path: Path, signature: str) -> None:
        """Go back to a checkpoint.

        Raises
        ------
        TrainingError
            If the checkpoint is damaged or belongs to other options.
        """
        try:
            document = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise TrainingError(f"{path}: the checkpoint cannot be read; train without --resume") from error
        if document["signature"] != signature:
            raise TrainingError(f"{path}: was made with other options or images; train without --resume")
        self.network.load_state_dict(document["network"])
        self.average.load_state_dict(document["average"])
        self.optimizer.load_state_dict(document["optimizer"])
        self.epoch, self.steps, self.best_score, self.best_epoch = document["numbers"]
        self.best, self.history = document["best"], document["history"]


def new_state(network: nn.Module, config: TrainConfig, device: torch.device) -> State:
    """Put a network on its device with its optimiser and its running average."""
    network = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    head = {id(p) for p in head_of(network, config.architecture).parameters()}
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for p in network.parameters():
        groups.setdefault((p.ndim > 1, id(p) in head), []).append(p)
    optimizer = torch.optim.AdamW(
        [
            {
                "params": parameters,
                "weight_decay": config.weight_decay if decayed else 0.0,  # not biases and norms
                "rate": 1.0 if of_head else config.backbone_rate,
            }
            for (decayed, of_head), parameters in groups.items()
        ],
        lr=config.learning_rate,
    )
    average = copy.deepcopy(network).eval().requires_grad_(False)
    return State(network, average, optimizer)


class Fitter:
    """Fits one network to one split."""

    def __init__(
        self,
        crops: Crops,
        split: Split,
        curriculum: Curriculum,
        normalisation: Normalisation,
        config: TrainConfig,
        device: torch.device,
    ) -> None:
        self.crops, self.curriculum, self.config, self.device = crops, curriculum, config, device
        self.train = curriculum.teaches(crops, split.train)
        self.calibration = curriculum.teaches(crops, split.calibration)
        if len(self.train) < config.batch_size:
            raise TrainingError(f"only {len(self.train)} training images; add images or lower batch_size")
        self.labels = curriculum.labels(crops)
        self.log_weights = curriculum.log_weights(crops, config.foreign_weight)
        self.open_mask = curriculum.open_mask()
        self.normalise = Normaliser(normalisation, device)

    def run(
        self, state: State, checkpoint: Path, history: Path, signature: str, progress: Progress | None
    ) -> None:
        """Fit until the last epoch or until the calibration split stops gaining."""
        total = self.config.epochs
        last_stage = total - self.config.stages[-1].epochs
        while state.epoch < total and not self._stalled(state):
            row = self._epoch(state)
            row.update(self._score(state))
            state.history.append(row)
            if state.epoch >= last_stage and row["score"] > state.best_score:
                state.best_score, state.best_epoch = row["score"], state.epoch
                state.best = {k: v.detach().cpu().clone() for k, v in state.average.state_dict().items()}
            state.epoch += 1
            state.save(checkpoint, signature)
            write_history(history, state.history)
            log.info("epoch %d/%d %s", state.epoch, total, {k: round(v, 4) for k, v in row.items()})
            if progress is not None:
                progress(state.epoch, total, row)

    def _stalled(self, state: State) -> bool:
        """Tell whether the last stage has gained nothing for as long as patience lasts."""
        waited = state.epoch - 1 - state.best_epoch
        if not self.config.patience or state.best_epoch < 0 or waited < self.config.patience:
            return False
        log.info("no gain for %d epochs: stopped", waited)
        return True

    def _epoch(self, state: State) -> dict[str, float]:
        config, epoch = self.config, state.epoch
        rng = np.random.default_rng([config.seed, epoch])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        torch.manual_seed(int(rng.integers(2**62)))  # dropout draws from the global generator
        order = draw_epoch(self.crops, self.train, config, rng)
        order = order[: len(order) // config.batch_size * config.batch_size]
        size = config.size_at(epoch)
        state.network.train()
        losses, rate, began = [], 0.0, time.perf_counter()
        for start in range(0, len(order), config.batch_size):
            which = np.sort(order[start : start + config.batch_size])
            progress = (epoch + start / len(order)) / config.epochs
            rate = config.learning_rate * schedule(progress, config.warmup_share)
            losses.append(self._step(state, which, size, rate, generator))
        seconds = time.perf_counter() - began
        loss = float(torch.stack(losses).mean())
        if not math.isfinite(loss):
            raise TrainingError("the loss is no longer a number; lower learning_rate and train again")
        return {
            "epoch": epoch,
            "size": size,
            "learning_rate": rate,
            "loss": loss,
            "seconds": seconds,
            "images_per_second": len(order) / seconds,
        }

    def _step(
        self,
        state: State,
        which: NDArray[np.intp],
        size: int,
        rate: float,
        generator: torch.Generator,
    ) -> Tensor:
        pixels = torch.from_numpy(np.asarray(self.crops.pixels[which]))
        images = augment(pixels, size, self.config.augment, generator, self.device)
        images = self.normalise(images).contiguous(memory_format=torch.channels_last)
        log_weights = torch.from_numpy(self.log_weights[which]).to(self.device)
        labels = torch.from_numpy(self.labels[which]).to(self.device)
        for group in state.optimizer.param_groups:
            group["lr"] = rate * group["rate"]
        state.optimizer.zero_grad(set_to_none=True)
        on_gpu = self.device.type == "cuda"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=on_gpu):
            logits = state.network(images)
        loss = weighted_cross_entropy(logits.float(), labels, log_weights, self.config.label_smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(state.network.parameters(), self.config.clip_norm)
        state.optimizer.step()
        state.steps += 1
        # A young average follows faster, else it would be made of the random start.
        _average(state, min(self.config.ema_decay, (1 + state.steps) / (10 + state.steps)))
        return loss.detach()

    def _score(self, state: State) -> dict[str, float]:
        """Score the running average on the calibration split, each source apart."""
        logits = self.logits(state.average, self.calibration, self.config.size_at(state.epoch))
        predicted = np.where(self.open_mask, logits, -np.inf).argmax(axis=1)
        right = predicted == self.labels[self.calibration]
        scores: dict[str, float] = {}
        for source in self.crops.sources:
            here = self.crops.source[self.calibration] == source.name
            labels = self.labels[self.calibration][here]
            recalls = [right[here][labels == label].mean() for label in np.unique(labels)]
            if recalls:
                scores[f"balanced_accuracy_{source.name}"] = float(np.mean(recalls))
        marrow = [
            scores[key]
            for source in self.crops.sources
            if source.scheme.marrow and (key := f"balanced_accuracy_{source.name}") in scores
        ]
        return {**scores, "score": float(np.mean(marrow or list(scores.values())))}

    def logits(
        self, network: nn.Module, which: NDArray[np.intp], size: int, views: int = 1
    ) -> NDArray[np.float32]:
        """Run a network on stored crops without augmentation, averaged over mirrored views, shape (n, k)."""
        network.eval()
        rows = []
        with torch.inference_mode():
            for start in range(0, len(which), 64):
                pixels = torch.from_numpy(np.asarray(self.crops.pixels[which[start : start + 64]]))
                images = self.normalise(reduce_crops(pixels.to(self.device), size))
                rows.append(mirrored_mean(network, images, views).cpu())
        return torch.cat(rows).numpy()


def weighted_cross_entropy(logits: Tensor, labels: Tensor, log_weights: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy with a weight a column in the softmax; labels are smoothed over columns of weight 1.

    Parameters
    ----------
    logits : Tensor of float32, shape (n, k)
    labels : Tensor of int64, shape (n,)
    log_weights : Tensor of float32, shape (n, k)
        Minus infinity takes a column out: it gets no gradient.
    smoothing : float
    """
    log_p = torch.log_softmax(logits + log_weights, dim=1)
    own = log_weights == 0
    hit = -log_p.gather(1, labels[:, None])[:, 0]
    spread = -log_p.masked_fill(~own, 0.0).sum(dim=1) / own.sum(dim=1)
    return ((1 - smoothing) * hit + smoothing * spread).mean()


def schedule(progress: float, warmup: float) -> float:
    """Warm up linearly, then fall along a cosine to 1 % (Loshchilov and Hutter, arXiv:1608.03983)."""
    if progress < warmup:
        return 0.01 + 0.99 * progress / warmup
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


@torch.no_grad()
def _average(state: State, decay: float) -> None:
    targets = list(state.average.state_dict().values())
    sources = list(state.network.state_dict().values())
    floats = [(t, s) for t, s in zip(targets, sources, strict=True) if t.is_floating_point()]
    torch._foreach_lerp_([t for t, _ in floats], [s for _, s in floats], 1 - decay)
    for target, source in zip(targets, sources, strict=True):
        if not target.is_floating_point():
            target.copy_(source)


def write_history(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the table of epochs."""

    def write(draft: Path) -> None:
        with draft.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[-1]))
            writer.writeheader()
            writer.writerows(rows)

    write_atomically(path, write)
