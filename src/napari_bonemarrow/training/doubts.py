"""Labels that a cross-validated model disputes, ranked: confident learning over a network's features.

Northcutt, Jiang and Chuang, *Confident Learning: Estimating Uncertainty in Dataset Labels*, JAIR 70 (2021),
1373-1411 (arXiv:1911.00068), as cleanlab implements it. Each source is judged by itself: a model that has
seen several tells their classes apart by their background.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.models.bundle import Bundle
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.crops import Crops, Source
from napari_bonemarrow.training.data import find_sources, keep_together, split_crops
from napari_bonemarrow.training.duplicates import Prints
from napari_bonemarrow.training.images import all_images, in_order, read_image
from napari_bonemarrow.training.queue import CASE, Doubt, write_queue

Progress = Callable[[int, int, str], None]

TOP = 200
"""Doubted crops that are queued where nobody says otherwise."""

_MOST = 2500  # cells of one queue: its sheet is decoded as one field
_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class Judged:
    """The images of one source with probabilities by models that were not fitted on them.

    Attributes
    ----------
    source : Source
    files : tuple of Path
    labels : ndarray of str, shape (n,)
    classes : tuple of str
        The k classes with enough images to be cross-validated.
    probabilities : ndarray of float64, shape (n, k)
    too_few : mapping of str to int
        Classes with fewer groups of images than folds: nothing is said of them.
    """

    source: Source
    files: tuple[Path, ...]
    labels: NDArray[np.str_]
    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    too_few: Mapping[str, int]


def find_doubts(
    data: str | Path,
    out: str | Path,
    *,
    model: str | Path | Bundle = "starter",
    folds: int = 5,
    top: int = TOP,
    scheme: str | None = None,
    device: str = "auto",
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Rank the crops whose label a cross-validated model disputes, and queue them for review.

    A logistic regression on the bundle's features is fitted on all folds but one and judges that one. The
    features of a bundle that was trained on the same crops, wrong labels among them, find fewer of these.

    Parameters
    ----------
    data : path
        As `find_sources` takes it, of image files.
    out : path
        Gets ``doubts.csv``, the review queue ``doubts.bmcase`` with its sheet ``doubts.png``, and
        ``crops.csv``, a manifest of all crops.
    model : Bundle, or name or folder of one
    folds : int
    top : int
        Most crops to queue.
    scheme : str, optional
    device : {"auto", "cpu", "cuda", "cuda:N"}
    seed : int
        Of the folds.
    progress : callable, optional
        Called with the crops done, all crops, and what is being done.

    Returns
    -------
    dict
        ``crops``, ``disputed`` (crops), ``queued``, ``too_few`` (by source and class), ``unreadable``,
        ``case`` (path).

    Raises
    ------
    TrainingError, BundleError
    """
    data, out = Path(data), Path(out)
    _check(folds, top, out)
    sources = find_sources(data, scheme)
    classifier = Classifier(model, device)
    images = all_images(sources)
    kept, features, prints, unreadable = _features(classifier, images, progress)
    group = keep_together(kept, prints.groups())
    judged = []
    for source in sources:
        rows = np.array([row for row, (whose, _) in enumerate(kept) if whose is source], np.intp)
        if len(rows):
            if progress is not None:
                progress(len(images), len(images), f"judging {source.name}")
            judged.append(
                _judge(source, [kept[row][1] for row in rows], features[rows], group[rows], folds, seed)
            )
    doubts = sorted((doubt for each in judged for doubt in dispute(each)), key=lambda doubt: doubt.score)
    write_queue(out, kept, doubts[:top], classifier.bundle)
    return {
        "crops": len(kept),
        "disputed": len(doubts),
        "queued": min(len(doubts), top),
        "too_few": {each.source.name: dict(each.too_few) for each in judged if each.too_few},
        "unreadable": unreadable,
        "case": str(out / CASE) if doubts else None,
    }


def _check(folds: int, top: int, out: Path) -> None:
    if folds < 2:
        raise TrainingError(f"folds: {folds} is too few; give at least 2")
    if not 1 <= top <= _MOST:
        raise TrainingError(f"top: a queue holds 1 to {_MOST} crops, not {top}")
    if (out / CASE).exists():
        raise TrainingError(f"{out / CASE}: is there already, with its review; name another folder")
    try:
        import cleanlab  # noqa: F401
    except ImportError as error:
        raise TrainingError(
            "finding doubtful labels needs cleanlab, run: pip install 'napari-bonemarrow[training]'"
        ) from error


def _features(
    classifier: Classifier, images: Sequence[tuple[Source, int]], progress: Progress | None
) -> tuple[list[tuple[Source, int]], NDArray[np.float32], Prints, list[str]]:
    """Run the network over every readable image."""
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
        raise TrainingError(f"none of the {len(images)} images can be read")
    return kept, np.concatenate(rows), prints, unreadable


def _judge(
    source: Source,
    indices: Sequence[int],
    features: NDArray[np.float32],
    group: NDArray[np.int64],
    folds: int,
    seed: int,
) -> Judged:
    """Cross-validate on one source; near-duplicates and patients stay on one side."""
    labels = np.array([source.codes[index] for index in indices])
    groups = {code: len(np.unique(group[labels == code])) for code in np.unique(labels)}
    classes = tuple(str(code) for code, n in sorted(groups.items()) if n >= folds)
    if len(classes) < 2:
        raise TrainingError(
            f"{source.name}: fewer than two classes have {folds} images to cross-validate on; "
            "add images or give fewer --folds"
        )
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
            warnings.simplefilter("ignore", ConvergenceWarning)  # a ranking needs no last digit
            regression.fit(features[split.train], crops.codes[split.train])
        columns = np.array([classes.index(str(code)) for code in regression.classes_])
        probabilities[np.ix_(split.test, columns)] = regression.predict_proba(features[split.test])
    return probabilities


def dispute(judged: Judged) -> list[Doubt]:
    """Return the crops of a source whose label is disputed, worst first.

    The score is cleanlab's normalised margin: half of one plus the label's probability less the greatest of
    the others; 0 is worst.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    labels = np.array([judged.classes.index(str(code)) for code in judged.labels])
    rows = find_label_issues(
        labels, judged.probabilities, return_indices_ranked_by="normalized_margin", n_jobs=1
    )
    scores = get_label_quality_scores(labels, judged.probabilities, method="normalized_margin")
    found = []
    for row in rows:
        p = judged.probabilities[row]
        best = int(p.argmax())
        if best != labels[row]:
            found.append(
                Doubt(
                    judged.source,
                    judged.files[row],
                    str(judged.labels[row]),
                    judged.classes[best],
                    float(scores[row]),
                    {code: float(value) for code, value in zip(judged.classes, p, strict=True)},
                )
            )
    return found
