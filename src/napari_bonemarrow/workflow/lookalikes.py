"""Look-alikes of a cell: those with similar feature vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Features
from napari_bonemarrow.cytology.arrays import row_of

MOST = 6
"""Number of look-alikes shown for a cell."""


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A look-alike of a cell.

    Attributes
    ----------
    cell_id : int
    distance : float
        1 - cosine of both feature vectors minus the case's mean: 0 equal, 1 unrelated, 2 opposite.
    """

    cell_id: int
    distance: float


class Neighbours:
    """A search for look-alikes among cells.

    Parameters
    ----------
    features : Features
        In ascending order of cell number.
    """

    def __init__(self, features: Features) -> None:
        self.cell_id = features.cell_id
        values = features.values.astype(np.float32)
        length = np.linalg.norm(values, axis=1, keepdims=True)
        self._directions = values / np.maximum(length, np.finfo(np.float32).tiny)

    def nearest(
        self, cell_id: int, among: NDArray[np.bool_], count: int = MOST
    ) -> tuple[LookAlike, ...] | None:
        """Return the cells nearest to a cell.

        Parameters
        ----------
        cell_id : int
        among : ndarray of bool, shape (n,)
            Eligible cells among those with features; the cell itself is excluded.
        count : int

        Returns
        -------
        tuple of LookAlike
            The most similar first; None if the cell has no features.
        """
        at = row_of(self.cell_id, cell_id)
        if at < 0:
            return None
        cosine = np.where(among, self._directions @ self._directions[at], np.float32(-np.inf))
        cosine[at] = -np.inf
        kept = min(count, int(np.count_nonzero(np.isfinite(cosine))))
        if not kept:
            return ()
        best = np.argpartition(-cosine, kept - 1)[:kept]
        best = best[np.lexsort((self.cell_id[best], -cosine[best]))]
        return tuple(LookAlike(int(self.cell_id[row]), max(0.0, 1.0 - float(cosine[row]))) for row in best)
