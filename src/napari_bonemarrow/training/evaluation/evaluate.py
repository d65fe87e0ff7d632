"""Evaluation of a bundle on labelled crops, compared with the published figures."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_bonemarrow.models.bundles.bundle import Bundle
from napari_bonemarrow.models.bundles.card import Card
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.report import defused
from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.data.labelled_crops import find_sources
from napari_bonemarrow.training.evaluation.classified import Classified, Progress, Steps, classify_source
from napari_bonemarrow.training.evaluation.documents import Asked, counted, document
from napari_bonemarrow.training.evaluation.extras import measure_robustness, tell_sources, write_umap
from napari_bonemarrow.training.evaluation.protocol import choose_images
from napari_bonemarrow.training.figures.pictures import draw_confusion, draw_reliability
from napari_bonemarrow.training.figures.priors import ESTIMATE, target_prior
from napari_bonemarrow.training.figures.tables import background_table, table
from napari_bonemarrow.training.files import write_atomically, write_json

MINIMUM_IMAGES = 100  # with fewer images, a class's figures are mostly chance


def evaluate(
    model: Bundle | str | Path,
    data: str | Path,
    out: str | Path,
    *,
    scheme: str | None = None,
    tolerant: bool = False,
    device: str = "auto",
    minimum_images: int = MINIMUM_IMAGES,
    split: str | None = None,
    part: str = "test",
    limit: int | None = None,
    prior: str | None = None,
    robust: bool = False,
    background: bool = False,
    umap: bool = False,
    seed: int = 0,
    scales: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Classify labelled crops and write the figures.

    Sources in `data` are reported separately and never pooled; the first one of marrow is on top of the
    document, all are under ``sources``. Classes with fewer than `minimum_images` images in a source, all
    parts together, are left out of its figures and listed under ``too_few``, unless no class has as many.

    Parameters
    ----------
    model : Bundle, str or Path
    data : path
    out : path
        Gets ``metrics.json``, ``predictions.csv``, ``confusion.png`` and ``reliability.png`` (further
        sources: ``confusion-<source>.png`` and so on) and ``table.md``.
    scheme : {"bmc21", "pbc", "choi10"}, optional
        Class scheme of the folders; recognised by their names if not given.
    tolerant : bool
        Also print the tolerant figures in the table. ``metrics.json`` always contains them.
    device : {"auto", "cpu", "cuda", "cuda:N"}
    minimum_images : int
    split : str, optional
        A table ``file,part``, by path or by its name in the package. Only the images of `part` are measured,
        and the protocol says whether training used that split.
    part : {"test", "calibration", "train"}
    limit : int, optional
        Most images per class and source, drawn at random.
    prior : str, optional
        Also the figures under a class distribution: ``published``, a CSV file, ``CODE=number,...``, or
        ``estimate``.
    robust : bool
        Also classify each crop under changes of colour, light, focus, storage, scale and direction.
    background : bool
        Also predict the crops' source from their background and from the network's features.
    umap : bool
        Also project the features on a plane: ``umap.png`` and ``umap.csv``.
    seed : int
        Random seed.
    scales : mapping of str to float, optional
        µm per pixel of data sets by name, which override their own.
    progress : callable, optional

    Returns
    -------
    dict
        The contents of ``metrics.json``.

    Raises
    ------
    TrainingError, BundleError
    """
    data, out = Path(data), Path(out)
    bundle = Bundle.open(model)
    if prior and prior != ESTIMATE:
        target_prior(prior, bundle.card.classes)  # before classification starts
    if limit is not None and limit < 1:
        raise TrainingError(f"limit: {limit} is too few; give at least 1 image a class")
    sources = find_sources(data, scheme, scales)
    selections, protocol = choose_images(sources, bundle.card, split, part, limit, seed)
    if background and len(selections) < 2:
        raise TrainingError(
            f"{data}: holds one source; telling sources by their background needs two or more"
        )
    classifier = Classifier(bundle, device)
    steps = Steps(progress, sum(len(s.source.files) for s in selections), 1 + robust + umap + background)
    results = [classify_source(classifier, selection, steps.next) for selection in selections]
    asked = Asked(minimum_images, prior, protocol)
    documents = {each.source.name: document(bundle, each, asked) for each in results}
    if robust:
        for each in results:
            which = np.flatnonzero(counted(each, bundle.card, minimum_images))
            documents[each.source.name]["robustness"] = measure_robustness(classifier, each, which, steps)
    first = ([each.source.name for each in results if each.source.scheme.marrow] or list(documents))[0]
    whole = {**documents[first], "sources": documents}
    text = [table(name, each, tolerant=tolerant) for name, each in documents.items()]
    if background:
        whole["background"] = tell_sources(classifier, results, steps, seed)
        text.append(background_table(whole["background"]))
    _write(out, bundle.card, results, documents, first, data)
    if umap:
        write_umap(classifier, results, data, out, steps, seed)
    write_atomically(out / "table.md", lambda draft: draft.write_text("\n".join(text), "utf-8"))
    write_json(out / "metrics.json", whole)
    return whole


def _write(
    out: Path,
    card: Card,
    results: Sequence[Classified],
    documents: Mapping[str, Mapping[str, Any]],
    first: str,
    data: Path,
) -> None:
    """Write the predictions and each source's figures as images."""
    header = ["source", "file", "truth", "predicted", "confidence", "second", "second_confidence"]
    header += [f"p_{code}" for code in card.classes]
    rows = [row for each in results for row in _prediction_rows(data, each, card.classes)]
    write_atomically(out / "predictions.csv", lambda draft: _write_csv(draft, header, rows))
    for name, each in documents.items():
        for kind, draw in (("confusion", draw_confusion), ("reliability", draw_reliability)):
            target = out / (f"{kind}.png" if name == first else f"{kind}-{name}.png")
            write_atomically(target, lambda draft, draw=draw, each=each: draw(each, draft))  # type: ignore[misc]


def _prediction_rows(data: Path, each: Classified, classes: tuple[str, ...]) -> Iterator[list[object]]:
    order = np.argsort(-each.probabilities, axis=1, kind="stable")
    for index in np.flatnonzero(each.asked):
        p, (a, b) = each.probabilities[index], order[index, :2]
        told = [classes[a], f"{p[a]:.4f}", classes[b], f"{p[b]:.4f}"]
        name = each.name_of(index, data)
        yield [each.source.name, name, classes[each.truth[index]], *told, *(f"{v:.4f}" for v in p)]


def _write_csv(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([defused(value) for value in row] for row in rows)
