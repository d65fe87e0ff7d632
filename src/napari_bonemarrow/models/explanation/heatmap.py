"""Heatmap: an explanation of one cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Heatmap:
    """A heatmap on a crop.

    Attributes
    ----------
    values : ndarray of float32, shape (s, s)
        0 to 1; pixel (row, column) of the map is that of the crop. All 0 if nothing in the crop supports
        the target.
    method : str
    target : str
        The class whose logit is explained.
    against : str or None
        If given, the logit of `target` minus that of `against` is explained.
    microns_per_pixel : float
        Scale of the crop, µm/px.
    """

    values: NDArray[np.float32]
    method: str
    target: str
    against: str | None
    microns_per_pixel: float
