"""Drawn smears for learning: groups of cells in a space of features, and a bundle that knows some of them."""

from __future__ import annotations

import numpy as np

from napari_bonemarrow.cytology import Features, ModelReference, Predictions, Support
from napari_bonemarrow.learning.laboratory_head import LaboratoryHead
from napari_bonemarrow.learning.records import LearningInput

MODEL = ModelReference("drawn", "a" * 64)
KNOWN = ("BLA", "EOS", "LYT", "NGS", "PLM")
SUPPORT = dict.fromkeys(KNOWN, Support.TRAINED) | {"PLM": Support.NONE}
TRUTH = (*KNOWN, "MAS")
WIDTH, AXES = 40, 12


def draw(
    cells: int = 300,
    labels: int = 0,
    *,
    seed: int = 0,
    right: float = 0.6,
    spread: float = 0.5,
    truth: tuple[str, ...] = TRUTH,
    codes: tuple[str, ...] | None = None,
    laboratory: LaboratoryHead | None = None,
    shift: float = 0.0,
) -> tuple[LearningInput, np.ndarray]:
    """Draw a smear with labels on its first cells; the classes of all its cells come with it.

    The groups lie at the same places for every seed, the axes do not. The bundle names `right` of the cells
    of what it knows rightly, and never PLM.
    """
    places = np.random.default_rng(99).normal(size=(len(TRUTH), WIDTH)) / np.sqrt(WIDTH) * 2
    rng = np.random.default_rng(seed)
    classes = rng.choice([TRUTH.index(code) for code in truth], cells)
    full = places[classes] + spread * rng.normal(size=(cells, WIDTH)) / np.sqrt(WIDTH) * 2 + shift
    mean = full.mean(axis=0)
    axes = np.linalg.svd(full - mean, full_matrices=False)[2][:AXES] if cells > AXES else np.eye(AXES, WIDTH)
    values = ((full - mean) @ axes.T).astype(np.float16)
    named = np.where(rng.uniform(size=cells) < right, np.minimum(classes, 4) % 4, rng.integers(0, 4, cells))
    probabilities = np.full((cells, len(KNOWN)), 0.05, np.float32)
    probabilities[:, 4] = 1e-4
    probabilities[np.arange(cells), named] = 0.7
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    ids = np.arange(1, cells + 1, dtype=np.int64)
    said = codes if codes is not None else tuple(TRUTH[c] for c in classes[:labels])
    given = LearningInput(
        Features(ids, values, MODEL, mean.astype(np.float32), axes.astype(np.float32)),
        Predictions(ids, probabilities, KNOWN, SUPPORT, MODEL),
        rng.uniform(6, 12, cells).astype(np.float32),
        ids[: len(said)],
        said,
        laboratory,
    )
    return given, np.array([TRUTH[c] for c in classes])


def share_right(probabilities: np.ndarray, classes: tuple[str, ...], truth: np.ndarray) -> float:
    """Return the share of cells that are named rightly."""
    return float((np.array(classes)[probabilities.argmax(axis=1)] == truth).mean())
