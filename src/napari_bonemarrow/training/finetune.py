"""`train --from-cases`: a bundle learns from what reviewers corrected and keeps what it knew."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_bonemarrow.cytology import BMC21, Support
from napari_bonemarrow.models.bundle import Bundle
from napari_bonemarrow.models.card import Card, ClassMetrics, Lineage, Metrics, TrainingSource
from napari_bonemarrow.models.device import resolve_device
from napari_bonemarrow.models.loading import load_network
from napari_bonemarrow.models.writing import write_bundle
from napari_bonemarrow.training.case_crops import read_cases
from napari_bonemarrow.training.case_snapshot import REVIEWED, Snapshot, take_snapshot
from napari_bonemarrow.training.comparing import compare, verdict
from napari_bonemarrow.training.config import PRESETS, Stage, TrainConfig, TrainingError, load_preset
from napari_bonemarrow.training.crops import Crops
from napari_bonemarrow.training.data import load_crops
from napari_bonemarrow.training.files import write_json
from napari_bonemarrow.training.finetune_data import Material, gather
from napari_bonemarrow.training.fit import Fitter, Progress
from napari_bonemarrow.training.metrics import fit_temperature
from napari_bonemarrow.training.outcome import close_untaught
from napari_bonemarrow.training.sampling import plan
from napari_bonemarrow.training.splitting import read_parts, split_digest, split_file
from napari_bonemarrow.training.state import State, new_state

log = logging.getLogger(__name__)

PRESET = "finetune"

_ENOUGH_TO_CALIBRATE = 50  # marrow images below which the old temperature is kept


@dataclass(frozen=True, slots=True)
class _Job:
    """What one fine-tune works on."""

    parent: Bundle
    snapshot: Snapshot
    material: Material
    config: TrainConfig
    fitter: Fitter


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
) -> Bundle:
    """Teach a bundle what reviewers set and confirmed, without losing what it knew.

    Parameters
    ----------
    cases : sequence of path
        Reviewed cases (``.bmcase``), and folders of them. One that cannot be used is named and skipped.
    out : path
        The run: ``bundle/``, ``history.csv``, ``metrics.json`` with the figures before and after,
        ``run.json``, ``checkpoints/last.pt``.
    init : str or path
        The bundle to start from, by name or folder.
    base : path, optional
        Folders of crops to mix in. Without them the old bundle teaches the new one, on the reviewed
        cells and on cells of the same slides that nobody has reviewed.
    config : TrainConfig, or name or path of a preset
        Architecture, sizes and scale are those of `init`.
    name : str, optional
        Of the new bundle.
    epochs, seed : optional
        Override the configuration's.
    resume : bool
        Go on from the run's checkpoint, with the cells as they were when it began.
    device : {"auto", "cpu", "cuda", "cuda:N"}
    progress : callable, optional
        Called after each epoch with the epochs done, all epochs and the epoch's figures.

    Returns
    -------
    Bundle

    Raises
    ------
    TrainingError, BundleError
        One line; also where the new bundle got worse on what was held out: it then lies in ``rejected/``.
    """
    out, parent = Path(out), Bundle.open(init)
    checkpoint = out / "checkpoints" / "last.pt"
    _check(parent, out, checkpoint, resume)
    settings = config if isinstance(config, TrainConfig) else load_preset(config)
    settings = settings_for(parent, settings, name, epochs, seed, with_base=base is not None)
    job = _prepare(parent, cases, None if base is None else Path(base), settings, out, resume, device)
    torch.manual_seed(settings.seed)
    network = load_network(parent).requires_grad_(True)
    close_untaught(network, parent.card, reopen=True)
    state = new_state(network, settings, job.fitter.device)
    signature = _signature(job)
    if resume:
        state.restore(checkpoint, signature, job.config)
    _write_plan(job, out)
    job.fitter.run(state, checkpoint, out / "history.csv", signature, progress)
    bundle = _finish(job, state, out)
    shutil.rmtree(out / "cache", ignore_errors=True)
    return bundle


def _check(parent: Bundle, out: Path, checkpoint: Path, resume: bool) -> None:
    if parent.card.classes != BMC21:
        raise TrainingError(f"{parent.path}: has other classes than the 21; name another bundle")
    if resume and not checkpoint.is_file():
        raise TrainingError(f"{checkpoint}: nothing to go on from; train without --resume")
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
    """Fit a configuration to the bundle that it starts from."""
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
    """Return how the base data are split: as when the old bundle was taught, if its preset is known.

    Else images on which the new bundle is tested might be images that the old one was taught with. A
    preset is known by its split, which bundles hand on, or by the bundle's name.
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
) -> _Job:
    split_as = base_settings(parent, config)
    where, kept = resolve_device(device), out / "cache" / "cells.npz"
    crops: Crops | None = None
    known = {code for code, support in parent.support.items() if support is not Support.NONE}
    if base is not None:
        crops = load_crops(base, config.crop_size, out / "cache")
        support = plan(crops, split_as).support
        known |= {code for code in support if support[code] is not Support.NONE}
    if resume:
        snapshot = Snapshot.load(kept)
    else:
        snapshot = take_snapshot(parent, read_cases(cases), known, config, device, unreviewed=crops is None)
        snapshot.save(kept)
    material = gather(snapshot, parent, crops, config, split_as)
    taught = len(material.curriculum.teaches(material.crops, material.split.train))
    config = config.changed(batch_size=max(2, min(config.batch_size, taught // 2)))
    fitter = Fitter(
        material.crops, material.split, material.curriculum, parent.card.normalisation, config, where
    )
    return _Job(parent, snapshot, material, config, fitter)


def _signature(job: _Job) -> str:
    """Tell whether a checkpoint belongs to these options, this parent and these cells."""
    digest = hashlib.sha256(job.config.model_dump_json().encode())
    digest.update(json.dumps([job.parent.sha256, job.snapshot.states, job.material.crops.files]).encode())
    return digest.hexdigest()


def _write_plan(job: _Job, out: Path) -> None:
    """Write what the run is about, for whoever watches it."""
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


def _finish(job: _Job, state: State, out: Path) -> Bundle:
    """Compare, write the card and put the bundle where it belongs."""
    network = state.average
    if state.best:
        network.load_state_dict(state.best)
    shell = _card(job)
    close_untaught(network, shell)
    temperature = _temperature(job, network)
    test = job.material.curriculum.teaches(job.material.crops, job.material.split.test)
    old = load_network(job.parent).to(job.fitter.device)
    tables = compare(
        job.material.crops.source[test],
        job.fitter.labels[test],
        _probabilities(job, old, test, job.parent.card.temperature),
        _probabilities(job, network, test, temperature),
        shell.classes,
    )
    reason = verdict(tables)
    lineage = _lineage(job, tables)
    card = shell.model_copy(
        update={
            "temperature": temperature,
            "metrics": _card_metrics(job, tables, "after"),
            "lineage": lineage,
        }
    )
    weights: dict[str, Tensor] = network.state_dict()
    bundle = write_bundle(out / ("rejected" if reason else "bundle"), weights, card)
    write_json(out / "metrics.json", _document(job, tables, bundle, reason))
    if reason:
        raise TrainingError(
            f"{out}: {reason}; the old bundle stays, the new one is in {bundle.path}: "
            "check the labels, or review more cells"
        )
    return bundle


def _probabilities(
    job: _Job, network: nn.Module, which: NDArray[np.intp], temperature: float
) -> NDArray[np.float64]:
    from scipy.special import softmax

    size, views = job.config.network_size, job.config.test_time_views
    logits = job.fitter.logits(network, which, size, views).astype(np.float64)
    answer: NDArray[np.float64] = softmax(logits / temperature, axis=1)
    return answer


def _temperature(job: _Job, network: nn.Module) -> float:
    """Fit the temperature on marrow, or keep the old one where there is little to fit it on."""
    crops, which = job.material.crops, job.fitter.calibration
    marrow = {source.name for source in crops.sources if source.scheme.marrow}
    which = which[np.isin(crops.source[which], sorted(marrow))]
    if len(which) < _ENOUGH_TO_CALIBRATE:
        return job.parent.card.temperature
    logits = job.fitter.logits(network, which, job.config.network_size, job.config.test_time_views)
    return round(fit_temperature(logits, job.fitter.labels[which]), 4)


def _card(job: _Job) -> Card:
    """Carry the parent's card on; figures, temperature and lineage are still to come."""
    counts, parent = job.snapshot.counts(), job.parent.card
    own = TrainingSource(
        name=f"Reviewed cells of {len(job.snapshot.states)} cases",
        images=sum(counts.values()),
        attribution="the reviewers of these cases",
        licence="not stated",
        per_class=dict(sorted(counts.items())),
    )
    return parent.model_copy(
        update={
            "name": job.config.name,
            "version": "1",
            "support": job.material.curriculum.support,
            "abstain_below": None,
            "training_data": (*parent.training_data, *_base_data(job), own),
            "metrics": (),
            "initialised_from": f"{parent.name} {job.parent.sha256[:12]}",
        }
    )


def _base_data(job: _Job) -> tuple[TrainingSource, ...]:
    """Name base data that the parent was not taught with already."""
    known = {source.name for source in job.parent.card.training_data}
    texts = base_settings(job.parent, job.config).sources
    data = []
    for source in job.material.crops.sources:
        if source.name not in job.material.base:
            continue
        text = texts.get(source.name)
        title = text.title if text else source.name
        if title not in known:
            data.append(
                TrainingSource(
                    name=title,
                    images=len(source.codes),
                    attribution=text.attribution if text else "not stated",
                    licence=text.licence if text else "not stated",
                )
            )
    return tuple(data)


def _lineage(job: _Job, tables: dict[str, dict[str, Any]]) -> Lineage:
    return Lineage(
        parent=job.parent.card.name,
        parent_sha256=job.parent.sha256,
        cases=job.snapshot.states,
        labels=dict(sorted(job.snapshot.counts().items())),
        reviewers=job.snapshot.reviewers,
        before=_card_metrics(job, tables, "before"),
    )


def _protocol(job: _Job, source: str) -> str:
    if source != REVIEWED:
        return (
            "hold-out of the base data, split as when the old bundle was taught where its preset is known; "
            "never trained on"
        )
    how = "by slide" if job.material.grouped else "by cell, within the class (few slides: optimistic)"
    return f"hold-out of the reviewed cells, split {how}; never trained on"


def _card_metrics(job: _Job, tables: dict[str, dict[str, Any]], when: str) -> tuple[Metrics, ...]:
    return tuple(
        Metrics(
            source=source,
            protocol=_protocol(job, source),
            **{
                key: table[when][key]
                for key in (
                    "n",
                    "classes",
                    "accuracy",
                    "balanced_accuracy",
                    "balanced_accuracy_ci95",
                    "macro_f1",
                    "ece",
                )
            },
            per_class={
                code: ClassMetrics(**{key: row[key] for key in ("n", "precision", "recall", "f1")})
                for code, row in table[when]["per_class"].items()
            },
        )
        for source, table in tables.items()
    )


def _document(job: _Job, tables: dict[str, dict[str, Any]], bundle: Bundle, reason: str) -> dict[str, Any]:
    """Build ``metrics.json``: the new bundle on top as `train` writes it, the old one under ``before``."""
    after = {
        source: {**table["after"], "protocol": _protocol(job, source), "data": source}
        for source, table in tables.items()
    }
    return {
        **after[REVIEWED],
        "sources": after,
        "before": {source: table["before"] for source, table in tables.items()},
        "gain": {source: table["gain"] for source, table in tables.items()},
        "accepted": not reason,
        "reason": reason,
        "skipped": list(job.snapshot.skipped),
        "model": {"name": bundle.card.name, "sha256": bundle.sha256},
    }
