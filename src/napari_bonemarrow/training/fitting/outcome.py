"""Outcome of a fit: the bundle with its card, the held-out figures and predictions."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import nn

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.cytology.published import TOLERATED
from napari_bonemarrow.models.bundles.bundle import Bundle
from napari_bonemarrow.models.bundles.card import Card, ClassMetrics, Metrics, Normalisation, TrainingSource
from napari_bonemarrow.models.networks.adapters import merge_tuning
from napari_bonemarrow.models.networks.architectures import head_of
from napari_bonemarrow.models.networks.pretrained import origin
from napari_bonemarrow.models.weights.bundle_writer import as_stored, write_bundle
from napari_bonemarrow.report import defused
from napari_bonemarrow.training.config import TrainConfig
from napari_bonemarrow.training.data.labelled_crops import Crops, Split, count_by_source
from napari_bonemarrow.training.data.split import read_parts, split_digest, split_file, write_split
from napari_bonemarrow.training.figures.bootstrap import MEASURES
from napari_bonemarrow.training.figures.metrics import figures, fit_temperature
from napari_bonemarrow.training.figures.selective import abstain_threshold, selective_figures
from napari_bonemarrow.training.files import write_atomically, write_json
from napari_bonemarrow.training.fitting.checkpoint import State
from napari_bonemarrow.training.fitting.domain_statistics import Taught, add_domain
from napari_bonemarrow.training.fitting.epoch_sample import draw_epoch
from napari_bonemarrow.training.fitting.fit import Fitter

CLOSED = -30.0  # logit of an untaught class: a probability below 1e-12


def close_untaught(network: nn.Module, card: Card, *, reopen: bool = False) -> None:
    """Close the outputs of untaught classes, or open them again before a further fit."""
    head = head_of(network, card.architecture)
    with torch.no_grad():
        for column, code in enumerate(card.classes):
            if card.support[code] is Support.NONE:
                head.weight[column] = 0.0
                head.bias[column] = 0.0 if reopen else CLOSED


def finish(fitter: Fitter, state: State, split: Split, normalisation: Normalisation, out: Path) -> Bundle:
    """Calibrate, measure the held-out images and write the run's outcome.

    Every process of a group calls it; the first one writes, all get the bundle.

    Parameters
    ----------
    fitter : Fitter
    state : State
        At the end of the fit; its best weights of the last stage are taken.
    split : Split
    normalisation : Normalisation
    out : Path
        Gets ``bundle/``, ``metrics.json``, ``predictions.csv`` and ``split.csv``.
    """
    config, curriculum, group = fitter.config, fitter.curriculum, fitter.group
    network = state.average
    if state.best:
        network.load_state_dict(state.best)
    network = merge_tuning(network)
    card = _card(fitter, normalisation)
    close_untaught(network, card)
    # Measure the stored weights.
    weights = {key: as_stored(t, config.half_weights) for key, t in network.state_dict().items()}
    network.load_state_dict(weights)
    size, views = config.network_size, config.test_time_views
    temperature, threshold = _calibrate(fitter, fitter.logits(network, fitter.calibration, size, views))
    test = curriculum.teaches(fitter.crops, split.test)
    logits = fitter.logits(network, test, size, views).astype(np.float64)
    if not group.first:
        return group.from_first(None)
    probabilities = softmax(logits / temperature, axis=1)
    digest = _keep_split(fitter.crops, split, out)
    document = held_out_figures(fitter, test, probabilities, threshold, _leaks(config, digest))
    card = card.model_copy(
        update={
            "temperature": temperature,
            "abstain_below": threshold,
            "split_sha256": digest,
            "confusion": held_out_confusion(fitter.crops, test, fitter.labels, probabilities, card.classes),
            "metrics": card_metrics(document),
        }
    )
    bundle = write_bundle(out / "bundle", weights, card, half=config.half_weights)
    images = Taught.of_crops(fitter.crops, fitter.train, fitter.calibration)
    bundle = add_domain(bundle, images, device=str(fitter.device), seed=config.seed)
    document["model"] = {"name": bundle.card.name, "sha256": bundle.sha256}
    write_json(out / "metrics.json", document)
    write_predictions(out / "predictions.csv", fitter, test, probabilities)
    return group.from_first(bundle)


def _card(fitter: Fitter, normalisation: Normalisation) -> Card:
    """Return the card before calibration."""
    config, curriculum = fitter.config, fitter.curriculum
    return Card(
        name=config.name,
        architecture=config.architecture,
        classes=curriculum.classes,
        crop_size=config.crop_size,
        network_size=config.network_size,
        microns_per_pixel=config.microns_per_pixel,
        normalisation=normalisation,
        temperature=1.0,
        support=curriculum.support,
        test_time_views=config.test_time_views,
        training_data=_training_data(fitter),
        initialised_from=origin(config.architecture, config.init),
        limits=config.limits,
    )


def _leaks(config: TrainConfig, digest: str) -> str:
    """Return a warning if a teacher may have seen images that are held out here."""
    others = [n for n in config.teachers if Bundle.open(n).card.split_sha256 != digest]
    if not others:
        return ""
    return f"; {', '.join(others)} held to another split and may have seen them: figures may be too good"


def write_predictions(
    path: Path, fitter: Fitter, which: NDArray[np.intp], probabilities: NDArray[np.float64]
) -> None:
    """Write the probabilities of held-out images: ``file,source,truth,p_CODE...``."""
    crops = fitter.crops

    def write(draft: Path) -> None:
        with draft.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["file", "source", "truth", *(f"p_{c}" for c in fitter.curriculum.classes)])
            for i, row in zip(which, probabilities, strict=True):
                names = defused(crops.files[i]), defused(str(crops.source[i]))
                writer.writerow([*names, crops.codes[i], *(f"{p:.6g}" for p in row)])

    write_atomically(path, write)


def _calibrate(fitter: Fitter, logits: np.ndarray[Any, np.dtype[np.float32]]) -> tuple[float, float]:
    """Return temperature and threshold fitted on marrow if there is any."""
    marrow = {s.name for s in fitter.crops.sources if s.scheme.marrow}
    here = np.array([str(s) in marrow for s in fitter.crops.source[fitter.calibration]])
    if not here.any():
        here[:] = True
    temperature = round(fit_temperature(logits[here], fitter.labels[fitter.calibration][here]), 4)
    confidence = softmax(logits[here].astype(np.float64) / temperature, axis=1).max(axis=1)
    return temperature, abstain_threshold(confidence, fitter.config.coverage)


def held_out_confusion(
    crops: Crops,
    which: NDArray[np.intp],
    labels: NDArray[np.integer],
    probabilities: NDArray[np.float64],
    classes: tuple[str, ...],
) -> dict[str, dict[str, int]] | None:
    """Return the numbers of held-out marrow crops by true and predicted class; None without such a crop.

    Parameters
    ----------
    crops : Crops
    which : ndarray of int, shape (n,)
        The held-out crops.
    labels : ndarray of int
        Column of the true class of every crop.
    probabilities : ndarray of float64, shape (n, k)
    classes : tuple of str
        The k codes.
    """
    marrow = {source.name for source in crops.sources if source.scheme.marrow}
    here = np.array([str(source) in marrow for source in crops.source[which]], bool)
    found: dict[str, dict[str, int]] = {}
    for true, said in zip(labels[which][here], probabilities[here].argmax(axis=1), strict=True):
        row = found.setdefault(classes[true], {})
        row[classes[said]] = row.get(classes[said], 0) + 1
    return {code: dict(sorted(row.items())) for code, row in sorted(found.items())} or None


def _keep_split(crops: Crops, split: Split, out: Path) -> str:
    """Write the held-out images, so that they can be measured again, and return the digest."""
    write_split(crops, split, out / "split.csv")
    return split_digest(read_parts(out / "split.csv"))


def _training_data(fitter: Fitter) -> tuple[TrainingSource, ...]:
    counts = count_by_source(fitter.crops, fitter.train)
    epoch = draw_epoch(fitter.crops, fitter.train, fitter.config, np.random.default_rng(0))
    drawn = count_by_source(fitter.crops, epoch)
    texts = fitter.config.sources
    data = []
    for source in fitter.crops.sources:
        text = texts.get(source.name)
        data.append(
            TrainingSource(
                name=text.title if text else source.name,
                images=sum(counts[source.name].values()),
                attribution=text.attribution if text else "not stated",
                licence=text.licence if text else "not stated",
                per_class=dict(sorted(counts[source.name].items())),
                drawn=dict(sorted(drawn[source.name].items())),
            )
        )
    return tuple(data)


def held_out_figures(
    fitter: Fitter,
    which: NDArray[np.intp],
    probabilities: NDArray[np.float64],
    threshold: float,
    remark: str = "",
) -> dict[str, Any]:
    """Return the metrics document: the first marrow source on top, sources separate, none pooled."""
    config, crops = fitter.config, fitter.crops
    sources: dict[str, Any] = {}
    for source in crops.sources:
        here = crops.source[which] == source.name
        if here.any():
            sources[source.name] = figures(
                fitter.labels[which][here], probabilities[here], fitter.curriculum.classes, TOLERATED
            )
            sources[source.name]["selective"] = selective_figures(
                fitter.labels[which][here], probabilities[here], threshold
            )
            by = (
                "a patient's or slide's images together"
                if source.together
                else "split by image (no patient numbers exist, so figures are optimistic)"
            )
            sources[source.name]["protocol"] = (
                f"hold-out: {_held_out(config)}, stratified by class, {by}; never trained on; predictions "
                f"over all {len(fitter.curriculum.classes)} columns{remark}"
            )
            sources[source.name]["data"] = source.name
            sources[source.name]["scale"] = source.scale_used(config.microns_per_pixel)
    marrow = [s.name for s in crops.sources if s.scheme.marrow and s.name in sources]
    first = (marrow or list(sources))[0]
    return {**sources[first], "sources": sources}


def _held_out(config: TrainConfig) -> str:
    if config.split:
        return f"part test of {split_file(config.split).name}"
    return f"fold {config.fold} of {config.folds}"


def card_metrics(document: dict[str, Any]) -> tuple[Metrics, ...]:
    """Return the card's figures of each source in a metrics document."""
    return tuple(
        Metrics(
            source=name,
            protocol=each["protocol"],
            n=each["n"],
            classes=tuple(each["classes"]),
            accuracy=each["accuracy"],
            balanced_accuracy=each["balanced_accuracy"],
            macro_f1=each["macro_f1"],
            ece=each["ece"],
            **{f"{key}_ci95": each[f"{key}_ci95"] for key in MEASURES},
            per_class={code: ClassMetrics(**values) for code, values in each["per_class"].items()},
        )
        for name, each in document["sources"].items()
    )
