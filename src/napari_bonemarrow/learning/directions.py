"""Features as directions from the middle of a smear."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def centred_directions(
    values: NDArray[np.floating[Any]], centre: NDArray[np.floating[Any]] | float | None = None
) -> NDArray[np.float64]:
    """Return features centred over the smear and scaled to length 1.

    Stain and scanner shift the features of all cells of a smear alike, and contrast stretches them.

    Parameters
    ----------
    values : ndarray, shape (n, d)
    centre : ndarray of shape (d,) or float, optional
        By default the mean of the values.

    Returns
    -------
    ndarray of float64, shape (n, d)
        A cell at the centre stays there.
    """
    rows = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    origin = centre
    if origin is None:
        origin = rows.mean(axis=0) if len(rows) else 0.0
    rows = rows - origin
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    result: NDArray[np.float64] = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-9)
    return result
