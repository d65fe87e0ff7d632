"""Optional measurements of an evaluation: robustness, source prediction, features on a plane."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.evaluation.classified import Classified, Steps, crops_of
from napari_bonemarrow.training.evaluation.documents import sum_stages
from napari_bonemarrow.training.figures.background import background_features, guess_source, shared_images
from napari_bonemarrow.training.figures.feature_plane import umap, write_points
from napari_bonemarrow.training.figures.pictures import draw_points
from napari_bonemarrow.training.figures.robustness import robustness
from napari_bonemarrow.training.files import write_atomically


def measure_robustness(
    classifier: Classifier, each: Classified, which: NDArray[np.intp], steps: Steps
) -> dict[str, Any]:
    """Return the figures of some of a source's crops under each change; see `robustness`."""
    card, scheme = classifier.bundle.card, each.source.scheme

    def classify(crops: NDArray[np.uint8]) -> NDArray[np.floating]:
        return sum_stages(classifier.classify(crops).probabilities, card.classes, scheme)

    return robustness(
        each.truth[which],
        sum_stages(each.probabilities[which], card.classes, scheme).argmax(axis=1),
        crops_of(each, which, card.crop_size, card.microns_per_pixel),
        classify,
        card.microns_per_pixel,
        lambda crops: steps.next(crops, "changed and classified"),
    )


def tell_sources(
    classifier: Classifier, results: Sequence[Classified], steps: Steps, seed: int
) -> dict[str, Any]:
    """Return how well the source of crops is predicted from background and from network features.

    Parameters
    ----------
    classifier : Classifier
    results : sequence of Classified
        Results of two or more sources.
    steps : Steps
    seed : int

    Returns
    -------
    dict
        ``sources, classes, background, features`` (as `guess_source`) and a ``text`` that explains
        it.

    Raises
    ------
    TrainingError
        If the sources share no class with enough images.
    """
    card = classifier.bundle.card
    places = [(number, index) for number, each in enumerate(results) for index in np.flatnonzero(each.asked)]
    source = np.array([results[number].source.name for number, _ in places])
    code = np.array([card.classes[results[number].truth[index]] for number, index in places])
    chosen = shared_images(source, code, seed=seed)
    if not len(chosen):
        raise TrainingError("background: the sources share no class of which each holds 5 images")
    seen, features = [], []
    for number, each in enumerate(results):
        which = np.array([places[c][1] for c in chosen if places[c][0] == number], np.intp)
        for crops in crops_of(each, which, card.crop_size, card.microns_per_pixel)():
            seen.append(np.stack([background_features(crop) for crop in crops]))
            features.append(classifier.features(crops))
            steps.next(len(crops), "backgrounds measured")
    told = {
        "sources": list(dict.fromkeys(source.tolist())),
        "classes": sorted(set(code[chosen].tolist())),
        "background": guess_source(np.concatenate(seen), source[chosen], seed=seed),
        "features": guess_source(np.concatenate(features), source[chosen], seed=seed),
    }
    return {**told, "text": _meaning(told)}


def _meaning(told: dict[str, Any]) -> str:
    alone, by_network = told["background"], told["features"]
    if alone["balanced_accuracy_ci95"][0] <= alone["chance"]:
        first = "The background alone does not reveal the source better than chance."
    else:
        first = (
            "The background alone reveals the source, without any nucleated cell: with certainty for "
            f"{alone['told']:.0%} of the images."
        )
    return (
        f"{first} From the network's features it is recognised for {by_network['told']:.0%}: what a network "
        "knows of the source can replace the look of the cell wherever a class comes from one source only. "
        "Figures of such classes hold within their source; on marrow from elsewhere they are not known."
    )


def write_umap(
    classifier: Classifier, results: Sequence[Classified], data: Path, out: Path, steps: Steps, seed: int
) -> None:
    """Write the features of all requested images on a plane: ``umap.csv``, ``umap.png``.

    Raises
    ------
    TrainingError
        If umap-learn is missing or there are too few images.
    """
    card = classifier.bundle.card
    rows: list[tuple[str, str, str, str]] = []
    features = []
    for each in results:
        which = np.flatnonzero(each.asked)
        for crops in crops_of(each, which, card.crop_size, card.microns_per_pixel)():
            features.append(classifier.features(crops))
            steps.next(len(crops), "features taken")
        told = each.probabilities.argmax(axis=1)
        rows += [
            (each.source.name, each.name_of(i, data), card.classes[each.truth[i]], card.classes[told[i]])
            for i in which
        ]
    points = umap(np.concatenate(features), seed=seed)
    write_atomically(out / "umap.csv", lambda draft: write_points(draft, rows, points))
    truth, source = [row[2] for row in rows], [row[0] for row in rows]
    write_atomically(out / "umap.png", lambda draft: draw_points(points, truth, source, draft))
