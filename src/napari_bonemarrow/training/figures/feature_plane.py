"""Feature vectors on a plane, by UMAP or, for few cells, by t-SNE."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.training.config import TrainingError

FEWEST = 10
"""Fewest cells for a map."""

_NEIGHBOURS = 15
_EXACT_UP_TO = 80_000
"""Most cells with exact neighbours, which are faster than umap-learn's own search: that is compiled first,
for about half a minute."""


_PERPLEXITY = 30.0


def tsne(features: NDArray[np.floating], *, seed: int = 0) -> NDArray[np.float32]:
    """Return features on a plane by t-SNE (van der Maaten & Hinton 2008; Barnes-Hut, scikit-learn).

    146 images take a second, UMAP most of a minute, mainly for compiling; from some thousands on UMAP is
    faster.

    Parameters
    ----------
    features : ndarray, shape (n, d)
    seed : int

    Returns
    -------
    ndarray of float32, shape (n, 2)
        Distances between far points mean little; neighbourhoods do.

    Raises
    ------
    TrainingError
        If there are fewer than 10 images.
    """
    values = np.asarray(features, np.float32)
    _refuse_few(len(values))
    from sklearn.manifold import TSNE

    # Begun on the first two principal axes, for the orientation of a plain projection.
    spread = values.shape[1] > 1 and bool(values.std(axis=0).max() > 0)
    layout = TSNE(
        perplexity=min(_PERPLEXITY, (len(values) - 1) / 3),
        init="pca" if spread else "random",
        random_state=seed,
    )
    return np.asarray(layout.fit_transform(values), np.float32)


def _refuse_few(count: int) -> None:
    if count < FEWEST:
        raise TrainingError(f"{count_of(count, 'image')}: too few to lay out; give at least {FEWEST}")


def umap(features: NDArray[np.floating], *, seed: int = 0) -> NDArray[np.float32]:
    """Return features on a plane by UMAP (McInnes et al. 2018, arXiv:1802.03426; umap-learn).

    Parameters
    ----------
    features : ndarray, shape (n, d)
    seed : int

    Returns
    -------
    ndarray of float32, shape (n, 2)
        Distances between far points mean little; neighbourhoods do.

    Raises
    ------
    TrainingError
        If umap-learn is missing or there are fewer than 10 cells.
    """
    _refuse_few(len(features))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # umap-learn warns of one thread with a seed, no TensorFlow
        try:
            from umap import UMAP
        except ImportError as error:
            raise TrainingError(
                "UMAP needs umap-learn; run: pip install 'napari-bonemarrow[training]'"
            ) from error
        values = np.asarray(features, np.float32)
        neighbours = min(_NEIGHBOURS, len(values) - 1)
        known = _exact_neighbours(values, neighbours) if len(values) <= _EXACT_UP_TO else (None, None, None)
        # Begun on the first two principal axes, for the orientation of a plain projection.
        layout: Any = UMAP(
            n_neighbors=neighbours, min_dist=0.1, init="pca", random_state=seed, precomputed_knn=known
        )
        points = cast("NDArray[np.float32]", layout.fit_transform(values))
    return points.astype(np.float32)


def _exact_neighbours(
    values: NDArray[np.float32], count: int
) -> tuple[NDArray[np.int32], NDArray[np.float32], None]:
    """Return each row's nearest rows, itself first, and their distances, both (n, count)."""
    from sklearn.neighbors import NearestNeighbors

    distances, indices = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(values).kneighbors(values)
    return indices.astype(np.int32), distances.astype(np.float32), None


def write_points(path: Path, rows: Sequence[tuple[str, str, str, str]], points: NDArray[np.float32]) -> None:
    """Write a row per crop: ``source,file,truth,predicted,x,y``."""
    import csv

    from napari_bonemarrow.report import defused

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["source", "file", "truth", "predicted", "x", "y"])
        for row, (x, y) in zip(rows, points, strict=True):
            writer.writerow([*map(defused, row), f"{x:.4f}", f"{y:.4f}"])
