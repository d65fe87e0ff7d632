"""`train`: from folders of crops to a bundle with its card and its held-out figures."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from torch import Tensor, nn

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.cytology.published import TOLERATED
from napari_bonemarrow.models.adapters import merge_tuning, prepare_tuning
from napari_bonemarrow.models.architectures import build, check_size, head_of
from napari_bonemarrow.models.bundle import Bundle
from napari_bonemarrow.models.card import Card, ClassMetrics, Metrics, Normalisation, TrainingSource
from napari_bonemarrow.models.device import resolve_device
from napari_bonemarrow.models.loading import load_weights
from napari_bonemarrow.models.pretrained import given_normalisation, initialise, origin
from napari_bonemarrow.models.writing import as_stored, write_bundle
from napari_bonemarrow.training.config import TrainConfig, TrainingError, load_preset
from napari_bonemarrow.training.data import Crops, Split, choose_split, count_by_source, load_crops
from napari_bonemarrow.training.files import write_json
from napari_bonemarrow.training.fit import Fitter, Progress, State, new_state
from napari_bonemarrow.training.memory import keep_memory
from napari_bonemarrow.training.metrics import figures, fit_temperature
from napari_bonemarrow.training.sampling import Curriculum, draw_epoch, plan
from napari_bonemarrow.training.selective import abstain_threshold, selective_figures
from napari_bonemarrow.training.splitting import read_parts, split_digest, split_file, write_split

log = logging.getLogger(__name__)

CLOSED = -30.0  # logit of a class that was never taught: a probability below 1e-12


def train(
    data: str | Path,
    out: str | Path,
    *,
    config: TrainConfig | str | Path = "starter",
    architecture: str | None = None,
    init: str | None = None,
    epochs: int | None = None,
    folds: int | None = None,
    fold: int | None = None,
    seed: int | None = None,
    resume: bool = False,
    device: str = "auto",
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> Bundle:
    """Fit a network on folders of crops named by class code.

    Parameters
    ----------
    data : path
        One data set (folders named by class code, nested or flat), or a folder of several.
    out : path
        The run: ``bundle/``, ``history.csv``, ``metrics.json``, ``checkpoints/last.pt``.
    config : TrainConfig, or name or path of a preset
    architecture, init, epochs, folds, fold, seed : optional
        Override the configuration's.
    resume : bool
        Go on from the run's checkpoint. On the CPU the outcome is that of an unbroken run, bit for bit.
    device : {"auto", "cpu", "cuda", "cuda:N"}
    cache : path, optional
        Folder for decoded crops, kept; by default inside the run, removed at the end.
    progress : callable, optional
        Called after each epoch with the epochs done, all epochs and the epoch's figures.

    Returns
    -------
    Bundle

    Raises
    ------
    TrainingError, BundleError
        With one line that says what is wrong and what to do.
    """
    settings = config if isinstance(config, TrainConfig) else load_preset(config)
    settings = _override(settings, architecture, init, epochs, folds, fold, seed)
    data, out = Path(data), Path(out)
    checkpoint = out / "checkpoints" / "last.pt"
    if resume and not checkpoint.is_file():
        raise TrainingError(f"{checkpoint}: nothing to go on from; train without --resume")
    where = resolve_device(device)
    if where.type == "cpu":
        keep_memory()
    folder = Path(cache) if cache else out / "cache"
    crops = load_crops(data, settings.crop_size, folder)
    split = choose_split(crops, settings)
    curriculum = plan(crops, settings)
    given = given_normalisation(settings.architecture, settings.init, settings.tune)
    normalisation = given or measure(crops, split)
    torch.manual_seed(settings.seed)
    network = _start(settings, curriculum)
    fitter = Fitter(crops, split, curriculum, normalisation, settings, where)
    state = new_state(network, settings, where)
    signature = _signature(settings, crops)
    if resume:
        state.restore(checkpoint, signature)
    fitter.run(state, checkpoint, out / "history.csv", signature, progress)
    bundle = _finish(fitter, state, split, normalisation, out)
    if cache is None:
        shutil.rmtree(folder, ignore_errors=True)
    return bundle


def _override(
    config: TrainConfig,
    architecture: str | None,
    init: str | None,
    epochs: int | None,
    folds: int | None,
    fold: int | None,
    seed: int | None,
) -> TrainConfig:
    given = {"architecture": architecture, "init": init, "folds": folds, "fold": fold, "seed": seed}
    changes: dict[str, object] = {key: value for key, value in given.items() if value is not None}
    config = config.changed(**changes)
    if epochs is None:
        return config
    if epochs < 1:
        raise TrainingError(f"epochs: {epochs} is too few; give at least 1")
    return config.with_epochs(epochs)


def measure(crops: Crops, split: Split) -> Normalisation:
    """Measure mean and standard deviation a channel on up to 512 training crops."""
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
        raise TrainingError(f"tune {config.tune}: fits little beside what a network knows; name an init")
    if not initialise(network, config.architecture, config.init):
        _take_over(network, config, curriculum)
    return prepare_tuning(network, config.architecture, config.tune, config.lora_rank)


def _take_over(network: nn.Module, config: TrainConfig, curriculum: Curriculum) -> None:
    """Begin with a bundle's weights."""
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
    _close(network, config.architecture, source.card, reopen=True)


