"""The features table of the rings: one row per cell, updated in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CLASSES, CODES, Predictions
from napari_bonemarrow.cytology.arrays import row_of, rows_of
from napari_bonemarrow.review import Case

if TYPE_CHECKING:
    import pandas as pd

_CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "class": CODES,
    "second": CODES,
    "name": ("", *dict.fromkeys(cell.name for cell in CLASSES.values())),
}
"""Columns of few values: one number per cell instead of a text, which is faster for 50,000 rows."""


_OBJECTS = np.array(CODES, dtype=object)
_NAMES = np.array(["", *(cell.name for cell in CLASSES.values())], dtype=object)


def features(case: Case) -> dict[str, NDArray[Any]]:
    """Return the columns of a case's cells, each of shape (n,), in the order of ``case.cells``."""
    columns, predictions = case.table_view(), case.predictions
    confidence, second = np.full(len(columns), np.nan), np.full(len(columns), "", dtype=object)
    if predictions is not None and len(predictions):
        rows = rows_of(columns.cell_id, predictions.cell_id)
        confidence[rows] = columns.confidence[rows]
        others = predictions.probabilities.copy()
        others[np.arange(len(others)), others.argmax(axis=1)] = -1
        second[rows] = np.array(predictions.classes, dtype=object)[others.argmax(axis=1)]
    tags = np.full(len(columns), "", dtype=object)
    for cell, names in case.tags.items():
        tags[row_of(columns.cell_id, cell)] = ", ".join(sorted(names))
    return {
        "class": _OBJECTS[columns.code],
        "name": _NAMES[columns.code],
        "confidence": confidence,
        "second": second,
        "reviewed": columns.reviewed,
        "flagged": columns.flagged,
        "tags": tags,
        "in_frame": columns.in_frame,
    }


def features_of(case: Case, cell_ids: NDArray[np.int64]) -> dict[str, list[Any]]:
    """Return the columns that a reviewer's act on some cells, all of which exist, may have changed."""
    columns = case.table_view()
    rows = rows_of(columns.cell_id, cell_ids)
    tags = case.tags
    return {
        "class": _OBJECTS[columns.code[rows]].tolist(),
        "name": _NAMES[columns.code[rows]].tolist(),
        "reviewed": columns.reviewed[rows].tolist(),
        "flagged": columns.flagged[rows].tolist(),
        "tags": [", ".join(sorted(tags.get(cell, ()))) for cell in cell_ids.tolist()],
    }


def guessed_columns(case: Case, cell_ids: NDArray[np.int64]) -> dict[str, list[Any]]:
    """Return the columns of the classes of some cells, all of which exist, after other guesses."""
    columns = case.table_view()
    codes = columns.code[rows_of(columns.cell_id, cell_ids)]
    return {"class": _OBJECTS[codes].tolist(), "name": _NAMES[codes].tolist()}


def probability_columns(predictions: Predictions, part: slice) -> dict[str, NDArray[Any]]:
    """Return the columns of the probabilities of some predicted cells, those of ``cell_id[part]``."""
    others = predictions.probabilities[part].copy()
    highest = others.max(axis=1)
    others[np.arange(len(others)), others.argmax(axis=1)] = -1
    second = np.array(predictions.classes, dtype=object)[others.argmax(axis=1)]
    return {"confidence": highest.astype(float), "second": second}


class FeaturesTable:
    """The intended content of the features table, from which foreign changes of napari's are detected."""

    def __init__(self) -> None:
        self._columns: dict[str, NDArray[Any]] = {}
        self._known: dict[str, frozenset[str]] = {}

    def build(
        self, cell_id: NDArray[np.int64], columns: Mapping[str, Sequence[Any] | NDArray[Any]]
    ) -> pd.DataFrame:
        """Make a new table.

        Parameters
        ----------
        cell_id : ndarray of int64, shape (n,)
        columns : mapping of str to sequence of length n

        Returns
        -------
        DataFrame
            For napari to keep.
        """
        import pandas as pd

        self._columns = {"cell_id": np.array(cell_id)}
        self._known = {}
        made: dict[str, Any] = {"cell_id": cell_id}
        for name, values in columns.items():
            made[name] = values
            if name in _CATEGORIES:
                known = _CATEGORIES[name]
                more = sorted({str(value) for value in values} - set(known))
                made[name] = pd.Categorical(values, categories=[*known, *more])
                self._known[name] = frozenset((*known, *more))
            self._columns[name] = np.array(values, dtype=object if name in _CATEGORIES else None)
        return pd.DataFrame(made).copy()

    def update(
        self, shown: pd.DataFrame, rows: NDArray[np.intp], columns: Mapping[str, Sequence[Any] | NDArray[Any]]
    ) -> None:
        """Write some rows of some columns, here and into napari's table.

        Parameters
        ----------
        shown : DataFrame
            napari's.
        rows : ndarray of int, shape (m,)
        columns : mapping of str to sequence of length m
            Columns that the table does not have are skipped.
        """
        for name, values in columns.items():
            ours = self._columns.get(name)
            if ours is None or name not in shown.columns:
                continue
            new = np.empty(len(rows), ours.dtype)
            new[:] = values
            changed = np.flatnonzero(ours[rows] != new)
            if not len(changed):
                continue
            ours[rows] = new
            self._make_room(shown, name, values)
            at: Any = shown.columns.get_loc(name)  # a number, since no two columns have one name
            if len(rows) == 1:
                shown.iat[int(rows[0]), at] = values[0]
            else:
                shown.iloc[rows, at] = new

    def _make_room(self, shown: pd.DataFrame, name: str, values: Sequence[Any] | NDArray[Any]) -> None:
        """Add categories to a column for values that none of its cells had before."""
        known = self._known.get(name)
        if known is None or known.issuperset(values):
            return
        more = [value for value in dict.fromkeys(values) if value not in known]
        shown[name] = shown[name].cat.add_categories(more)
        self._known[name] = known.union(more)

    def is_shown(self, shown: pd.DataFrame) -> bool:
        """Return whether napari's table has the intended content."""
        return list(shown.columns) == list(self._columns) and all(
            _are_equal(values, shown[name].to_numpy()) for name, values in self._columns.items()
        )

    @property
    def columns(self) -> dict[str, Any]:
        """Return every column except the cells' numbers."""
        return {name: values for name, values in self._columns.items() if name != "cell_id"}


def _are_equal(ours: NDArray[Any], theirs: NDArray[Any]) -> bool:
    """Compare two columns; missing values are equal."""
    return bool(np.array_equal(ours, theirs, equal_nan=ours.dtype.kind == theirs.dtype.kind == "f"))
