"""Updates of a work list for added and removed cells, while all others keep their places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.arrays import rows_of

if TYPE_CHECKING:
    from napari_bonemarrow.review.state.cell_columns import CaseColumns

_FEW = 256
"""Number of cells that may be added or removed at once without rearranging the rest."""


def is_much_new(before: CaseColumns, now: CaseColumns) -> bool:
    """Return whether predictions or the frame changed, or many cells were added or removed."""
    old = rows_of(before.cell_id, now.cell_id)
    stayed = np.flatnonzero(old >= 0)
    if not len(before) or len(now) + len(before) - 2 * len(stayed) > _FEW:
        return True
    old = old[stayed]
    return not all(
        np.array_equal(getattr(now, name)[stayed], getattr(before, name)[old])
        for name in ("top", "margin", "in_frame")
    )


def inserted(
    kept: NDArray[np.intp],
    fresh: NDArray[np.intp],
    is_new: NDArray[np.bool_],
    headings: NDArray[np.int8] | None,
) -> NDArray[np.intp] | None:
    """Insert new cells among the kept ones, each after the one that precedes it in a fresh order.

    Parameters
    ----------
    kept : ndarray of intp, shape (m,)
        The rows of the cells that stay in the list, in their present order.
    fresh : ndarray of intp, shape (k,)
        The rows of the cells of a freshly arranged list, in its order.
    is_new : ndarray of bool, shape (n,)
        Which rows belong to new cells.
    headings : ndarray of int8, shape (n,), optional
        The heading's class of each row; None if the list has no headings.

    Returns
    -------
    ndarray of intp or None
        None if one is the first of its class, which needs a new heading.
    """
    is_kept = np.zeros(len(is_new), bool)
    is_kept[kept] = True
    for place in np.flatnonzero(is_new[fresh]).tolist():
        at = _place_among(kept, fresh[: place + 1], is_kept, headings)
        if at < 0:
            return None
        kept = np.insert(kept, at, fresh[place])
        is_kept[fresh[place]] = True
    return kept


def _place_among(
    kept: NDArray[np.intp],
    fresh: NDArray[np.intp],
    is_kept: NDArray[np.bool_],
    headings: NDArray[np.int8] | None,
) -> int:
    """Return the place for the last of ``fresh``: under its heading, after its predecessor."""
    before, new = fresh[:-1], fresh[-1]
    suits = is_kept[before]
    heading = np.arange(len(kept))
    if headings is not None:
        suits &= headings[before] == headings[new]
        heading = np.flatnonzero(headings[kept] == headings[new])
    if suits.any():
        return int(np.flatnonzero(kept == before[suits][-1])[0]) + 1
    if len(heading):
        return int(heading[0])
    return 0 if headings is None else -1
