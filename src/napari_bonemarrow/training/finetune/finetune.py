"""Fine-tuning, `train --from-cases`: a bundle learns from reviewed cases and keeps its skill."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from napari_bonemarrow.cytology import BMC21, Support
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.models.bundles.bundle import Bundle
from napari_bonemarrow.models.device import resolve_device
from napari_bonemarrow.models.memory import keep_memory
from napari_bonemarrow.models.weights.bundle_weights import load_network
from napari_bonemarrow.training.config import PRESETS, Stage, TrainConfig, TrainingError, load_preset
from napari_bonemarrow.training.data.case_crops import MINIMUM_REVIEWED, read_cases
from napari_bonemarrow.training.data.crop_index import Crops
from napari_bonemarrow.training.data.labelled_crops import load_crops
from napari_bonemarrow.training.data.split import read_parts, split_digest, split_file
from napari_bonemarrow.training.files import write_json
from napari_bonemarrow.training.finetune.case_snapshot import Snapshot, take_snapshot
from napari_bonemarrow.training.finetune.finetune_data import gather
from napari_bonemarrow.training.finetune.finetune_outcome import Job, finish_finetune
from napari_bonemarrow.training.fitting.checkpoint import new_state
from napari_bonemarrow.training.fitting.epoch_sample import plan
from napari_bonemarrow.training.fitting.fit import Fitter, Progress, Tick
from napari_bonemarrow.training.fitting.outcome import close_untaught

log = logging.getLogger(__name__)

PRESET = "finetune"


def fine_tune(
    cases: Sequence[str | Path],
    out: str | Path,
    *,
    init: str | Path = "starter",
    base: str | Path | None = None,
    config: TrainConfig | str | Path = PRESET,
    name: str | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    resume: bool = False,
    device: str = "auto",
    progress: Progress | None = None,
    tick: Tick | None = None,
) -> Bundle:
    """Fine-tune a bundle on reviewed cells without losing its skill.

    Parameters
    ----------
    cases : sequence of path
        Reviewed cases (``.bmcase``), and folders of them. Unusable ones are skipped and named.
    out : path
        The run: ``bundle/``, ``history.csv``, ``metrics.json`` with the figures before and after,
        ``run.json``, ``checkpoints/last.pt``.
    init : str or path
        The bundle to start from, by name or folder.
    base : path, optional
        Folders of crops to mix in. Without them the old bundle teaches the new one, on the reviewed cells
        and on unreviewed cells of the same slides.
    config : TrainConfig, or name or path of a preset
        Architecture, sizes and scale are those of `init`.
    name : str, optional
        Name of the new bundle.
    epochs, seed : optional
        Override the configuration's.
    resume : bool
        Continue from the run's checkpoint, with the cells of its snapshot.
    device : {"auto", "cpu", "cuda", "cuda:N"}
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
        One line; also if the new bundle is worse on held-out cells: it is then in ``rejected/``.
    """
    out, parent = Path(out), Bundle.open(init)
    checkpoint = out / "checkpoints" / "last.pt"
    _check(parent, out, checkpoint, resume)
    settings = config if isinstance(config, TrainConfig) else load_preset(config)
    settings = settings_for(parent, settings, name, epochs, seed, with_base=base is not None)
    job = _prepare(parent, cases, None if base is None else Path(base), settings, out, resume, device, tick)
    torch.manual_seed(settings.seed)
    network = load_network(parent).requires_grad_(True)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1  # the statistics must follow weights that change in few steps
    close_untaught(network, parent.card, reopen=True)
    state = new_state(network, settings, job.fitter.device)
    signature = _signature(job)
    if resume:
        state.restore(checkpoint, signature, job.config)
    _write_plan(job, out)
    job.fitter.run(state, checkpoint, out / "history.csv", signature, progress)
    bundle = finish_finetune(job, state, out)
    shutil.rmtree(out / "cache", ignore_errors=True)
    return bundle


def _check(parent: Bundle, out: Path, checkpoint: Path, resume: bool) -> None:
    if parent.card.classes != BMC21:
        raise TrainingError(f"{parent.path}: has other classes than the 21; name another bundle")
    if resume and not checkpoint.is_file():
        raise TrainingError(f"{checkpoint}: nothing to resume; train without --resume")
    if (out / "bundle").exists():
        raise TrainingError(f"{out}: holds a finished run; name another folder")


def settings_for(
    parent: Bundle,
    config: TrainConfig,
    name: str | None,
    epochs: int | None,
    seed: int | None,
    *,
    with_base: bool,
) -> TrainConfig:
    """Return a configuration adapted to the bundle that it starts from."""
    card = parent.card
    changes: dict[str, object] = {
        "name": name or config.name,
        "init": str(parent.path),
        "architecture": card.architecture,
        "crop_size": card.crop_size,
        "microns_per_pixel": card.microns_per_pixel,
        "stages": (Stage(epochs=epochs or config.epochs, size=card.network_size),),
        "test_time_views": card.test_time_views,
        "limits": card.limits,
        "teachers": () if with_base else (str(parent.path),),
    }
    if seed is not None:
        changes["seed"] = seed
    return config.changed(**changes)


def base_settings(parent: Bundle, config: TrainConfig) -> TrainConfig:
    """Return the configuration of the base data's split: the old bundle's, if its preset is known.

    Otherwise the new bundle might be tested on training images of the old one. A preset is recognised by its
    split, which bundles inherit, or by the bundle's name.
    """
    presets = [load_preset(path.stem) for path in sorted(PRESETS.glob("*.json"))]
    held_to = parent.card.split_sha256
    of_split = [p for p in presets if p.split and held_to and _digest(p.split) == held_to]
    of_name = [p for p in presets if p.name == parent.card.name]
    for taught in (*of_split, *of_name):
        return taught.changed(crop_size=config.crop_size, microns_per_pixel=config.microns_per_pixel)
    return config


def _digest(split: str) -> str:
    return split_digest(read_parts(split_file(split)))


def _prepare(
    parent: Bundle,
    cases: Sequence[str | Path],
    base: Path | None,
    config: TrainConfig,
    out: Path,
    resume: bool,
    device: str,
    tick: Tick | None,
) -> Job:
    split_as = base_settings(parent, config)
    where, kept = resolve_device(device), out / "cache" / "cells.npz"
    if where.type == "cpu":
        keep_memory()
    crops: Crops | None = None
    known = {code for code, support in parent.support.items() if support is not Support.NONE}
    if base is not None:
        crops = load_crops(base, config.crop_size, out / "cache", microns_per_pixel=config.microns_per_pixel)
        support = plan(crops, split_as).support
        known |= {code for code in support if support[code] is not Support.NONE}
    if resume:
        snapshot = Snapshot.load(kept)
    else:
        snapshot = take_snapshot(parent, read_cases(cases), known, config, device, unreviewed=crops is None)
        if crops is None:
            _check_kept(snapshot, known)
        snapshot.save(kept)
    material = gather(snapshot, parent, crops, config, split_as)
    taught = len(material.curriculum.teaches(material.crops, material.split.train))
    config = config.changed(batch_size=max(2, min(config.batch_size, taught // 2)))
    fitter = Fitter(
        material.crops,
        material.split,
        material.curriculum,
        parent.card.normalisation,
        config,
        where,
        tick=tick,
    )
    return Job(parent, snapshot, material, config, split_as, fitter)


def _check_kept(snapshot: Snapshot, known: set[str]) -> None:
    """Raise an error if only new classes are taught: the network would soon predict them everywhere."""
    shown = Counter({code: n for code, n in snapshot.counts().items() if code in known})
    if snapshot.unreviewed is not None:
        shown.update(snapshot.unreviewed.codes.tolist())
    new = sum(n for code, n in snapshot.counts().items() if code not in known)
    needed = max(MINIMUM_REVIEWED, new)
    if shown.total() < needed or len(shown) < 2:
        raise TrainingError(
            f"only {count_of(shown.total(), 'cell')} of {count_of(len(shown), 'class')} that the "
            f"model knows: it would "
            f"forget the others: give base data, or review {needed} cells of two such classes"
        )


def _signature(job: Job) -> str:
    """Return a hash of options, parent and cells, which a checkpoint must match."""
    digest = hashlib.sha256(job.config.model_dump_json().encode())
    digest.update(json.dumps([job.parent.sha256, job.snapshot.states, job.material.crops.files]).encode())
    return digest.hexdigest()


def _write_plan(job: Job, out: Path) -> None:
    """Write the plan of the run, for programs that watch it."""
    snapshot = job.snapshot
    write_json(
        out / "run.json",
        {
            "name": job.config.name,
            "parent": {"name": job.parent.card.name, "sha256": job.parent.sha256},
            "epochs": job.config.epochs,
            "reviewed": dict(sorted(snapshot.counts().items())),
            "too_few": dict(snapshot.too_few),
            "other_labels": dict(snapshot.other),
            "skipped": list(snapshot.skipped),
        },
    )
