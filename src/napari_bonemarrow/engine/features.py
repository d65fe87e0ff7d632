"""Features in the child: kept from classification, reduced and mapped."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MOST_BYTES = 192 * 2**20
"""Memory limit, bytes: 60,000 cells of the starter. Others are computed again when needed."""


class SeenFeatures:
    """Features by slide, bundle and cell number; those of another slide replace them."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most_bytes
        self._of: object = None
        self._rows: dict[int, NDArray[np.float16]] = {}
        self._bytes = 0

    def keep(self, of: object, cell_id: NDArray[np.int64], values: NDArray[np.floating]) -> None:
        """Keep the features of some cells, float of shape (n, f), as float16."""
        if of != self._of:
            self._of, self._rows, self._bytes = of, {}, 0
        rows = clipped(values)
        if self._bytes + rows.nbytes <= self._most:
            self._rows.update(zip(cell_id.tolist(), rows, strict=True))
            self._bytes += rows.nbytes

    def take(
        self, of: object, cell_id: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], list[NDArray[np.float16]]]:
        """Return which cells are kept and their features, and drop them."""
        if of != self._of:
            return np.zeros(len(cell_id), bool), []
        found = [self._rows.pop(cell, None) for cell in cell_id.tolist()]
        rows = [row for row in found if row is not None]
        self._bytes -= sum(row.nbytes for row in rows)
        return np.array([row is not None for row in found], bool), rows


def clipped(values: NDArray[np.floating]) -> NDArray[np.float16]:
    """Return features as float16, clipped to its range."""
    end = float(np.finfo(np.float16).max)
    rows: NDArray[np.float16] = np.clip(values, -end, end).astype(np.float16)
    return rows


def fit_axes(features: NDArray[np.float16]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the principal axes of features."""
    from napari_bonemarrow.models import features as reduction

    return reduction.fit_axes(features)


T_SNE_UP_TO = 2000
"""Cells from which UMAP is worth its compile time; t-SNE takes a quarter of a minute for this number."""


def layout_method(count: int) -> str:
    """Return the layout method for a number of cells: ``t-SNE`` or ``UMAP``."""
    return "t-SNE" if count <= T_SNE_UP_TO else "UMAP"


def prepare_layout() -> None:
    """Import the method for few cells."""
    import sklearn.manifold  # noqa: F401


def lay_out(features: NDArray[np.float16], seed: int) -> NDArray[np.float32]:
    """Return the features of cells on a plane."""
    from napari_bonemarrow.training.figures.feature_plane import tsne, umap

    return (tsne if layout_method(len(features)) == "t-SNE" else umap)(features, seed=seed)
