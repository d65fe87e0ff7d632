"""The state of a case, the result of its journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Frame, ModelReference, RegionRanking, Support
from napari_bonemarrow.cytology.profiles import default_profile
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
from napari_bonemarrow.review.state.learning_state import LearningState
from napari_bonemarrow.review.state.reading_state import ReadingState, compared
from napari_bonemarrow.review.state.sample_state import SampleState

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Scale


class State:
    """The state that results from the journal. Only the fold of the journal changes it.

    Parameters
    ----------
    blob : callable
        Returns an array's bytes for their hash.

    Attributes
    ----------
    slide : SlideRecord or None
    scale : Scale or None
    frame : Frame or None
    profile : CountingProfile
        Rules, target and reference ranges; ICSH 2008 in cases that name none.
    target : int
    ranking : RegionRanking or None
    quality : mapping or None
        The arrays of the quality map behind the ranking.
    search : TileSearch or None
        An unfinished detection.
    detected : bool
        Whether a detection was completed, even without a cell, and was not discarded.
    unread : tuple of str
        A line for each tile that the detector could not read.
    table : CellTable
        Shows the active reading.
    reads : dict of int to ReadingState
        By number; the first always exists.
    reading : int
        Number of the active reading.
    added, removed : set of int
        Cells that the reviewer added or removed.
    next_cell_id : int
        Higher than any number ever given.
    model : ModelReference or None
    feature_store : FeatureStore
    learning : LearningState
    sample : SampleState or None
        A sample review, also one that was widened to all cells.
    signatures : list of Signature
    case_id : str
        Unique identifier of the case, from its first line.
    replaying : bool
        Whether the table is updated with reviewers' acts only after the whole journal.
    """

    def __init__(self, blob: Blob) -> None:
        self.blob = blob
        self.slide: SlideRecord | None = None
        self.scale: Scale | None = None
        self.frame: Frame | None = None
        self.profile = default_profile()
        self.target = self.profile.target
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
        self.confusion: Mapping[str, Mapping[str, int]] | None = None
        self.feature_store = FeatureStore()
        self.learning = LearningState()
        self.sample: SampleState | None = None
        self.signatures: list[Signature] = []
        self.case_id = ""
        self.replaying = False
        self._compared: tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int8]] | None = None

    @property
    def read(self) -> ReadingState:
        """Return the active reading."""
        return self.reads[self.reading]

    @property
    def labels(self) -> Mapping[int, Label]:
        """Return the shown labels of existing cells."""
        return self.read.shown

    @property
    def undoable(self) -> list[Event]:
        """Return the events that `undo` would take back next, last first."""
        return self.read.undoable

    @property
    def redoable(self) -> list[Event]:
        """Return the events that `redo` would repeat next, last first."""
        return self.read.redoable

    @property
    def classes_seen(self) -> bool:
        """Return whether a model or the active reader gave a cell a class, which fixes scale and frame."""
        return self.model is not None or bool(self.labels)

    @property
    def signature(self) -> Signature | None:
        """Return the signature in force."""
        last = self.signatures[-1] if self.signatures else None
        return last if last is not None and last.amended is None else None

    @property
    def blind(self) -> bool:
        """Return whether the active reading must not see the model's and the other reader's classes."""
        return self.reading == SECOND

    @contextmanager
    def replay(self) -> Iterator[None]:
        """Postpone the table's update with reviewers' acts until a whole journal is applied."""
        self.replaying = True
        yield
        self.catch_up()
        self.replaying = False

    def catch_up(self) -> None:
        """Update the table with the acts replayed so far."""
        self.table.show(*self.read.everything(), blind=self.blind)

    def corrections(self) -> set[int]:
        """Return the cells that carry a reviewer's work, including removed ones."""
        touched = [read.touched() for read in self.reads.values()]
        return self.added.union(self.removed, *touched)

    @property
    def both_read(self) -> bool:
        """Return whether two readings have ended, so that they may be compared."""
        return SECOND in self.reads and self.reads[SECOND].reading.ended_at is not None

    def visible_reads(self) -> tuple[ReadingState, ...]:
        """Return the readings that may be shown together: all, once none is blind any more."""
        open_second = SECOND in self.reads and not self.both_read
        return (self.read,) if open_second else tuple(self.reads.values())

    def compared(self) -> tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int8]]:
        """Return the cells that both readers gave a class, and their classes; none before both have ended.

        Neither reading can change then, so it is computed once.
        """
        if not self.both_read:
            return np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0, np.int8)
        if self._compared is None:
            self._compared = compared(self.reads[FIRST].labels, self.reads[SECOND].labels)
        return self._compared

    def disagreements(self, *, settled: bool = False) -> NDArray[np.int64]:
        """Return the cells on which two readers differ, by default the unsettled ones."""
        cells, first, second = self.compared()
        found: NDArray[np.int64] = cells[first != second]
        if settled or SETTLING not in self.reads:
            return found
        done = self.reads[SETTLING].labels
        return np.array([cell for cell in found.tolist() if cell not in done], np.int64)

    def place(self) -> None:
        """Update which cells are counted."""
        if self.frame is not None and self.scale is not None:
            self.table.set_frame(self.frame, self.scale.microns_per_pixel)

    def show(self, number: int) -> None:
        """Make a reading the active one."""
        self.reading = number
        if not self.replaying:
            self.catch_up()

    def forget_acts(self) -> None:
        """Clear undo and redo in all readings."""
        for read in self.reads.values():
            read.undoable.clear()
            read.redoable.clear()

    def label(self, cells: Sequence[int], labels: Sequence[Label | None]) -> None:
        """Give cells their labels in the active reading, or remove them where None."""
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
        """Add a tag to cells in the active reading, or remove it."""
        self.read.tag(cells, tag, on)
        if not self.replaying:
            self.table.tag(cells, tag, on)

    def flag(self, cells: Sequence[int], on: bool) -> None:
        """Flag cells in the active reading, or remove the flag."""
        self.read.flag(cells, on)
        if not self.replaying:
            self.table.flag(cells, on)
