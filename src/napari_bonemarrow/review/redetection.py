"""A second detection on a case that has been reviewed already."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells

SAME_CELL_UM = 4.0
"""Two centres nearer than this are one cell: the nuclei of two touching lymphocytes lie 6 µm apart."""


def superseded(
    found: Cells, x: NDArray[np.float64], y: NDArray[np.float64], microns_per_pixel: float
) -> list[int]:
    """Return which found cells a reviewer has dealt with already.

    Parameters
    ----------
    found : Cells
        The new detection.
    x, y : ndarray of float64, shape (m,)
        Centres of the cells that carry a reviewer's work, level-0 px.
    microns_per_pixel : float

    Returns
    -------
    list of int
        Numbers of the found cells whose centre lies within 4 µm of one of those.
    """
    if not len(found) or not len(x):
        return []
    from scipy.spatial import KDTree

    distance, _ = KDTree(np.column_stack([x, y])).query(np.column_stack([found.x, found.y]))
    near: list[int] = found.cell_id[distance * microns_per_pixel <= SAME_CELL_UM].tolist()
    return near
