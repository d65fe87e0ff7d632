"""The fit: one epoch after another, each repeatable from its checkpoint."""

from __future__ import annotations

import csv
import logging
import math
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.models.bundles.card import Normalisation
from napari_bonemarrow.models.memory import keep_memory
from napari_bonemarrow.models.preprocess import Normaliser, mirrored_mean, reduce_crops
from napari_bonemarrow.training.config import TrainConfig, TrainingError
from napari_bonemarrow.training.data.labelled_crops import Crops, Split
from napari_bonemarrow.training.files import write_atomically
from napari_bonemarrow.training.fitting.batches import Batch, Maker, share_of, spare_cores
from napari_bonemarrow.training.fitting.checkpoint import State, follow, new_state
from napari_bonemarrow.training.fitting.distributed import Group
from napari_bonemarrow.training.fitting.epoch_sample import Curriculum, draw_epoch
from napari_bonemarrow.training.fitting.interruption import stop_if_asked
from napari_bonemarrow.training.fitting.losses import weighted_cross_entropy
from napari_bonemarrow.training.fitting.objective import Objective
from napari_bonemarrow.training.fitting.pace import Pace
from napari_bonemarrow.training.fitting.teachers import Teachers

__all__ = ["Fitter", "Pace", "Progress", "State", "Tick", "new_state", "schedule", "weighted_cross_entropy"]

log = logging.getLogger(__name__)

Progress = Callable[[int, int, dict[str, float]], None]
Tick = Callable[[Pace], None]

_CHECK_EVERY = 16  # steps between checks of the loss, which make a GPU wait


