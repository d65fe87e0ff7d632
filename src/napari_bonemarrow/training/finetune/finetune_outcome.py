"""Outcome of a fine-tune: the comparison, the card with its lineage, and the bundle or its rejection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor, nn

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.models.bundles.bundle import Bundle
from napari_bonemarrow.models.bundles.card import Card, Lineage, Metrics, TrainingSource
from napari_bonemarrow.models.weights.bundle_weights import load_network
from napari_bonemarrow.models.weights.bundle_writer import write_bundle
from napari_bonemarrow.training.config import TrainConfig, TrainingError
from napari_bonemarrow.training.figures.metrics import fit_temperature
from napari_bonemarrow.training.figures.selective import abstain_threshold
from napari_bonemarrow.training.files import write_json
from napari_bonemarrow.training.finetune.case_snapshot import REVIEWED, UNREVIEWED, Snapshot
from napari_bonemarrow.training.finetune.comparison import compare, verdict
from napari_bonemarrow.training.finetune.finetune_data import Material
from napari_bonemarrow.training.fitting.checkpoint import State
from napari_bonemarrow.training.fitting.domain_statistics import Taught, add_domain
from napari_bonemarrow.training.fitting.fit import Fitter
from napari_bonemarrow.training.fitting.outcome import card_metrics, close_untaught, held_out_confusion

_ENOUGH_TO_CALIBRATE = 50  # fewest marrow images for a new temperature


@dataclass(frozen=True, slots=True)
class Job:
    """The inputs of one fine-tune.

    Attributes
    ----------
    parent : Bundle
    snapshot : Snapshot
    material : Material
    config : TrainConfig
    base_config : TrainConfig
        Configuration of the base data's split and their text on the card.
    fitter : Fitter
    """

    parent: Bundle
    snapshot: Snapshot
    material: Material
    config: TrainConfig
    base_config: TrainConfig
    fitter: Fitter


def finish_finetune(job: Job, state: State, out: Path) -> Bundle:
    """Compare, write the card and put the bundle into ``bundle/`` or ``rejected/``.

    Parameters
    ----------
    job : Job
    state : State
        At the end of the fit.
    out : Path
        Also gets ``metrics.json``.

    Raises
    ------
    TrainingError
        If the new bundle is worse on held-out cells.
    """
    network = state.average
    if state.best:
        network.load_state_dict(state.best)
    shell = _card(job)
    close_untaught(network, shell)
    temperature, threshold = _calibrate(job, network)
    test = job.material.curriculum.teaches(job.material.crops, job.material.split.test)
    old = load_network(job.parent).to(job.fitter.device)
    probabilities = _probabilities(job, network, test, temperature)
    tables = compare(
        job.material.crops.source[test],
        job.fitter.labels[test],
        _probabilities(job, old, test, job.parent.card.temperature),
        probabilities,
        shell.classes,
    )
    before, after = (_sources(job, tables, when) for when in ("before", "after"))
    reason = verdict(tables)
    card = shell.model_copy(
        update={
            "temperature": temperature,
            "abstain_below": threshold,
            "confusion": held_out_confusion(
                job.material.crops, test, job.fitter.labels, probabilities, shell.classes
            ),
            "metrics": _known_truth(after),
            "lineage": _lineage(job, _known_truth(before)),
        }
    )
    weights: dict[str, Tensor] = network.state_dict()
    bundle = write_bundle(out / ("rejected" if reason else "bundle"), weights, card)
    images = Taught.of_crops(job.material.crops, job.fitter.train, job.fitter.calibration)
    bundle = add_domain(bundle, images, device=str(job.fitter.device), seed=job.config.seed)
    gain = {source: table["gain"] for source, table in tables.items()}
    write_json(out / "metrics.json", _document(job, before, after, gain, bundle, reason))
    if reason:
        raise TrainingError(
            f"{out}: {reason}; the old bundle stays, the new one is in {bundle.path}: "
            "check the labels, or review more cells"
        )
    return bundle


def _probabilities(
    job: Job, network: nn.Module, which: NDArray[np.intp], temperature: float
) -> NDArray[np.float64]:
    size, views = job.config.network_size, job.config.test_time_views
    logits = job.fitter.logits(network, which, size, views).astype(np.float64)
    answer: NDArray[np.float64] = softmax(logits / temperature, axis=1)
    return answer


def _calibrate(job: Job, network: nn.Module) -> tuple[float, float | None]:
    """Return temperature and threshold fitted on marrow; with few images, only the old temperature."""
    crops, which = job.material.crops, job.fitter.calibration
    marrow = {source.name for source in crops.sources if source.scheme.marrow}
    which = which[np.isin(crops.source[which], sorted(marrow))]
    if len(which) < _ENOUGH_TO_CALIBRATE:
        return job.parent.card.temperature, None
    logits = job.fitter.logits(network, which, job.config.network_size, job.config.test_time_views)
    temperature = round(fit_temperature(logits, job.fitter.labels[which]), 4)
    confidence = softmax(logits.astype(np.float64) / temperature, axis=1).max(axis=1)
    return temperature, abstain_threshold(confidence, job.config.coverage)


def _card(job: Job) -> Card:
    """Return a card based on the parent's, still without figures, temperature and lineage."""
    counts, parent = job.snapshot.counts(), job.parent.card
    own = TrainingSource(
        name=f"Reviewed cells of {count_of(len(job.snapshot.states), 'case')}",
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
            "confusion": None,
            "training_data": (*parent.training_data, *_base_data(job), own),
            "metrics": (),
            "initialised_from": f"{parent.name} {job.parent.sha256[:12]}",
        }
    )


