"""What can be read from a case."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from napari_bonemarrow.cytology import CODES, Cells, Frame, Predictions, RegionRanking
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.events import (
    RESHAPING,
    Comment,
    Event,
    Kind,
    Label,
    Verification,
    canonical,
)
from napari_bonemarrow.review.journal.journal import Journal
from napari_bonemarrow.review.journal.journal_json import DetectionProgress, SlideRecord
from napari_bonemarrow.review.journal.reading import SECOND
from napari_bonemarrow.review.state.cell_columns import CaseColumns, Snapshots
from napari_bonemarrow.review.state.permission import refusal
from napari_bonemarrow.review.state.reading_state import Read
from napari_bonemarrow.review.state.state import State

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Scale

_GIVES_CLASSES = frozenset({Kind.MODEL_RUN, Kind.LABEL_SET, Kind.LABELS_IMPORTED, Kind.BULK_RULE})


class CaseView:
    """The state of a case, read from its journal. Use it as `Case`."""

    def __init__(
        self, journal: Journal, state: State, reviewer: str, trouble: Verification | None = None
    ) -> None:
        self._journal = journal
        self._trouble = trouble
        self._state = state
        self.reviewer = reviewer
        self._snapshots = Snapshots(state.table)
        self._cells: Cells | None = None
        self._predictions: Predictions | None = None

    @property
    def path(self) -> Path:
        """The case file."""
        return self._journal.path

    @property
    def verification(self) -> Verification:
        """Whether the journal is as it was written, and all of it allowed, as found on opening the case."""
        return self._trouble or self._journal.verification

    @property
    def distrust(self) -> str:
        """Why this case is to be looked at only, in one line for every page of it; empty where all is well.

        What the case shows is then not what was signed, or not what this program wrote.
        """
        found = self.verification
        return "" if found.ok else f"Do not rely on this case: {found.text}."

    @property
    def read_only(self) -> bool:
        """Whether acts are refused."""
        return self._journal.read_only

    @property
    def slide_record(self) -> SlideRecord:
        """The slide that the case is about."""
        if self._state.slide is None:
            raise CaseError(f"{self.path.name} names no slide: restore it from a copy")
        return self._state.slide

    @property
    def scale(self) -> Scale | None:
        """The physical scale and who said it, None until it is confirmed."""
        return self._state.scale

    @property
    def microns_per_pixel(self) -> float | None:
        """µm per level-0 pixel, or None."""
        return None if self._state.scale is None else self._state.scale.microns_per_pixel

    @property
    def frame(self) -> Frame | None:
        """What is counted, None until it is set."""
        return self._state.frame

    @property
    def target(self) -> int:
        """How many cells are to be counted."""
        return self._state.target

    @property
    def least_target(self) -> int:
        """The lowest target that may be set: 1, and once classes were seen what it was then."""
        if not self._state.classes_seen or self._state.frame is None:
            return 1
        target = self._state.target
        for event in self._journal.lines.events:
            new: Any = event.new
            if event.kind == Kind.FRAME_SET:
                target = int(new["target"])
            elif event.kind in _GIVES_CLASSES:
                break
        return target

    @property
    def ranking(self) -> RegionRanking | None:
        """The regions of the slide from best to worst, None where none were ranked."""
        return self._state.ranking

    @property
    def chosen_by_rank(self) -> int:
        """How many of the first ranked regions are the frame, 0 where it was chosen in another way."""
        frame, ranking = self._state.frame, self._state.ranking
        if frame is None or ranking is None or frame.images:
            return 0
        count = len(frame.regions)
        return count if ranking.regions[:count] == frame.regions else 0

    @property
    def frame_choice(self) -> str:
        """How the frame was chosen: ``whole``, ``ranked`` or ``reviewer``; empty where there is none."""
        frame = self._state.frame
        if frame is None:
            return ""
        if frame == Frame.whole_field(frame.width, frame.height, frame.margin_um, frame.images):
            return "whole"
        return "ranked" if self.chosen_by_rank else "reviewer"

    @property
    def unread(self) -> tuple[str, ...]:
        """A line for each tile of the slide that the detector could not read."""
        return self._state.unread

    @property
    def was_detected(self) -> bool:
        """Whether the detector has been run to its end, even if it found nothing, and its cells stand."""
        return self._state.detected

    @property
    def classes_seen(self) -> bool:
        """Whether a model or a reader has given a cell a class: scale and frame stay from then on."""
        return self._state.classes_seen

    @property
    def detection_progress(self) -> DetectionProgress | None:
        """A detection that was begun and not ended, None where there is none."""
        return None if self._state.search is None else self._state.search.progress()

    @property
    def next_cell_id(self) -> int:
        """A number higher than that of any cell the case has ever had."""
        return self._state.next_cell_id

    @property
    def cells(self) -> Cells:
        """The cells that exist, added ones among them, by ascending number."""
        if self._cells is None:
            self._cells = self._state.table.cells()
        return self._cells

    @property
    def predictions(self) -> Predictions | None:
        """What the last model said of the cells that exist, by ascending cell number.

        None before any, and in a blind reading.
        """
        if self._predictions is None and self._state.model is not None and not self._state.blind:
            table = self._state.table
            rows = table.present & table.predicted
            self._predictions = Predictions(
                table.cell_id[rows],
                table.probabilities[rows],
                self._state.classes,
                MappingProxyType(dict(self._state.support)),
                self._state.model,
                self._state.abstain_below,
                None if np.isnan(table.strangeness[rows]).all() else table.strangeness[rows],
            )
        return self._predictions

    @property
    def labels(self) -> Mapping[int, Label]:
        """The labels of cells that exist, by cell number; it follows the case.

        They are those of the active reading. While two readings are settled, and after, they are what was
        settled, on top of what the two readers say.
        """
        return MappingProxyType(self._state.read.shown)

    @property
    def tags(self) -> Mapping[int, frozenset[str]]:
        """The tags of cells that exist and carry any, by cell number; it follows the case."""
        return MappingProxyType(self._state.read.tags)

    @property
    def flags(self) -> frozenset[int]:
        """The cells that exist and are flagged to be looked at again."""
        return frozenset(self._state.read.flags)

    @property
    def comments(self) -> tuple[Comment, ...]:
        """Every comment, oldest first; in a blind reading only its own."""
        reads = (self._state.read,) if self._state.blind else self._visible_reads()
        said = [comment for read in reads for comment in read.comments]
        return tuple(said if len(reads) == 1 else sorted(said, key=lambda comment: comment.at))

    @property
    def added(self) -> frozenset[int]:
        """The cells that a reviewer added."""
        return frozenset(self._state.added - self._state.removed)

    @property
    def can_undo(self) -> bool:
        """Whether there is an act to take back."""
        return self._can_turn(self._state.undoable)

    @property
    def can_redo(self) -> bool:
        """Whether there is an act to repeat."""
        return self._can_turn(self._state.redoable)

    def has_cell(self, cell_id: int) -> bool:
        """Tell whether a cell exists."""
        row = self._state.table.row(cell_id)
        return row >= 0 and bool(self._state.table.present[row])

    def effective_code(self, cell_id: int) -> str:
        """Return a cell's class: its label, else what the model puts first, else ``""``.

        Raises
        ------
        CaseError
            Where there is no such cell.
        """
        if not self.has_cell(cell_id):
            raise CaseError(f"{self.path.name} has no cell {cell_id}")
        table = self._state.table
        return CODES[int(table.code[table.row(cell_id)])]

    def effective_codes(self) -> list[str]:
        """Return the class of each cell in `cells`, in their order."""
        table = self._state.table
        return [CODES[number] for number in table.code[table.present].tolist()]

    def reviewed(self) -> NDArray[np.bool_]:
        """Tell which of `cells` a reviewer has given a class, shape (n,); one that came with data is none."""
        return self._state.table.reviewed[self._state.table.present]

    def table_view(self) -> CaseColumns:
        """Return every cell's columns as they are now, in the order of `cells`."""
        return self._snapshots.take()

    def events(self) -> list[Event]:
        """Return the journal, oldest event first. For one cell's lines, `history` is faster."""
        return self._journal.events

    def date_in_doubt(self, seq: int) -> bool:
        """Tell whether the date of a line may be wrong, since the computer's clock was, then or found later.

        Times in the journal never go back: after a clock had run ahead, a line bears the time of the line
        before it and notes what the clock said.
        """
        lines = [line for line in self._journal.lines.events if line.seq >= seq]
        at = lines[0].at if lines else ""
        return any(line.clock is not None and (line.seq == seq or line.clock < at) for line in lines)

    @property
    def clock_note(self) -> str:
        """A line where the computer's clock was set back while the case was worked on; empty where not."""
        back = [line.seq for line in self._journal.lines.events if line.clock is not None]
        if not back:
            return ""
        lines = count_of(len(back), "line")
        return f"the computer's clock had been set back at {lines}: dates about line {back[0]} may be wrong"

    @property
    def last_event(self) -> Event:
        """The newest line of the journal."""
        return self._journal.lines.last

    def history(self, cell_id: int) -> list[Event]:
        """Return what reviewers did to one cell, oldest first; in a blind reading only what that did."""
        found = self._journal.lines.of_cell(cell_id)
        if not self._state.blind:
            return found
        return [event for event in found if event.reading == self._state.reading or _tells_no_class(event)]

    def verify(self) -> Verification:
        """Check the file against its chain of hashes, as it stands on the disk now.

        The chain makes a change evident, and a line that this program would not have written, such as one
        after a signature. Who wrote a line it does not tell.
        """
        found = self._journal.verify()
        return self._trouble or found if found.ok else found

    def remember(self, view: Mapping[str, Any]) -> None:
        """Keep what the window shows, for this reviewer, until the next time.

        It lies in the case file but outside the journal and its chain of hashes: it says nothing about
        cells, the next call replaces it, a signed case takes it too, and nothing is written read-only.

        Parameters
        ----------
        view : mapping
            JSON values.

        Raises
        ------
        CaseError
            Where it could not be written.
        """
        self._journal.remember(self.reviewer, canonical(dict(view)))

    @property
    def remembered(self) -> dict[str, Any]:
        """What `remember` kept for this reviewer, empty where nothing was."""
        text = self._journal.remembered(self.reviewer)
        try:
            view = from_json(text or "{}")
        except ValueError:  # somebody wrote there by hand; nothing hangs on it
            return {}
        return view if isinstance(view, dict) else {}

    def _can_turn(self, stack: list[Event]) -> bool:
        return bool(stack) and not self.read_only and not refusal(self._state, stack[-1].kind, self.reviewer)

    def _visible_reads(self) -> tuple[Read, ...]:
        """Return the readings that may be seen beside each other: all, once none is blind any more."""
        reads = self._state.reads
        open_second = SECOND in reads and reads[SECOND].reading.ended_at is None
        return (self._state.read,) if open_second else tuple(reads.values())


def _tells_no_class(event: Event) -> bool:
    return event.kind in RESHAPING
