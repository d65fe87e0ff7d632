"""The state of a reading: the work of one reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CODES
from napari_bonemarrow.review.journal.events import Comment, Event, Label
from napari_bonemarrow.review.journal.reading import Reading

CODE_NUMBER = {code: number for number, code in enumerate(CODES)}


class ReadingState:
    """The fold of one reading.

    Attributes
    ----------
    reading : Reading
    readers : set of str
        Names of the people who acted in it, case-folded.
    names : set of str
        The same names as written, for a quick comparison.
    labels : dict of int to Label
        Its own labels of existing cells.
    shown : dict of int to Label
        The shown labels: ``labels`` over those that the reading is based on.
    tags : dict of int to frozenset of str
    flags : set of int
    comments : list of Comment
    tallies : list of Counter
        Cells counted by eye, one counter per field.
    findings : dict of str to str
        Findings in words, by field.
    undoable, redoable : list of Event
        The next events of `undo` and `redo`, last first.
    """

    def __init__(self, reading: Reading, base: Mapping[int, Label] | None = None) -> None:
        self.reading = reading
        self.readers: set[str] = set()
        self.names: set[str] = set()
        self.labels: dict[int, Label] = {}
        self._base = base
        self.shown: dict[int, Label] = self.labels if base is None else dict(base)
        self.tags: dict[int, frozenset[str]] = {}
        self.flags: set[int] = set()
        self.comments: list[Comment] = []
        self.tallies: list[Counter[str]] = [Counter()]
        self.findings: dict[str, str] = {}
        self.undoable: list[Event] = []
        self.redoable: list[Event] = []
        self._waiting: dict[int, tuple[Label | None, frozenset[str] | None, bool]] = {}

    def rest_on(self, first: ReadingState, second: ReadingState) -> None:
        """Begin with the tags and tallies of the first reading, and with the findings of both."""
        self.tags = dict(first.tags)
        self.tallies = [Counter(field) for field in first.tallies]
        self.findings = {**second.findings, **first.findings}

    def label(self, cells: Sequence[int], labels: Sequence[Label | None]) -> list[Label | None]:
        """Write labels, or remove them where None; return the labels then shown."""
        own, base = self.labels, self._base
        for cell, label in zip(cells, labels, strict=True):
            if label is None:
                own.pop(cell, None)
            else:
                own[cell] = label
        if base is None:
            return list(labels)
        seen = [base.get(cell) if label is None else label for cell, label in zip(cells, labels, strict=True)]
        for cell, label in zip(cells, seen, strict=True):
            if label is None:
                self.shown.pop(cell, None)
            else:
                self.shown[cell] = label
        return seen

    def label_all(self, cells: Sequence[int], label: Label) -> None:
        """Write one label on many cells."""
        labels = dict.fromkeys(cells, label)
        self.labels.update(labels)
        if self._base is not None:
            self.shown.update(labels)

    def tag(self, cells: Sequence[int], tag: str, on: bool) -> None:
        """Add a tag to cells, or remove it."""
        for cell in cells:
            tags = self.tags.get(cell, frozenset())
            tags = tags | {tag} if on else tags - {tag}
            if tags:
                self.tags[cell] = tags
            else:
                self.tags.pop(cell, None)

    def flag(self, cells: Iterable[int], on: bool) -> None:
        """Flag cells, or remove the flag."""
        if on:
            self.flags.update(cells)
        else:
            self.flags.difference_update(cells)

    def hide(self, cells: Iterable[int]) -> None:
        """Hide the work on removed cells; it is restored with them."""
        for cell in cells:
            known = (self.labels.pop(cell, None), self.tags.pop(cell, None), cell in self.flags)
            self.flags.discard(cell)
            if known != (None, None, False):
                self._waiting[cell] = known

    def unhide(self, cells: Iterable[int]) -> None:
        """Restore the hidden work on cells."""
        for cell in cells:
            label, tags, flagged = self._waiting.pop(cell, (None, None, False))
            if label is not None:
                self.labels[cell] = label
            if tags is not None:
                self.tags[cell] = tags
            if flagged:
                self.flags.add(cell)

    def everything(self) -> tuple[dict[int, Label], dict[int, frozenset[str]], set[int]]:
        """Return labels, tags and flags, including hidden ones."""
        labels, tags, flags = dict(self.shown), dict(self.tags), set(self.flags)
        for cell, (label, of_cell, flagged) in self._waiting.items():
            labels |= {} if label is None else {cell: label}
            tags |= {} if of_cell is None else {cell: of_cell}
            flags |= {cell} if flagged else set()
        return labels, tags, flags

    def touched(self) -> set[int]:
        """Return the cells that carry work of this reading, including hidden ones."""
        commented = {comment.cell_id for comment in self.comments if comment.cell_id is not None}
        return {*self.labels, *self.tags, *self.flags, *self._waiting, *commented}


def merged(first: Mapping[int, Label], second: Mapping[int, Label]) -> dict[int, Label]:
    """Return the basis of settling: the first reader's labels, and the second's where the first gave none.

    An imported label was given by neither of them; the second reader's replaces it.
    """
    return {**first, **{cell: label for cell, label in second.items() if not _read(first.get(cell))}}


def compared(
    first: Mapping[int, Label], second: Mapping[int, Label]
) -> tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int8]]:
    """Return the cells to which both readers gave a class, ascending, and what each gave.

    Classes are indices of `CODES`. Imported labels belong to no reading.
    """
    one, other = _as_arrays(first), _as_arrays(second)
    cells, at, also = np.intersect1d(one[0], other[0], assume_unique=True, return_indices=True)
    return cells, one[1][at], other[1][also]


def _as_arrays(labels: Mapping[int, Label]) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    read = {cell: CODE_NUMBER[label.code] for cell, label in labels.items() if not label.imported}
    return np.fromiter(read.keys(), np.int64, len(read)), np.fromiter(read.values(), np.int8, len(read))


def _read(label: Label | None) -> bool:
    return label is not None and not label.imported
