"""A training run, `train`: from labelled crops to a bundle with card and held-out figures."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from napari_bonemarrow.models.bundles.bundle import Bundle, BundleError
from napari_bonemarrow.models.bundles.card import Normalisation
from napari_bonemarrow.models.networks.adapters import prepare_tuning
from napari_bonemarrow.models.networks.architectures import build, check_size
from napari_bonemarrow.models.networks.pretrained import given_normalisation, initialise
from napari_bonemarrow.models.weights.bundle_weights import load_weights
from napari_bonemarrow.training.config import TrainConfig, TrainingError, load_preset
from napari_bonemarrow.training.data.labelled_crops import Crops, Split, choose_split, load_crops
from napari_bonemarrow.training.data.split import settle_split, split_digest
from napari_bonemarrow.training.fitting.curves import draw_curves
from napari_bonemarrow.training.fitting.distributed import Group, join, spread_norms
from napari_bonemarrow.training.fitting.epoch_sample import Curriculum, plan
from napari_bonemarrow.training.fitting.fit import Fitter, Progress, Tick, new_state
from napari_bonemarrow.training.fitting.outcome import close_untaught, finish

log = logging.getLogger(__name__)


def train(
    data: str | Path,
    out: str | Path,
    *,
    config: TrainConfig | str | Path = "starter",
    architecture: str | None = None,
    init: str | None = None,
    tune: Literal["all", "head", "lora"] | None = None,
    epochs: int | None = None,
    folds: int | None = None,
    fold: int | None = None,
    seed: int | None = None,
    batch_size: int | None = None,
    accumulate: int | None = None,
    precision: Literal["auto", "float32", "bfloat16"] | None = None,
    teachers: Sequence[str | Path] = (),
    resume: bool = False,
    device: str = "auto",
    cache: str | Path | None = None,
    tensorboard: bool = False,
    progress: Progress | None = None,
    tick: Tick | None = None,
) -> Bundle:
    """Fit a network on labelled crops.

    Under ``torchrun`` each process works on its share of every batch, and the first one writes the run.

    Parameters
    ----------
    data : path
        One data set (folders named by class code, nested or flat), a folder of several, a manifest (CSV),
        a reviewed case or a folder of cases.
    out : path
        The run: ``bundle/``, ``history.csv``, ``metrics.json``, ``predictions.csv`` (held-out images),
        ``split.csv``, ``checkpoints/last.pt``.
    config : TrainConfig, or name or path of a preset
    architecture, init, tune, epochs, folds, fold, seed : optional
        Override the configuration's.
    batch_size, accumulate, precision, teachers : optional
        Override the configuration's.
    resume : bool
        Continue from the run's checkpoint. On the CPU the outcome is bit for bit that of an unbroken run.
    device : {"auto", "cpu", "cuda", "cuda:N"}
    cache : path, optional
        Folder for decoded crops, kept; by default inside the run, removed at the end.
    tensorboard : bool
        Also write the epochs' figures for TensorBoard, under ``tensorboard/``.
    progress : callable, optional
        Called after each epoch with the epochs done, all epochs and the epoch's figures.
    tick : callable, optional
        Called during an epoch with its `Pace`.

    Returns
    -------
    Bundle

    Raises
    ------
    TrainingError, BundleError
        One line: what is wrong and what to do.
    """
    settings = config if isinstance(config, TrainConfig) else load_preset(config)
    given = {
        "architecture": architecture,
        "init": init,
        "tune": tune,
        "folds": folds,
        "fold": fold,
        "seed": seed,
        "batch_size": batch_size,
        "accumulate": accumulate,
        "precision": precision,
        "teachers": tuple(str(teacher) for teacher in teachers) or None,
    }
    settings = override(settings, given, epochs)
    return fit_one(
        Path(data),
        Path(out),
        settings,
        resume=resume,
        device=device,
        cache=Path(cache) if cache else None,
        tensorboard=tensorboard,
        progress=progress,
        tick=tick,
    )


def fit_one(
    data: Path,
    out: Path,
    config: TrainConfig,
    *,
    inside_fold: bool = False,
    resume: bool = False,
    device: str = "auto",
    cache: Path | None = None,
    tensorboard: bool = False,
    progress: Progress | None = None,
    tick: Tick | None = None,
) -> Bundle:
    """Run `train` with its options in one configuration.

    `inside_fold` rejects teachers, and a bundle to start from, with another split.
    """
    checkpoint = out / "checkpoints" / "last.pt"
    if resume and not checkpoint.is_file():
        raise TrainingError(f"{checkpoint}: nothing to resume; train without --resume")
    with join(device) as group, ExitStack() as stack:
        fitter, network, split, normalisation = _prepare(data, cache or out / "cache", config, group, tick)
        if inside_fold:
            _check_inside(fitter, split)
        config = fitter.config
        state = new_state(network, config, group.device)
        signature = _signature(config, fitter.crops)
        if resume:
            state.restore(checkpoint, signature, config)
        if tensorboard and group.first:
            progress = stack.enter_context(draw_curves(out / "tensorboard", state.epoch, progress))
        fitter.run(state, checkpoint, out / "history.csv", signature, progress)
        bundle = finish(fitter, state, split, normalisation, out)
        if cache is None and group.local_rank == 0:
            shutil.rmtree(out / "cache", ignore_errors=True)
    return bundle


def _check_inside(fitter: Fitter, split: Split) -> None:
    """Raise an error for bundles that may have seen images held out by this split."""
    config, names = fitter.config, fitter.crops.names
    parts = {names[i]: part for part in (1, 2) for i in (split.calibration, split.test)[part - 1]}
    own = split_digest(parts)
    for bundle in (*config.teachers, *((config.init,) if is_bundle(config.init) else ())):
        if Bundle.open(bundle).card.split_sha256 != own:
            raise TrainingError(
                f"{bundle}: held to another split, so it may have seen what this fold holds out; train it "
                "with the same --folds, seed and images"
            )


def is_bundle(init: str) -> bool:
    """Return whether a fit starts from a bundle, not from fresh or published weights."""
    try:
        Bundle.open(init)
    except BundleError:
        return False
    return True


def override(config: TrainConfig, given: Mapping[str, object], epochs: int | None) -> TrainConfig:
    """Return a configuration with overrides; None keeps its own value.

    Given folds replace a fixed split.
    """
    changes = {key: value for key, value in given.items() if value is not None}
    if {"folds", "fold"} & changes.keys():
        changes["split"] = ""
    config = config.changed(**changes)
    if epochs is None:
        return config
    if epochs < 1:
        raise TrainingError(f"epochs: {epochs} is too few; give at least 1")
    return config.with_epochs(epochs)


def _prepare(
    data: Path, cache: Path, config: TrainConfig, group: Group, tick: Tick | None
) -> tuple[Fitter, nn.Module, Split, Normalisation]:
    scale, scales = config.microns_per_pixel, config.scales
    crops = group.in_turn(
        lambda: load_crops(data, config.crop_size, cache, microns_per_pixel=scale, scales=scales)
    )
    config = settle_split(crops, config)
    split = choose_split(crops, config)
    curriculum = plan(crops, config)
    if not len(curriculum.teaches(crops, split.test)):
        raise TrainingError(f"{data}: no image is left to test on; add images or take fewer folds")
    given = given_normalisation(config.architecture, config.init, config.tune)
    normalisation = given or measure(crops, split)
    torch.manual_seed(config.seed)
    network = spread_norms(_start(config, curriculum), group)
    fitter = Fitter(crops, split, curriculum, normalisation, config, group.device, group, tick)
    return fitter, network, split, normalisation


def measure(crops: Crops, split: Split) -> Normalisation:
    """Return mean and standard deviation by channel of up to 512 training crops."""
    step = max(1, len(split.train) // 512)
    sample = np.stack([crops.pixels[i, ::4, ::4] for i in split.train[::step]]).astype(np.float64) / 255
    mean, std = sample.mean(axis=(0, 1, 2)), np.maximum(sample.std(axis=(0, 1, 2)), 0.02)
    r, g, b = (round(float(v), 4) for v in mean)
    sr, sg, sb = (round(float(v), 4) for v in std)
    return Normalisation(mean=(r, g, b), std=(sr, sg, sb))


def _start(config: TrainConfig, curriculum: Curriculum) -> nn.Module:
    network = build(config.architecture, len(curriculum.classes))
    for stage in config.stages:
        check_size(network, config.architecture, stage.size)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1  # some architectures set 0.01, too slow for thousands of steps
    if config.init == "none" and config.tune != "all":
        raise TrainingError(f"tune {config.tune}: needs a pretrained network; name an init")
    if not initialise(network, config.architecture, config.init):
        _take_over(network, config, curriculum)
    return prepare_tuning(network, config.architecture, config.tune, config.lora_rank)


def _take_over(network: nn.Module, config: TrainConfig, curriculum: Curriculum) -> None:
    """Start from a bundle's weights."""
    source = Bundle.open(config.init)
    if source.card.architecture != config.architecture:
        raise TrainingError(
            f"{config.init}: is a {source.card.architecture}, not a {config.architecture}; "
            "name its architecture or another bundle"
        )
    if source.card.classes != curriculum.classes:
        raise TrainingError(f"{config.init}: has other classes than the 21; name another bundle")
    weights = load_weights(source)
    network.load_state_dict(weights)
    close_untaught(network, source.card, reopen=True)


def _signature(config: TrainConfig, crops: Crops) -> str:
    """Return a hash of options and images, which a checkpoint must match."""
    unset = None if config.scales else {"scales"}
    digest = hashlib.sha256(config.model_dump_json(exclude=unset).encode())
    digest.update(json.dumps([crops.files, crops.codes.tolist()]).encode())
    return digest.hexdigest()
