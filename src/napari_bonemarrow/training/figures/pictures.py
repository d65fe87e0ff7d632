"""Plots of an evaluation: confusion, reliability, features on a plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CLASSES

_MARKERS = "o^sDvP"


def _figure(width: float, height: float) -> Any:
    """Return a figure that needs no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _title(document: Mapping[str, Any]) -> str:
    return f"{document['model']['name']} on {document['data']}, n = {document['n']}"


def draw_confusion(document: Mapping[str, Any], path: Path) -> None:
    """Draw the confusion table as a PNG: rows are true classes, shares of a row, counts in the fields."""
    rows = list(document["confusion"])
    columns = sorted({*rows, *(code for row in document["confusion"].values() for code in row)})
    counts = np.array([[document["confusion"][r].get(c, 0) for c in columns] for r in rows])
    shares = counts / counts.sum(axis=1, keepdims=True)
    figure = _figure(max(0.5 * len(columns) + 2.2, 5.5), 0.45 * len(rows) + 1.8)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=90)
    axes.set_yticks(range(len(rows)), [f"{r} (n={counts[i].sum()})" for i, r in enumerate(rows)])
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(_title(document), fontsize=10)
    for i, j in zip(*np.nonzero(counts), strict=True):
        tone = "white" if shares[i, j] > 0.55 else "black"
        axes.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=7, color=tone)
    figure.colorbar(image, ax=axes, label="share of the true class")
    figure.savefig(path, dpi=120, format="png")


def draw_reliability(document: Mapping[str, Any], path: Path) -> None:
    """Draw accuracy against confidence as a PNG: for each bin a point, its Wilson interval and its number."""
    bins = document["reliability"]
    low = np.array([row["low"] for row in bins])
    width = np.array([row["high"] for row in bins]) - low
    accuracy = np.array([row["accuracy"] for row in bins])
    bounds = np.array([row["accuracy_ci95"] for row in bins])
    figure = _figure(5.0, 5.6)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--", label="confidence = accuracy")
    error = np.abs(bounds.T - accuracy)
    confidence = [row["confidence"] for row in bins]
    above.errorbar(
        confidence, accuracy, error, fmt="o", markersize=5, capsize=2, color="#2a5c9a", label="95 % Wilson"
    )
    if document.get("selective"):
        above.axvline(
            document["selective"]["abstain_below"], color="#b3541e", linewidth=1, label="abstains below"
        )
    above.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.02))
    above.legend(loc="upper left", fontsize=8, frameon=False)
    bounds = document["ece_ci95"]
    spread = f" ({bounds[0]:.3f}–{bounds[1]:.3f})" if bounds else ""
    above.set_title(f"{_title(document)}\ncalibration error {document['ece']:.3f}{spread}", fontsize=10)
    below.bar(low, [row["n"] for row in bins], width, align="edge", color="#9db8d9", edgecolor="white")
    below.set(xlabel="confidence", ylabel="images")
    figure.savefig(path, dpi=120, format="png")


def draw_points(points: NDArray[np.float32], truth: Sequence[str], source: Sequence[str], path: Path) -> None:
    """Draw features on a plane as a PNG: coloured by class with its code, and by source."""
    codes, sources = np.array(truth), np.array(source)
    names = list(dict.fromkeys(source))
    figure = _figure(13, 6.2)
    left, right = figure.subplots(1, 2)
    size = float(np.clip(4000 / len(points), 1.5, 16))
    for code in sorted(set(truth)):
        here = codes == code
        colour = CLASSES[code].color
        for name, marker in zip(names, _MARKERS * len(names), strict=False):
            some = here & (sources == name)
            left.scatter(*points[some].T, s=size, color=colour, marker=marker, linewidths=0, alpha=0.7)
            if some.any():  # a code next to a cloud: colours of a lineage are similar
                x, y = np.median(points[some], axis=0)
                box = {"facecolor": "white", "edgecolor": colour, "pad": 1, "alpha": 0.8}
                left.text(x, y, code, fontsize=7, ha="center", va="center", bbox=box)
    left.set_title("class", fontsize=10)
    for name, colour, marker in zip(
        names, ("#2a5c9a", "#d0772b", "#3c8d53", "#8a4fa0") * len(names), _MARKERS * len(names), strict=False
    ):
        here = sources == name
        right.scatter(
            *points[here].T, s=size, color=colour, marker=marker, linewidths=0, alpha=0.6, label=name
        )
    right.set_title("source", fontsize=10)
    right.legend(markerscale=3, fontsize=9, frameon=False)
    for axes in (left, right):
        axes.set_xticks([])
        axes.set_yticks([])
    figure.suptitle(f"UMAP of the features, n = {len(points)}", fontsize=11)
    figure.savefig(path, dpi=120, format="png")
