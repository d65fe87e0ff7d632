"""Which cells look like a cell: those that the network sees alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Features

MOST = 6
"""Look-alikes that are shown of a cell."""


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A cell that resembles another.

    Attributes
    ----------
    cell_id : int
    distance : float
        One less the cosine between the features of both, less the case's mean: 0 alike, 1 unrelated, 2
        opposite.
    """

    cell_id: int
    distance: float


class Neighbours:
    """Finds the look-alikes of any cell among some.

    Parameters
    ----------
    features : Features
        By ascending cell number.
    """

    def __init__(self, features: Features) -> None:
        self.cell_id = features.cell_id
        values = features.values.astype(np.float32)
        length = np.linalg.norm(values, axis=1, keepdims=True)
        self._directions = values / np.maximum(length, np.finfo(np.float32).tiny)

    def nearest(
        self, cell_id: int, among: NDArray[np.bool_], count: int = MOST
    ) -> tuple[LookAlike, ...] | None:
        """Find the cells nearest to a cell.

        Parameters
        ----------
        cell_id : int
        among : ndarray of bool, shape (n,)
            Which of the cells with features may be named; the cell itself never is.
        count : int

        Returns
        -------
        tuple of LookAlike
            The most alike first; None where the cell itself has no features.
        """
        at = int(np.searchsorted(self.cell_id, cell_id))
        if at == len(self.cell_id) or self.cell_id[at] != cell_id:
            return None
        cosine = np.where(among, self._directions @ self._directions[at], np.float32(-np.inf))
        cosine[at] = -np.inf
        kept = min(count, int(np.count_nonzero(np.isfinite(cosine))))
        if not kept:
            return ()
        best = np.argpartition(-cosine, kept - 1)[:kept]
        best = best[np.lexsort((self.cell_id[best], -cosine[best]))]
        return tuple(LookAlike(int(self.cell_id[row]), max(0.0, 1.0 - float(cosine[row]))) for row in best)
