"""An explanation of one cell: a map on the crop's grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Where in a crop the network looked.

    Attributes
    ----------
    values : ndarray of float32, shape (s, s)
        0 to 1, on the grid of the crop: pixel (row, column) of the map is that of the crop. All 0 when
        nothing in the crop speaks for the target.
    method : str
    target : str
        The class whose logit is explained.
    against : str or None
        If given, what is explained is the logit of `target` less that of `against`.
    microns_per_pixel : float
        Scale of the crop, µm/px.
    """

    values: NDArray[np.float32]
    method: str
    target: str
    against: str | None
    microns_per_pixel: float
