"""Features in the child: kept from classification until somebody asks for them, reduced, laid out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MOST_BYTES = 192 * 2**20
"""75,000 cells of 1280 features. What does not fit is computed anew when it is asked for."""


class SeenFeatures:
    """Features by what they are of (a slide, a bundle) and cell number; another slide's take their place."""

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
        """Tell which of some cells are kept, and hand their features over: they are kept no longer."""
        if of != self._of:
            return np.zeros(len(cell_id), bool), []
        found = [self._rows.pop(cell, None) for cell in cell_id.tolist()]
        rows = [row for row in found if row is not None]
        self._bytes -= sum(row.nbytes for row in rows)
        return np.array([row is not None for row in found], bool), rows


def clipped(values: NDArray[np.floating]) -> NDArray[np.float16]:
    """Return features as float16; the few beyond its range are put at its end."""
    end = float(np.finfo(np.float16).max)
    rows: NDArray[np.float16] = np.clip(values, -end, end).astype(np.float16)
    return rows


def fit_axes(features: NDArray[np.float16]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Find the axes along which features vary most."""
    from napari_bonemarrow.models import features as reduction

    return reduction.fit_axes(features)


T_SNE_UP_TO = 2000
"""Cells from which on UMAP is worth the wait for its compiler; so many take t-SNE a quarter of a minute."""


def layout_method(count: int) -> str:
    """Return by what so many cells are laid out: ``t-SNE`` or ``UMAP``."""
    return "t-SNE" if count <= T_SNE_UP_TO else "UMAP"


def prepare_layout() -> None:
    """Import what few cells are laid out by."""
    import sklearn.manifold  # noqa: F401


def lay_out(features: NDArray[np.float16], seed: int) -> NDArray[np.float32]:
    """Lay the features of cells out on a plane."""
    from napari_bonemarrow.training.figures.feature_plane import tsne, umap

    return (tsne if layout_method(len(features)) == "t-SNE" else umap)(features, seed=seed)
