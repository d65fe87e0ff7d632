"""The state of a case: what its journal adds up to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Frame, ModelReference, RegionRanking, Support
from napari_bonemarrow.cytology.defaults import TARGET
from napari_bonemarrow.review.journal.arrays import Blob
from napari_bonemarrow.review.journal.events import Event, Label
from napari_bonemarrow.review.journal.field_types import ArrayPayload
from napari_bonemarrow.review.journal.journal_json import (
    SlideRecord,
)
from napari_bonemarrow.review.journal.reading import FIRST, SECOND, SETTLING, Reading
from napari_bonemarrow.review.journal.signature import Signature
from napari_bonemarrow.review.state.cell_table import CellTable
from napari_bonemarrow.review.state.detection_progress import TileSearch
from napari_bonemarrow.review.state.feature_store import FeatureStore
from napari_bonemarrow.review.state.reading_state import ReadingState, compared

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Scale


class State:
    """Everything the journal adds up to. Nothing but the fold of the journal changes it.

    Parameters
    ----------
    blob : callable
        Returns an array's bytes by their hash.

    Attributes
    ----------
    slide : SlideRecord or None
    scale : Scale or None
    frame : Frame or None
    target : int
    ranking : RegionRanking or None
    quality : mapping or None
        Which arrays hold the quality map that the ranking was made by.
    search : TileSearch or None
        A detection that goes on.
    detected : bool
        Whether a detection has come to its end, even one without a cell, and was not discarded.
    unread : tuple of str
        A line for each tile that the detector could not read.
    table : CellTable
        Shows the active reading.
    reads : dict of int to ReadingState
        By number; the first is there from the start.
    reading : int
        The active one.
    added, removed : set of int
        Cells that the reviewer added or removed.
    next_cell_id : int
        Higher than any number ever given.
    model : ModelReference or None
    feature_store : FeatureStore
    signatures : list of Signature
    case_id : str
        Of this case alone, given when it was begun.
    replaying : bool
        Whether the table waits for reviewers' acts until all are taken in.
    """

    def __init__(self, blob: Blob) -> None:
        self.blob = blob
        self.slide: SlideRecord | None = None
        self.scale: Scale | None = None
        self.frame: Frame | None = None
        self.target = TARGET
        self.ranking: RegionRanking | None = None
        self.quality: Mapping[str, ArrayPayload] | None = None
        self.search: TileSearch | None = None
        self.detected = False
        self.unread: tuple[str, ...] = ()
        self.table = CellTable()
        self.reads: dict[int, ReadingState] = {FIRST: ReadingState(Reading(FIRST, "", "first", "", None))}
        self.reading = FIRST
        self.added: set[int] = set()
        self.removed: set[int] = set()
        self.next_cell_id = 1
        self.model: ModelReference | None = None
        self.classes: tuple[str, ...] = ()
        self.support: Mapping[str, Support] = {}
        self.abstain_below: float | None = None
        self.feature_store = FeatureStore()
        self.signatures: list[Signature] = []
        self.case_id = ""
        self.replaying = False
        self._compared: tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int8]] | None = None

    @property
    def read(self) -> ReadingState:
        """The active reading."""
        return self.reads[self.reading]

    @property
    def labels(self) -> Mapping[int, Label]:
        """What is shown as labels of cells that exist."""
        return self.read.shown

    @property
    def undoable(self) -> list[Event]:
        """What `undo` would take back next, last first."""
        return self.read.undoable

    @property
    def redoable(self) -> list[Event]:
        """What `redo` would repeat next, last first."""
        return self.read.redoable

    @property
    def classes_seen(self) -> bool:
        """Whether a model or the active reader has given a cell a class, which fixes scale and frame."""
        return self.model is not None or bool(self.labels)

    @property
    def signature(self) -> Signature | None:
        """The signature in force."""
        last = self.signatures[-1] if self.signatures else None
        return last if last is not None and last.amended is None else None

    @property
    def blind(self) -> bool:
        """Whether the active reading is one that must not see what the others say."""
        return self.reading == SECOND

    @contextmanager
    def replay(self) -> Iterator[None]:
        """Let the table wait for the acts of reviewers until a whole journal has been taken in."""
        self.replaying = True
        yield
        self.catch_up()
        self.replaying = False

    def catch_up(self) -> None:
        """Let the table show what was replayed so far."""
        self.table.show(*self.read.everything(), blind=self.blind)

    def corrections(self) -> set[int]:
        """Return the cells that carry a reviewer's work, removed ones among them."""
        touched = [read.touched() for read in self.reads.values()]
        return self.added.union(self.removed, *touched)

    @property
    def both_read(self) -> bool:
        """Whether two readings have ended, so that they may be compared."""
        return SECOND in self.reads and self.reads[SECOND].reading.ended_at is not None

    def visible_reads(self) -> tuple[ReadingState, ...]:
        """Return the readings that may be seen side by side: all, once none is blind any more."""
        open_second = SECOND in self.reads and not self.both_read
        return (self.read,) if open_second else tuple(self.reads.values())

    def compared(self) -> tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int8]]:
        """Return the cells that both readers gave a class, and what each gave; none before both have ended.

        Neither reading can change then, so it is worked out once.
        """
        if not self.both_read:
            return np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0, np.int8)
        if self._compared is None:
            self._compared = compared(self.reads[FIRST].labels, self.reads[SECOND].labels)
        return self._compared

    def disagreements(self, *, settled: bool = False) -> NDArray[np.int64]:
        """Return the cells on which two readers differ, by default those that nobody has settled."""
        cells, first, second = self.compared()
        found: NDArray[np.int64] = cells[first != second]
        if settled or SETTLING not in self.reads:
            return found
        done = self.reads[SETTLING].labels
        return np.array([cell for cell in found.tolist() if cell not in done], np.int64)

    def place(self) -> None:
        """Work out anew which cells are counted."""
        if self.frame is not None and self.scale is not None:
            self.table.set_frame(self.frame, self.scale.microns_per_pixel)

    def show(self, number: int) -> None:
        """Make a reading the active one."""
        self.reading = number
        if not self.replaying:
            self.catch_up()

    def forget_acts(self) -> None:
        """Leave nothing to undo or redo in any reading."""
        for read in self.reads.values():
            read.undoable.clear()
            read.redoable.clear()

    def label(self, cells: Sequence[int], labels: Sequence[Label | None]) -> None:
        """Give cells their labels in the active reading, or take them where they are None."""
        shown = self.read.label(cells, labels)
        if not self.replaying:
            self.table.label(cells, shown)

    def label_all(self, cells: Sequence[int], label: Label) -> None:
        """Give cells one label in the active reading."""
        self.read.label_all(cells, label)
        if self.replaying:
            return
        if len(cells) == 1:
            self.table.label(cells, (label,))
        else:
            self.table.label_all(cells, label)

    def tag(self, cells: Sequence[int], tag: str, on: bool) -> None:
        """Give cells a tag in the active reading, or take it."""
        self.read.tag(cells, tag, on)
        if not self.replaying:
            self.table.tag(cells, tag, on)

    def flag(self, cells: Sequence[int], on: bool) -> None:
        """Flag cells in the active reading, or take the flag."""
        self.read.flag(cells, on)
        if not self.replaying:
            self.table.flag(cells, on)
