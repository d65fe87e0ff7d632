"""A second detection on a case that has been reviewed already."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells

SAME_CELL_UM = 4.0
"""Centres nearer than this are one cell: the nuclei of two touching lymphocytes are 6 µm apart."""


FOUND_AGAIN_UM = 1.0
"""At the edge of a region searched before, the detector finds the same cells at the same place."""


def superseded(
    found: Cells,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    microns_per_pixel: float,
    within_um: float = SAME_CELL_UM,
) -> list[int]:
    """Return the found cells that the case knows already.

    Parameters
    ----------
    found : Cells
        The new detection.
    x, y : ndarray of float64, shape (m,)
        Centres of the known cells, such as those that carry a reviewer's work, level-0 px.
    microns_per_pixel : float
    within_um : float

    Returns
    -------
    list of int
        Numbers of the found cells whose centre lies within that distance of a known one.
    """
    if not len(found) or not len(x):
        return []
    from scipy.spatial import KDTree

    distance, _ = KDTree(np.column_stack([x, y])).query(np.column_stack([found.x, found.y]))
    near: list[int] = found.cell_id[distance * microns_per_pixel <= within_um].tolist()
    return near
