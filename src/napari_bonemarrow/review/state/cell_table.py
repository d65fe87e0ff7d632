"""The cells of a case as columns, with predictions and labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CODES, TAGS, Cells, Frame, Predictions
from napari_bonemarrow.cytology.arrays import row_of, rows_of
from napari_bonemarrow.review.journal.events import Label
from napari_bonemarrow.review.journal.sources import is_imported
from napari_bonemarrow.review.state.guesses import Guesses

_COLUMNS = ("cell_id", "x", "y", "diameter_um", "score", "in_frame")
_NUMBER = {code: number for number, code in enumerate(CODES)}
_TAG_BIT = {tag: 1 << at for at, tag in enumerate(TAGS)}

_MODEL: Mapping[str, tuple[Any, Any]] = {"strangeness": (np.float32, np.nan)}
_REVIEW: Mapping[str, tuple[Any, Any]] = {
    "given": (np.int8, 0),
    "imported": (bool, False),
    "reviewed_at": (np.float64, np.nan),
    "flagged": (bool, False),
    "tagged": (np.uint8, 0),
}


class CellTable:
    """Columns of equal length, sorted by cell number; a cell that was removed keeps its row.

    Attributes
    ----------
    columns : dict of str to ndarray
        Those of `Cells`.
    present : ndarray of bool
        Which cells exist.
    existing : set of int
        Their numbers, to look one up at once.
    bundle : Guesses
        The predictions of the bundle alone.
    taught : Guesses or None
        Those with what reviewed cells taught; None while nothing taught serves.
    strangeness : ndarray of float32
        Share of held-out crops that look more like the training data; NaN if not
        measured.
    code : ndarray of int8
        The effective class: ``given``, else the first guess; in a blind reading ``given`` alone.
    given : ndarray of int8
        The reader's label, 0 without one.
    imported : ndarray of bool
        Whether that label is imported.
    reviewed_at : ndarray of float64
        Time of that label, seconds since 1970, UTC; NaN without one.
    flagged : ndarray of bool
    tagged : ndarray of uint8
        One bit per tag, in the order of `TAGS`.
    blind : bool
        Whether predictions are kept out of ``code``.
    """

    strangeness: NDArray[np.float32]
    given: NDArray[np.int8]
    imported: NDArray[np.bool_]
    reviewed_at: NDArray[np.float64]
    flagged: NDArray[np.bool_]
    tagged: NDArray[np.uint8]

    def __init__(self) -> None:
        self.columns: dict[str, NDArray[Any]] = {name: getattr(Cells.empty(), name) for name in _COLUMNS}
        self.present = np.empty(0, bool)
        self.existing: set[int] = set()
        self.bundle = Guesses(0)
        self.taught: Guesses | None = None
        self.code = np.empty(0, np.int8)
        self.blind = False
        for name, (kind, blank) in {**_MODEL, **_REVIEW}.items():
            setattr(self, name, np.full(0, blank, kind))

    def __len__(self) -> int:
        return len(self.present)

    @property
    def cell_id(self) -> NDArray[np.int64]:
        """Return every cell's number, ascending."""
        return self.columns["cell_id"]

    @property
    def reviewed(self) -> NDArray[np.bool_]:
        """Return which rows carry a label that a reviewer gave or vouched for."""
        reviewed: NDArray[np.bool_] = (self.given > 0) & ~self.imported
        return reviewed

    @property
    def guesses(self) -> Guesses:
        """Return what predicts now: the bundle, or the bundle with what was taught."""
        return self.bundle if self.taught is None else self.taught

    def rows(self, cell_ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the rows of some cells, -1 for unknown cells."""
        return rows_of(self.cell_id, cell_ids)

    def row(self, cell_id: int) -> int:
        """Return the row of one cell, -1 if it is unknown."""
        return row_of(self.cell_id, cell_id)

    def append(self, cells: Cells, present: NDArray[np.bool_] | bool = True) -> None:
        """Append rows, whose numbers are higher than all others."""
        n = len(cells)
        for name in _COLUMNS:
            self.columns[name] = np.concatenate([self.columns[name], getattr(cells, name)])
        present = np.broadcast_to(present, n)
        self.present = np.concatenate([self.present, present])
        self.existing.update(cells.cell_id[present].tolist())
        for name, (kind, blank) in {**_MODEL, **_REVIEW}.items():
            setattr(self, name, np.concatenate([getattr(self, name), np.full(n, blank, kind)]))
        self.code = np.concatenate([self.code, np.zeros(n, np.int8)])
        for guesses in self._all_guesses():
            guesses.append(n)

    def keep(self, rows: NDArray[np.intp]) -> None:
        """Keep only these rows, ascending."""
        self.columns = {name: column[rows] for name, column in self.columns.items()}
        for name in ("present", "code", *_MODEL, *_REVIEW):
            setattr(self, name, getattr(self, name)[rows])
        for guesses in self._all_guesses():
            guesses.keep(rows)
        self.existing = set(self.cell_id[self.present].tolist())

    def forget_predictions(self, classes: tuple[str, ...]) -> None:
        """Clear the predictions, for a model of some classes."""
        self.bundle, self.taught = Guesses(len(self), classes), None
        for name, (kind, blank) in _MODEL.items():
            setattr(self, name, np.full(len(self), blank, kind))
        self._settle(slice(None))

    def predict(self, predictions: Predictions) -> None:
        """Write a bundle's predictions of some cells; unknown cells are skipped."""
        rows = self.rows(predictions.cell_id)
        known = rows >= 0
        rows, probabilities = rows[known], predictions.probabilities[known]
        self.bundle.write(rows, probabilities)
        if self.taught is not None:
            wide = np.zeros((len(rows), len(self.taught.classes)), np.float32)
            wide[:, self.bundle.columns_in(self.taught.classes)] = probabilities
            self.taught.write(rows, wide)
        self.strangeness[rows] = np.nan if predictions.strangeness is None else predictions.strangeness[known]
        self._settle(rows)

    def teach(self, taught: Guesses | None) -> NDArray[np.int64]:
        """Predict with what was taught, or by the bundle alone with None.

        Returns
        -------
        ndarray of int64
            The existing cells whose first guess is now another.
        """
        before = self.guesses.top
        self.taught = taught
        self._settle(slice(None))
        changed: NDArray[np.int64] = self.cell_id[self.present & (self.guesses.top != before)]
        return changed

    def _all_guesses(self) -> tuple[Guesses, ...]:
        return (self.bundle,) if self.taught is None else (self.bundle, self.taught)

    def label(self, cell_ids: Sequence[int], labels: Sequence[Label | None]) -> None:
        """Give cells their labels, or remove them where None."""
        if len(cell_ids) == 1:  # nearly every line of a journal; replaying thousands of them must be fast
            row, label = row_of(self.cell_id, cell_ids[0]), labels[0]
            number = 0 if label is None else _NUMBER[label.code]
            self.given[row] = number
            self.imported[row] = label is not None and label.imported
            self.reviewed_at[row] = np.nan if label is None else _seconds(label.at)
            self.code[row] = number if number or self.blind else self.guesses.top[row]
            return
        rows = self.rows(cell_ids)
        self.given[rows] = [0 if label is None else _NUMBER[label.code] for label in labels]
        data = {
            source
            for source in {label.source for label in labels if label is not None}
            if is_imported(source)
        }
        self.imported[rows] = [label is not None and label.source in data for label in labels]
        self.reviewed_at[rows] = _all_seconds(labels)
        self._settle(rows)

    def label_all(self, cell_ids: Sequence[int], label: Label | None) -> None:
        """Give many cells one label, or remove theirs."""
        rows = self.rows(cell_ids)
        self.given[rows] = 0 if label is None else _NUMBER[label.code]
        self.imported[rows] = label is not None and label.imported
        self.reviewed_at[rows] = np.nan if label is None else _seconds(label.at)
        self._settle(rows)

    def flag(self, cell_ids: Sequence[int], on: bool) -> None:
        """Flag cells, or remove the flag."""
        self.flagged[self.rows(cell_ids)] = on

    def tag(self, cell_ids: Sequence[int], tag: str, on: bool) -> None:
        """Add a tag to cells, or remove it."""
        rows, bit = self.rows(cell_ids), np.uint8(_TAG_BIT[tag])
        self.tagged[rows] = self.tagged[rows] | bit if on else self.tagged[rows] & ~bit

    def show(
        self,
        labels: Mapping[int, Label],
        tags: Mapping[int, frozenset[str]],
        flags: Iterable[int],
        *,
        blind: bool,
    ) -> None:
        """Show another reading."""
        self.blind = blind
        for name, (kind, blank) in _REVIEW.items():
            setattr(self, name, np.full(len(self), blank, kind))
        self._settle(slice(None))
        if labels:
            self.label(tuple(labels), tuple(labels.values()))
        self.flag(tuple(flags), True)
        for cell, of_cell in tags.items():
            for tag in of_cell:
                self.tag((cell,), tag, True)

    def _settle(self, rows: NDArray[np.intp] | slice) -> None:
        """Update the effective class of some rows."""
        given = self.given[rows]
        self.code[rows] = given if self.blind else np.where(given > 0, given, self.guesses.top[rows])

    def set_present(self, cell_ids: Sequence[int], present: bool) -> None:
        """Remove cells, or restore them."""
        self.present[self.rows(cell_ids)] = present
        if present:
            self.existing.update(cell_ids)
        else:
            self.existing.difference_update(cell_ids)

    def set_frame(self, frame: Frame, microns_per_pixel: float) -> None:
        """Update which cells are counted."""
        self.columns["in_frame"] = frame.contains(self.columns["x"], self.columns["y"], microns_per_pixel)

    def cells(self) -> Cells:
        """Return the existing cells."""
        return Cells(*(self.columns[name][self.present] for name in _COLUMNS))

    def counted(self) -> NDArray[np.bool_]:
        """Return which rows exist and lie in the frame."""
        counted: NDArray[np.bool_] = self.present & self.columns["in_frame"]
        return counted

    def tags_by_class(self, counted: NDArray[np.bool_]) -> dict[str, dict[str, int]]:
        """Return for each tag how many of some rows carry it, by effective class."""
        found: dict[str, dict[str, int]] = {}
        if not self.tagged.any():
            return found
        for tag, bit in _TAG_BIT.items():
            counts = count_codes(self.code[counted & (self.tagged & bit > 0)])
            if counts:
                found[tag] = counts
        return found


def count_codes(codes: NDArray[np.int8]) -> dict[str, int]:
    """Count cells by class; empty classes are omitted."""
    counts = np.bincount(codes, minlength=len(CODES))
    return {CODES[number]: int(counts[number]) for number in np.flatnonzero(counts).tolist()}


def _all_seconds(labels: Sequence[Label | None]) -> NDArray[np.float64]:
    """Return the times of labels, seconds since 1970, UTC; NaN without a label."""
    # numpy parses tens of thousands of times in a fifth of the time of datetime.
    times = np.array(
        ["NaT" if label is None else label.at.removesuffix("Z") for label in labels], "datetime64[ms]"
    )
    seconds = times.astype(np.int64) / 1000.0
    seconds[np.isnat(times)] = np.nan
    return seconds


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
