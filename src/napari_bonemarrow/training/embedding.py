"""The network's features laid out on a plane by UMAP."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.training.config import TrainingError

FEWEST = 10
"""Images below which there is nothing to lay out."""


def umap(features: NDArray[np.floating], *, seed: int = 0) -> NDArray[np.float32]:
    """Lay features out on a plane (McInnes et al. 2018, arXiv:1802.03426; umap-learn).

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
        If umap-learn is missing or there are fewer than 10 images.
    """
    if len(features) < FEWEST:
        raise TrainingError(f"UMAP: {len(features)} images are too few to lay out; give at least {FEWEST}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of umap-learn's own: one thread with a seed, TensorFlow missing
        try:
            from umap import UMAP
        except ImportError as error:
            raise TrainingError(
                "UMAP needs umap-learn; run: pip install 'napari-bonemarrow[training]'"
            ) from error
        neighbours = min(15, len(features) - 1)
        # Random rather than spectral start for few images: the spectral one needs more points than axes.
        start = "spectral" if len(features) > 4 * FEWEST else "random"
        layout: Any = UMAP(n_neighbors=neighbours, min_dist=0.1, init=start, random_state=seed)
        points = cast("NDArray[np.float32]", layout.fit_transform(np.asarray(features, np.float32)))
    return points.astype(np.float32)


def write_points(path: Path, rows: Sequence[tuple[str, str, str, str]], points: NDArray[np.float32]) -> None:
    """Write a row a crop: ``source,file,truth,predicted,x,y``."""
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["source", "file", "truth", "predicted", "x", "y"])
        for row, (x, y) in zip(rows, points, strict=True):
            writer.writerow([*row, f"{x:.4f}", f"{y:.4f}"])
