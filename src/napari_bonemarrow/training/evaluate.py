"""`evaluate`: a bundle against folders of crops with known classes, beside the published figures."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.published import MATEK_2021, PUBLISHED_NOTE, TOLERATED
from napari_bonemarrow.models.bundle import Bundle
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.data import Source, find_sources, read_crop
from napari_bonemarrow.training.files import write_atomically, write_json
from napari_bonemarrow.training.metrics import figures

MINIMUM_IMAGES = 100  # below it, a class's figures say more of chance than of the model

_AT_ONCE = 256  # crops decoded at a time


def evaluate(
    model: Bundle | str | Path,
    data: str | Path,
    out: str | Path,
    *,
    scheme: str | None = None,
    tolerant: bool = False,
    device: str = "auto",
    minimum_images: int = MINIMUM_IMAGES,
) -> dict[str, Any]:
    """Classify folders of crops named by class code and write the figures.

    Several sources in `data` are reported apart and never pooled; the first one of marrow stands on top
    of the document, all under ``sources``. Classes with fewer than `minimum_images` images are left out
    of every figure and listed under ``too_few``, unless no class has as many.

    Parameters
    ----------
    model : Bundle, str or Path
    data : path
    out : path
        Gets ``metrics.json``, ``predictions.csv``, ``confusion.png`` (further sources:
        ``confusion-<source>.png``) and ``table.md``.
    scheme : {"bmc21", "pbc"}, optional
        How the folders are named; recognised by the names if not given.
    tolerant : bool
        Print the tolerant figures in the table too. ``metrics.json`` always holds them.
    device : {"auto", "cpu", "cuda", "cuda:N"}
    minimum_images : int

    Returns
    -------
    dict
        What ``metrics.json`` holds.

    Raises
    ------
    TrainingError, BundleError
    """
    data, out = Path(data), Path(out)
    sources = find_sources(data, scheme)
    classifier = Classifier(model, device)
    documents: dict[str, Any] = {}
    rows: list[list[object]] = []
    for source in sources:
        files, truth, probabilities, unreadable = _classify(classifier, source)
        rows += _prediction_rows(data, source, files, truth, probabilities, classifier.bundle.card.classes)
        documents[source.name] = _document(
            classifier.bundle, source, truth, probabilities, unreadable, minimum_images
        )
    marrow = [source.name for source in sources if source.scheme.marrow]
    first = (marrow or list(documents))[0]
    document = {**documents[first], "sources": documents}
    header = ["source", "file", "truth", "predicted", "confidence", "second", "second_confidence"]
    header += [f"p_{code}" for code in classifier.bundle.card.classes]
    write_atomically(out / "predictions.csv", lambda draft: _write_csv(draft, header, rows))
    for name, each in documents.items():
        target = out / ("confusion.png" if name == first else f"confusion-{name}.png")
        write_atomically(target, lambda draft, each=each: draw_confusion(each, draft))  # type: ignore[misc]
    text = "\n".join(table(name, each, tolerant=tolerant) for name, each in documents.items())
    write_atomically(out / "table.md", lambda draft: draft.write_text(text, "utf-8"))
    write_json(out / "metrics.json", document)
    return document


def _classify(
    classifier: Classifier, source: Source
) -> tuple[list[Path], NDArray[np.intp], NDArray[np.float32], list[str]]:
    """Classify a source's crops in order, a few hundred decoded at a time."""
    card = classifier.bundle.card
    column = {code: index for index, code in enumerate(card.classes)}
    files: list[Path] = []
    truth: list[int] = []
    probabilities: list[NDArray[np.float32]] = []
    unreadable: list[str] = []
    for start in range(0, len(source.files), _AT_ONCE):
        crops = []
        part = slice(start, start + _AT_ONCE)
        for file, code in zip(source.files[part], source.codes[part], strict=True):
            crop = read_crop(file, card.crop_size)
            if crop is None:
                unreadable.append(file.name)
                continue
            if code not in column:
                raise TrainingError(f"{file}: {code} is none of {card.name}'s classes; leave it out")
            crops.append(crop)
            files.append(file)
            truth.append(column[code])
        if crops:
            probabilities.append(classifier.classify(np.stack(crops)).probabilities)
    if not files:
        raise TrainingError(f"{source.name}: none of its {len(source.files)} images can be read")
    return files, np.array(truth, np.intp), np.concatenate(probabilities), unreadable


