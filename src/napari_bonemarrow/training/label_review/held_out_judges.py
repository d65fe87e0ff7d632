"""Held-out probabilities of each crop, by models that were not fitted on it."""

from __future__ import annotations

import csv
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.data.crop_index import Crops, Source
from napari_bonemarrow.training.data.duplicates import Prints
from napari_bonemarrow.training.data.images import all_images, in_order, read_image
from napari_bonemarrow.training.data.labelled_crops import keep_together, split_crops

Progress = Callable[[int, int, str], None]

_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class Judged:
    """The images of one source with held-out probabilities.

    Attributes
    ----------
    source : Source
    files : tuple of Path
    labels : ndarray of str, shape (n,)
    classes : tuple of str
        The k classes with enough images to be cross-validated.
    probabilities : ndarray of float64, shape (n, k)
    too_few : mapping of str to int
        Classes with fewer groups of images than folds, which are not judged.
    """

    source: Source
    files: tuple[Path, ...]
    labels: NDArray[np.str_]
    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    too_few: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Judged images, and those that could not be.

    Attributes
    ----------
    images : list of (Source, int)
        Every image not known to be unreadable, including classes too small to be judged.
    sources : tuple of Judged
    unreadable : list of str
    """

    images: list[tuple[Source, int]]
    sources: tuple[Judged, ...]
    unreadable: list[str]


def judge_by_features(
    sources: Sequence[Source],
    classifier: Classifier,
    *,
    folds: int,
    seed: int,
    progress: Progress | None = None,
) -> Judgement:
    """Return probabilities of a cross-validated logistic regression on features, by source.

    Raises
    ------
    TrainingError
        If no image can be read, or fewer than two classes of a source have an image per fold.
    """
    images = all_images(sources)
    kept, features, prints, unreadable = _features(classifier, images, progress)
    group = keep_together(kept, prints.groups())
    judged = []
    for source in sources:
        rows = np.array([row for row, (whose, _) in enumerate(kept) if whose is source], np.intp)
        if len(rows):
            if progress is not None:
                progress(len(images), len(images), f"judging {source.name}")
            indices = [kept[row][1] for row in rows]
            judged.append(_judge(source, indices, features[rows], group[rows], folds, seed))
    return Judgement(kept, tuple(judged), unreadable)


def judge_by_run(sources: Sequence[Source], data: Path, run: Path, *, folds: int) -> Judgement:
    """Return the held-out probabilities in a training's ``predictions.csv``.

    With ``train --fold all`` they cover every image, each by the fit that held it out. Images are not read
    here; unreadable ones are not in the table.

    Parameters
    ----------
    sources : sequence of Source
    data : Path
        The run's data folder, to which its file names are relative.
    run : Path
    folds : int
        Classes with fewer images in the table are left out.

    Raises
    ------
    TrainingError
        If the table is missing, damaged, or of other images.
    """
    told, classes = _read_predictions(run / "predictions.csv")
    judged = []
    for source in sources:
        indices, rows = [], []
        for index, file in enumerate(source.files):
            name = str(file.relative_to(data)) if file.is_relative_to(data) else str(file)
            row = told.get((source.name, name))
            if row is not None:
                indices.append(index)
                rows.append(row)
        if rows:
            judged.append(_of_table(source, indices, np.array(rows), classes, folds))
    if not judged:
        raise TrainingError(
            f"{run / 'predictions.csv'}: none of its images is in {data}; name the run's data"
        )
    return Judgement(all_images(sources), tuple(judged), [])


def _read_predictions(path: Path) -> tuple[dict[tuple[str, str], list[float]], tuple[str, ...]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        if header[:3] != ["file", "source", "truth"]:
            raise ValueError("its columns are others")
        told = {(row[1], row[0]): [float(p) for p in row[3:]] for row in rows}
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise TrainingError(
            f"{path}: is not a table of held-out images ({error}); name a finished run"
        ) from error
    return told, tuple(name.removeprefix("p_") for name in header[3:])


def _of_table(
    source: Source,
    indices: Sequence[int],
    probabilities: NDArray[np.float64],
    columns: tuple[str, ...],
    folds: int,
) -> Judged:
    labels = np.array([source.codes[index] for index in indices])
    counts = Counter(labels.tolist())
    classes = tuple(code for code, n in sorted(counts.items()) if n >= folds and code in columns)
    _check_classes(source, classes, folds)
    rows = np.flatnonzero(np.isin(labels, classes))
    own = probabilities[rows][:, [columns.index(code) for code in classes]]
    own /= np.maximum(own.sum(axis=1, keepdims=True), 1e-12)
    return Judged(
        source,
        tuple(source.files[indices[int(row)]] for row in rows),
        labels[rows],
        classes,
        own,
        {code: n for code, n in counts.items() if code not in classes},
    )


def _check_classes(source: Source, classes: Sequence[str], folds: int) -> None:
    if len(classes) < 2:
        raise TrainingError(
            f"{source.name}: fewer than two classes have {folds} images to cross-validate on; "
            "add images or give fewer --folds"
        )


def _features(
    classifier: Classifier, images: Sequence[tuple[Source, int]], progress: Progress | None
) -> tuple[list[tuple[Source, int]], NDArray[np.float32], Prints, list[str]]:
    """Return the features of every readable image."""
    card = classifier.bundle.card
    kept: list[tuple[Source, int]] = []
    unreadable: list[str] = []
    rows: list[NDArray[np.float32]] = []
    batch: list[NDArray[np.uint8]] = []
    prints = Prints()

    def read(place: int) -> NDArray[np.uint8] | None:
        source, index = images[place]
        return read_image(source, source.files[index], card.crop_size, card.microns_per_pixel)

    def flush() -> None:
        if batch:
            rows.append(classifier.features(np.stack(batch)))
            batch.clear()

    for place, crop in enumerate(in_order(read, len(images))):
        source, index = images[place]
        if crop is None:
            unreadable.append(source.name_of(source.files[index]))
            continue
        prints.add(crop)
        kept.append((source, index))
        batch.append(crop)
        if len(batch) == _AT_ONCE:
            flush()
            if progress is not None:
                progress(place, len(images), "looking at crops")
    flush()
    if not kept:
        raise TrainingError(f"none of the {count_of(len(images), 'image')} can be read")
    return kept, np.concatenate(rows), prints, unreadable


def _judge(
    source: Source,
    indices: Sequence[int],
    features: NDArray[np.float32],
    group: NDArray[np.int64],
    folds: int,
    seed: int,
) -> Judged:
    """Return cross-validated probabilities of one source; near-duplicates and patients stay together."""
    labels = np.array([source.codes[index] for index in indices])
    groups = {code: len(np.unique(group[labels == code])) for code in np.unique(labels)}
    classes = tuple(str(code) for code, n in sorted(groups.items()) if n >= folds)
    _check_classes(source, classes, folds)
    rows = np.flatnonzero(np.isin(labels, classes))
    files = tuple(source.files[indices[int(row)]] for row in rows)
    names = tuple(source.name_of(file) for file in files)
    crops = Crops(
        np.empty((0, 1, 1, 3), np.uint8),
        labels[rows],
        np.full(len(rows), source.name),
        names,
        group[rows],
        (),
        (source,),
        names,
    )
    return Judged(
        source,
        files,
        labels[rows],
        classes,
        _cross_validated(crops, features[rows], classes, folds, seed),
        {str(code): int((labels == code).sum()) for code, n in groups.items() if n < folds},
    )


def _cross_validated(
    crops: Crops, features: NDArray[np.float32], classes: tuple[str, ...], folds: int, seed: int
) -> NDArray[np.float64]:
    """Return each crop's probabilities by a regression that was not fitted on it, shape (n, k)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probabilities = np.zeros((len(features), len(classes)))
    for fold in range(folds):
        split = split_crops(crops, folds=folds, fold=fold, calibration_share=0.0, seed=seed)
        regression = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=200, tol=1e-3))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a ranking needs no high precision
            regression.fit(features[split.train], crops.codes[split.train])
        columns = np.array([classes.index(str(code)) for code in regression.classes_])
        probabilities[np.ix_(split.test, columns)] = regression.predict_proba(features[split.test])
    return probabilities