class Fitter:
    """A fit of one network to one split.

    Parameters
    ----------
    crops : Crops
    split : Split
    curriculum : Curriculum
    normalisation : Normalisation
    config : TrainConfig
    device : torch.device
    group : Group, optional
        The processes of the fit; only this one if not given.
    tick : callable, optional
        Called during an epoch with its pace.

    Raises
    ------
    TrainingError, BundleError
        If there are too few images for a batch, or a teacher does not fit.
    """

    def __init__(
        self,
        crops: Crops,
        split: Split,
        curriculum: Curriculum,
        normalisation: Normalisation,
        config: TrainConfig,
        device: torch.device,
        group: Group | None = None,
        tick: Tick | None = None,
    ) -> None:
        self.crops, self.curriculum, self.config, self.device = crops, curriculum, config, device
        self.group, self.tick = group or Group(device), tick
        self.train = curriculum.teaches(crops, split.train)
        self.calibration = curriculum.teaches(crops, split.calibration)
        if len(self.train) < config.batch_size:
            raise TrainingError(
                f"only {count_of(len(self.train), 'training image')}; add images or lower batch_size"
            )
        if not len(self.calibration):
            raise TrainingError("no image is left to calibrate on; add images or raise calibration_share")
        self.labels = curriculum.labels(crops)
        self.open_mask = curriculum.open_mask()
        self.normalise = Normaliser(normalisation, device)
        share = share_of(config.batch_size, self.group.rank, self.group.processes)
        self.objective = Objective(
            self.labels,
            curriculum.log_weights(crops, config.foreign_weight),
            self.normalise,
            config,
            device,
            share.stop - share.start,
            Teachers(config, curriculum.classes, device) if config.teachers else None,
        )

    def run(
        self, state: State, checkpoint: Path, history: Path, signature: str, progress: Progress | None
    ) -> None:
        """Fit until the last epoch or until the calibration split stops improving.

        After each epoch checkpoint and history are replaced atomically.

        Raises
        ------
        TrainingError
            If the loss is not a number, memory does not suffice for one image, or a file cannot be written.
            The checkpoint of the last complete epoch stays.
        """
        if self.device.type == "cpu":
            keep_memory()
        total = self.config.epochs
        last_stage = total - self.config.stages[-1].epochs
        while state.epoch < total and not self._stalled(state):
            row = self._epoch(state, checkpoint)
            row.update(self._score(state))
            state.history.append(row)
            if state.epoch >= last_stage and row["score"] > state.best_score:
                state.best_score, state.best_epoch = row["score"], state.epoch
                state.best = {k: v.detach().cpu().clone() for k, v in state.average.state_dict().items()}
            state.epoch += 1
            if self.group.first:
                state.save(checkpoint, signature, self.config.model_dump_json())
                write_history(history, state.history)
            log.info("epoch %d/%d %s", state.epoch, total, {k: round(v, 4) for k, v in row.items()})
            if progress is not None and self.group.first:
                progress(state.epoch, total, row)

    def _stalled(self, state: State) -> bool:
        """Return whether the last stage has not improved within the patience."""
        waited = state.epoch - 1 - state.best_epoch
        if not self.config.patience or state.best_epoch < 0 or waited < self.config.patience:
            return False
        log.info("no gain for %d epochs: stopped", waited)
        return True

    def _epoch(self, state: State, checkpoint: Path) -> dict[str, float]:
        config, epoch = self.config, state.epoch
        rng = np.random.default_rng([config.seed, epoch])
        torch.manual_seed(int(rng.integers(2**62)) + self.group.rank)  # dropout uses it
        order = draw_epoch(self.crops, self.train, config, rng)
        a_step = config.batch_size * config.accumulate
        order = order[: len(order) // a_step * a_step]
        if not len(order):
            raise TrainingError(
                f"an epoch draws fewer than the {a_step} images of a step; "
                "lower batch_size or accumulate, or raise default_draws"
            )
        size = config.size_at(epoch)
        state.network.train()
        losses: list[Tensor] = []
        rate, began = 0.0, time.perf_counter()
        with closing(self.maker().epoch(order, epoch, self.objective.size_made(size))) as made:
            for start in range(0, len(order), a_step):
                stop_if_asked()
                progress = (epoch + start / len(order)) / config.epochs
                rate = config.learning_rate * schedule(progress, config.warmup_share)
                batches = [next(made) for _ in range(config.accumulate)]
                losses.append(self.step(state, batches, size, rate))
                done = start + a_step
                if len(losses) % _CHECK_EVERY == 0 or done == len(order):
                    self._check(losses, order, epoch, checkpoint)
                    if self.tick is not None and self.group.first:
                        self.tick(self._pace(epoch, done / len(order), len(order), began))
        seconds = time.perf_counter() - began
        return {
            "epoch": epoch,
            "size": size,
            "learning_rate": rate,
            "loss": float(torch.stack(losses).mean()),
            "seconds": seconds,
            "images_per_second": len(order) / seconds,
            "images_at_once": self.objective.at_once,
        }

    def _pace(self, epoch: int, part: float, images: int, began: float) -> Pace:
        seconds = time.perf_counter() - began
        here = self.config.size_at(epoch) ** 2
        later = sum(self.config.size_at(e) ** 2 for e in range(epoch + 1, self.config.epochs)) / here
        left = seconds / part * (1 - part + later)
        return Pace(epoch, self.config.epochs, part, part * images / seconds, left)

    def maker(self) -> Maker:
        """Return the maker of this process's batches."""
        group, config = self.group, self.config
        return Maker(
            self.crops.pixels,
            config.augment,
            config.seed,
            config.batch_size,
            self.device,
            group.rank,
            group.processes,
            spare_cores(self.device.type == "cuda", group.local_processes),
        )

    def _check(self, losses: list[Tensor], order: NDArray[np.intp], epoch: int, checkpoint: Path) -> None:
        """Raise an error for a loss that is not a number, with its images."""
        wrong = torch.nonzero(~torch.isfinite(torch.stack(losses[-_CHECK_EVERY:])))
        if not len(wrong):
            return
        step = max(0, len(losses) - _CHECK_EVERY) + int(wrong[0])
        a_step = self.config.batch_size * self.config.accumulate
        files = [self.crops.files[i] for i in order[step * a_step : step * a_step + 3]]
        kept = "no epoch was finished"
        if checkpoint.is_file():
            kept = f"{checkpoint} keeps the epochs before, and --resume continues from there"
        raise TrainingError(
            f"the loss is not a number in epoch {epoch + 1}, batch {step + 1} ({', '.join(files)}, ...); "
            f"{kept}; if it happens again, look at these images, or train again with a lower learning_rate"
        )

    def step(self, state: State, batches: list[Batch], size: int, rate: float) -> Tensor:
        """Update the weights by one step at a learning rate; return the mean loss, a scalar."""
        for group in state.optimizer.param_groups:
            group["lr"] = rate * group["rate"]
        loss = self.objective.gradients(state.network, batches, size)
        while loss is None:  # memory ran out: the same step again in smaller parts
            loss = self.objective.gradients(state.network, batches, size)
        gradients = [p.grad for p in state.network.parameters() if p.grad is not None]
        self.group.add_up([*gradients, loss])
        nn.utils.clip_grad_norm_(state.network.parameters(), self.config.clip_norm)
        state.optimizer.step()
        state.steps += 1
        # A young average follows faster, since it would otherwise be mostly the random start.
        follow(state, min(self.config.ema_decay, (1 + state.steps) / (10 + state.steps)))
        return loss[0]

    def _score(self, state: State) -> dict[str, float]:
        """Return the scores of the running average on the calibration split, by source."""
        self.group.average_buffers(state.network)
        self.group.average_buffers(state.average)
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
        """Return a network's logits of stored crops, averaged over mirrored views, shape (n, k).

        Every process of a group must call it; each computes a part, and all get the whole.
        """
        network.eval()
        own = which[self.group.rank :: self.group.processes]
        rows = np.empty((len(own), len(self.curriculum.classes)), np.float32)
        with torch.inference_mode():
            for start in range(0, len(own), 64):
                pixels = torch.from_numpy(np.asarray(self.crops.pixels[own[start : start + 64]]))
                images = self.normalise(reduce_crops(pixels.to(self.device), size))
                rows[start : start + 64] = mirrored_mean(network, images, views).cpu().numpy()
        return self.group.gather_rows(rows, len(which))


def schedule(progress: float, warmup: float) -> float:
    """Return the rate of linear warm-up and cosine decay to 1 % (Loshchilov and Hutter, arXiv:1608.03983)."""
    if progress < warmup:
        return 0.01 + 0.99 * progress / warmup
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


def write_history(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the table of epochs."""

    def write(draft: Path) -> None:
        with draft.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[-1]))
            writer.writeheader()
            writer.writerows(rows)

    write_atomically(path, write)