def _document(
    bundle: Bundle,
    source: Source,
    truth: NDArray[np.intp],
    probabilities: NDArray[np.float32],
    unreadable: list[str],
    minimum_images: int,
) -> dict[str, Any]:
    counts = Counter(truth.tolist())
    enough = [column for column, n in counts.items() if n >= minimum_images] or list(counts)
    counted = np.isin(truth, enough)
    classes = bundle.card.classes
    return {
        **figures(truth[counted], probabilities[counted], classes, TOLERATED),
        "too_few": {classes[c]: n for c, n in sorted(counts.items()) if c not in enough},
        "unreadable": unreadable,
        "left_out": source.left_out,
        "support": {code: str(support) for code, support in bundle.card.support.items()},
        "protocol": (
            "every image of the folder, predictions over all of the bundle's classes; "
            "images that the bundle was trained on make figures too good"
        ),
        "data": source.name,
        "scheme": source.scheme.name,
        "model": {"name": bundle.card.name, "sha256": bundle.sha256},
    }


def _prediction_rows(
    data: Path,
    source: Source,
    files: list[Path],
    truth: NDArray[np.intp],
    probabilities: NDArray[np.float32],
    classes: tuple[str, ...],
) -> list[list[object]]:
    order = np.argsort(-probabilities, axis=1, kind="stable")
    rows: list[list[object]] = []
    for file, code, p, (a, b) in zip(files, truth, probabilities, order[:, :2], strict=True):
        told = [classes[a], f"{p[a]:.4f}", classes[b], f"{p[b]:.4f}"]
        name = file.relative_to(data).as_posix()
        rows.append([source.name, name, classes[code], *told, *(f"{v:.4f}" for v in p)])
    return rows


def _write_csv(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def draw_confusion(document: Mapping[str, Any], path: Path) -> None:
    """Draw the confusion table as a PNG: rows are true classes, shares of a row, counts in the fields."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = list(document["confusion"])
    columns = sorted({*rows, *(code for row in document["confusion"].values() for code in row)})
    counts = np.array([[document["confusion"][r].get(c, 0) for c in columns] for r in rows])
    shares = counts / counts.sum(axis=1, keepdims=True)
    figure = Figure(figsize=(0.5 * len(columns) + 2.2, 0.45 * len(rows) + 1.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=90)
    axes.set_yticks(range(len(rows)), [f"{r} (n={counts[i].sum()})" for i, r in enumerate(rows)])
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(f"{document['model']['name']} on {document['data']}, n = {document['n']}", fontsize=10)
    for i, j in zip(*np.nonzero(counts), strict=True):
        tone = "white" if shares[i, j] > 0.55 else "black"
        axes.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=7, color=tone)
    figure.colorbar(image, ax=axes, label="share of the true class")
    figure.savefig(path, dpi=120, format="png")


def table(name: str, document: Mapping[str, Any], *, tolerant: bool = False) -> str:
    """Write one source's figures as Markdown, beside those of the paper."""
    model = document["model"]
    low, high = document["balanced_accuracy_ci95"]
    lines = [
        f"## {name}: {model['name']} (`{model['sha256'][:12]}`), n = {document['n']}",
        "",
        f"Protocol: {document['protocol']}.",
        "",
        f"Accuracy {document['accuracy']:.3f}, balanced accuracy {document['balanced_accuracy']:.3f} "
        f"(95 % bootstrap {low:.3f}–{high:.3f}), macro-F1 {document['macro_f1']:.3f}, "
        f"weighted F1 {document['weighted_f1']:.3f}, calibration error {document['ece']:.3f}.",
        "",
    ]
    if tolerant:
        forgiven = document["tolerant"]
        lines += [
            f"Tolerant: accuracy {forgiven['accuracy']:.3f}, balanced accuracy "
            f"{forgiven['balanced_accuracy']:.3f}; forgiven are {', '.join(forgiven['pairs'])}.",
            "",
        ]
    lines += [
        "| class | support | n | precision | recall | F1 | published n | precision | recall |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for code, own in document["per_class"].items():
        paper = MATEK_2021[code]
        lines.append(
            f"| {code} | {document['support'][code]} | {own['n']} | {own['precision']:.2f} "
            f"| {own['recall']:.2f} | {own['f1']:.2f} "
            f"| {paper.n} | {paper.precision:.2f} | {paper.recall:.2f} |"
        )
    few = ", ".join(f"{code} ({n})" for code, n in document["too_few"].items())
    lines += ["", f"Too few images for figures: {few}." if few else "", PUBLISHED_NOTE, ""]
    return "\n".join(lines)