def _close(network: nn.Module, architecture: str, card: Card, *, reopen: bool = False) -> None:
    """Close the outputs of classes never taught, or open them again before a further fit."""
    head = head_of(network, architecture)
    with torch.no_grad():
        for column, code in enumerate(card.classes):
            if card.support[code] is Support.NONE:
                head.weight[column] = 0.0
                head.bias[column] = 0.0 if reopen else CLOSED


def _signature(config: TrainConfig, crops: Crops) -> str:
    """Tell whether a checkpoint belongs to these options and images."""
    digest = hashlib.sha256(config.model_dump_json().encode())
    digest.update(json.dumps(crops.files).encode())
    return digest.hexdigest()


def _finish(fitter: Fitter, state: State, split: Split, normalisation: Normalisation, out: Path) -> Bundle:
    config, curriculum = fitter.config, fitter.curriculum
    network = state.average
    if state.best:
        network.load_state_dict(state.best)
    network = merge_tuning(network)
    shell = Card(
        name=config.name,
        architecture=config.architecture,
        classes=curriculum.classes,
        crop_size=config.crop_size,
        network_size=config.network_size,
        microns_per_pixel=config.microns_per_pixel,
        normalisation=normalisation,
        temperature=1.0,
        support=curriculum.support,
        split_sha256=_keep_split(fitter.crops, split, out),
        training_data=_training_data(fitter),
        initialised_from=origin(config.architecture, config.init),
        limits=config.limits,
        test_time_views=config.test_time_views,
    )
    _close(network, config.architecture, shell)
    weights: dict[str, Tensor] = network.state_dict()
    # What is measured is what is stored.
    network.load_state_dict({key: as_stored(tensor, config.half_weights) for key, tensor in weights.items()})
    size, views = config.network_size, config.test_time_views
    temperature, threshold = _calibrate(fitter, fitter.logits(network, fitter.calibration, size, views))
    test = curriculum.teaches(fitter.crops, split.test)
    logits = fitter.logits(network, test, size, views) / temperature
    document = held_out_figures(fitter, test, logits, threshold)
    card = shell.model_copy(
        update={
            "temperature": temperature,
            "abstain_below": threshold,
            "metrics": _card_metrics(document),
        }
    )
    bundle = write_bundle(out / "bundle", weights, card, half=config.half_weights)
    document["model"] = {"name": bundle.card.name, "sha256": bundle.sha256}
    write_json(out / "metrics.json", document)
    return bundle


def _calibrate(fitter: Fitter, logits: np.ndarray[Any, np.dtype[np.float32]]) -> tuple[float, float]:
    """Fit temperature and threshold where the bundle will be used: on marrow where there is any."""
    marrow = {s.name for s in fitter.crops.sources if s.scheme.marrow}
    here = np.array([str(s) in marrow for s in fitter.crops.source[fitter.calibration]])
    if not here.any():
        here[:] = True
    temperature = round(fit_temperature(logits[here], fitter.labels[fitter.calibration][here]), 4)
    confidence = softmax(logits[here].astype(np.float64) / temperature, axis=1).max(axis=1)
    return temperature, abstain_threshold(confidence, fitter.config.coverage)


def _keep_split(crops: Crops, split: Split, out: Path) -> str:
    """Write which images were set aside, so that they can be measured again, and return its digest."""
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


def held_out_figures(fitter: Fitter, which: Any, logits: Any, threshold: float) -> dict[str, Any]:
    """Build the metrics document: the first marrow source on top, every source apart, none pooled."""
    config, crops = fitter.config, fitter.crops
    probabilities = softmax(logits, axis=1)
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
            sources[source.name]["protocol"] = (
                f"hold-out: {_held_out(config)}, stratified by class, split by image "
                "(no patient numbers exist, so figures are optimistic); never trained on; predictions over "
                f"all {len(fitter.curriculum.classes)} columns"
            )
            sources[source.name]["data"] = source.name
    marrow = [s.name for s in crops.sources if s.scheme.marrow and s.name in sources]
    first = (marrow or list(sources))[0]
    return {**sources[first], "sources": sources}


def _held_out(config: TrainConfig) -> str:
    if config.split:
        return f"part test of {split_file(config.split).name}"
    return f"fold {config.fold} of {config.folds}"


def _card_metrics(document: dict[str, Any]) -> tuple[Metrics, ...]:
    return tuple(
        Metrics(
            source=name,
            protocol=each["protocol"],
            n=each["n"],
            classes=tuple(each["classes"]),
            accuracy=each["accuracy"],
            balanced_accuracy=each["balanced_accuracy"],
            balanced_accuracy_ci95=tuple(each["balanced_accuracy_ci95"]),
            macro_f1=each["macro_f1"],
            ece=each["ece"],
            per_class={code: ClassMetrics(**values) for code, values in each["per_class"].items()},
        )
        for name, each in document["sources"].items()
    )
