"""Cross-validation: every fold is trained and held out once, and the figures are pooled."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.published import TOLERATED
from napari_bonemarrow.training.config import TrainConfig, TrainingError
from napari_bonemarrow.training.figures.metrics import figures
from napari_bonemarrow.training.figures.selective import selective_figures
from napari_bonemarrow.training.files import write_atomically, write_json
from napari_bonemarrow.training.fitting.distributed import join
from napari_bonemarrow.training.fitting.fit import Progress, Tick
from napari_bonemarrow.training.fitting.run import fit_one, is_bundle

FOLD = "{fold}"
"""Placeholder of the fold's number in the path of a teacher or of a bundle to start from."""

_FIGURES = ("n", "accuracy", "balanced_accuracy", "macro_f1", "ece")


def train_folds(
    data: str | Path,
    out: str | Path,
    config: TrainConfig,
    *,
    resume: bool = False,
    device: str = "auto",
    cache: str | Path | None = None,
    tensorboard: bool = False,
    progress: Progress | None = None,
    tick: Tick | None = None,
) -> dict[str, Any]:
    """Train every fold in ``out/fold-I/`` and pool the held-out figures.

    Parameters
    ----------
    data, out, device, cache, tensorboard, progress, tick : see `train`
    config : TrainConfig
        A teacher or a bundle to start from must have been trained inside the same fold, otherwise it has
        seen held-out images. So their paths contain ``{fold}``, and their cards must name the fold's split.
    resume : bool
        Finish the interrupted fold and continue with the others.

    Returns
    -------
    dict
        The contents of ``out/metrics.json``: pooled figures by source, and each fold's under ``folds``.

    Raises
    ------
    TrainingError, BundleError
    """
    _check(config)
    data, out = Path(data), Path(out)
    folder = Path(cache) if cache else out / "cache"
    with join(device) as group:
        for fold in range(config.folds):
            own = out / f"fold-{fold}"
            with _named(f"fold {fold}"):
                fit_one(
                    data,
                    own,
                    _inside(config, fold),
                    inside_fold=True,
                    resume=resume and (own / "checkpoints" / "last.pt").is_file(),
                    device=device,
                    cache=folder,
                    tensorboard=tensorboard,
                    progress=progress,
                    tick=tick,
                )
        document = group.from_first(_pool(out, config) if group.first else None)
        if cache is None and group.local_rank == 0:
            shutil.rmtree(folder, ignore_errors=True)
    return document


@contextmanager
def _named(what: str) -> Iterator[None]:
    try:
        yield
    except TrainingError as error:
        raise TrainingError(f"{what}: {error}") from error


def _check(config: TrainConfig) -> None:
    if config.split:
        raise TrainingError(
            f"split {config.split}: fixes one test part; take a preset without a split for all folds"
        )
    for teacher in config.teachers:
        if FOLD not in teacher:
            raise TrainingError(
                f"teacher {teacher}: has seen images that other folds hold out; give one a fold, "
                f"such as runs/teacher/fold-{FOLD}/bundle"
            )
    if FOLD not in config.init and is_bundle(config.init):
        raise TrainingError(
            f"init {config.init}: may have seen images that are held out; give one a fold, "
            f"such as runs/first/fold-{FOLD}/bundle"
        )


def _inside(config: TrainConfig, fold: int) -> TrainConfig:
    """Return a fold's configuration."""

    def named(path: str) -> str:
        return path.replace(FOLD, str(fold))

    teachers = tuple(named(teacher) for teacher in config.teachers)
    return config.changed(fold=fold, init=named(config.init), teachers=teachers)


def _pool(out: Path, config: TrainConfig) -> dict[str, Any]:
    runs = [out / f"fold-{fold}" for fold in range(config.folds)]
    documents = [json.loads((run / "metrics.json").read_text("utf-8")) for run in runs]
    rows: list[list[str]] = []
    thresholds: list[float] = []
    header: list[str] = []
    for run, document in zip(runs, documents, strict=True):
        header, own = _read(run / "predictions.csv")
        rows += own
        thresholds += [document["selective"]["abstain_below"]] * len(own)
    write_atomically(out / "predictions.csv", lambda draft: _write(draft, header, rows))
    classes = [name.removeprefix("p_") for name in header[3:]]
    truth = np.array([classes.index(row[2]) for row in rows], np.intp)
    probabilities = np.array([row[3:] for row in rows], np.float64)
    source = np.array([row[1] for row in rows])
    limits = np.array(thresholds)
    names = list(dict.fromkeys(name for document in documents for name in document["sources"]))
    sources = {
        name: _of_source(name, truth, probabilities, classes, limits, source == name, documents, config.folds)
        for name in names
    }
    first = next(n for n in names if documents[0]["data"] == n)
    pooled = {**sources[first], "sources": sources, "model": {"folds": [d["model"] for d in documents]}}
    write_json(out / "metrics.json", pooled)
    return pooled


def _of_source(
    name: str,
    truth: NDArray[np.intp],
    probabilities: NDArray[np.float64],
    classes: list[str],
    thresholds: NDArray[np.float64],
    here: NDArray[np.bool_],
    documents: list[dict[str, Any]],
    folds: int,
) -> dict[str, Any]:
    each = [d["sources"].get(name) for d in documents]
    balanced = [d["balanced_accuracy"] for d in each if d is not None]
    return {
        **figures(truth[here], probabilities[here], classes, TOLERATED),
        "selective": selective_figures(truth[here], probabilities[here], thresholds[here]),
        "folds": [
            {"fold": fold, **{key: d[key] for key in _FIGURES}}
            for fold, d in enumerate(each)
            if d is not None
        ],
        "balanced_accuracy_sd": float(np.std(balanced, ddof=1)) if len(balanced) > 1 else None,
        "protocol": (
            f"cross-validated: {folds} folds, each held out once from a fit of its own, predictions pooled; "
            "stratified by class; figures a fold under folds"
        ),
        "data": name,
        "scale": next((d["scale"] for d in each if d is not None and "scale" in d), None),
    }


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return header, rows


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