def _base_data(job: Job) -> tuple[TrainingSource, ...]:
    """Return the base data that the parent was not taught with."""
    known = {source.name for source in job.parent.card.training_data}
    texts = job.base_config.sources
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


def _lineage(job: Job, before: tuple[Metrics, ...]) -> Lineage:
    return Lineage(
        parent=job.parent.card.name,
        parent_sha256=job.parent.sha256,
        cases=job.snapshot.states,
        labels=dict(sorted(job.snapshot.counts().items())),
        reviewers=job.snapshot.reviewers,
        before=before,
    )


def _protocol(job: Job, source: str) -> str:
    if source == UNREVIEWED:
        return "held-out cells without a review, against the class that the old bundle was sure of"
    if source != REVIEWED:
        return (
            "hold-out of the base data, split as when the old bundle was taught where its preset is known; "
            "never trained on"
        )
    how = "by slide" if job.material.grouped else "by cell, within the class (few slides: optimistic)"
    return f"hold-out of the reviewed cells, split {how}; never trained on"


def _known_truth(sources: dict[str, dict[str, Any]]) -> tuple[Metrics, ...]:
    """Return the card's figures, without unreviewed cells, whose class is the old bundle's."""
    return card_metrics({"sources": {name: each for name, each in sources.items() if name != UNREVIEWED}})


def _sources(job: Job, tables: dict[str, dict[str, Any]], when: str) -> dict[str, dict[str, Any]]:
    return {
        source: {**table[when], "protocol": _protocol(job, source), "data": source}
        for source, table in tables.items()
    }


def _document(
    job: Job,
    before: dict[str, dict[str, Any]],
    after: dict[str, dict[str, Any]],
    gain: dict[str, list[float]],
    bundle: Bundle,
    reason: str,
) -> dict[str, Any]:
    """Return ``metrics.json``: the new bundle on top as in `train`, the old one under ``before``."""
    return {
        **after[REVIEWED],
        "sources": after,
        "before": before,
        "gain": gain,
        "accepted": not reason,
        "reason": reason,
        "skipped": list(job.snapshot.skipped),
        "model": {"name": bundle.card.name, "sha256": bundle.sha256},
    }
