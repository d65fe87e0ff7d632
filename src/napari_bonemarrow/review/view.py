"""What can be read from a case."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells, CountingRules, Differential, Frame, Predictions, RegionRanking
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.events import Comment, Event, Label, Verification
from napari_bonemarrow.review.journal import Journal
from napari_bonemarrow.review.records import DetectionProgress, SlideRecord
from napari_bonemarrow.review.state import State

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Scale


class CaseView:
    """The state of a case, read from its journal. Use it as `Case`."""

    def __init__(self, journal: Journal, state: State, reviewer: str) -> None:
        self._journal = journal
        self._state = state
        self.reviewer = reviewer
        self._cells: Cells | None = None
        self._predictions: Predictions | None = None

    @property
    def path(self) -> Path:
        """The case file."""
        return self._journal.path

    @property
    def verification(self) -> Verification:
        """What checking the chain gave when the case was opened."""
        return self._journal.verification

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
        """What the last model said of the cells that exist, by ascending cell number; None before any."""
        if self._predictions is None and self._state.model is not None:
            table = self._state.table
            rows = table.present & table.predicted
            self._predictions = Predictions(
                table.cell_id[rows],
                table.probabilities[rows],
                self._state.classes,
                MappingProxyType(dict(self._state.support)),
                self._state.model,
                self._state.abstain_below,
            )
        return self._predictions

    @property
    def labels(self) -> Mapping[int, Label]:
        """The reviewer's labels of cells that exist, by cell number."""
        return MappingProxyType(self._existing(self._state.labels))

    @property
    def tags(self) -> Mapping[int, frozenset[str]]:
        """The tags of cells that exist and carry any, by cell number."""
        return MappingProxyType(self._existing(self._state.tags))

    @property
    def comments(self) -> tuple[Comment, ...]:
        """Every comment, oldest first."""
        return tuple(self._state.comments)

    @property
    def added(self) -> frozenset[int]:
        """The cells that a reviewer added."""
        return frozenset(self._state.added - self._state.removed)

    @property
    def can_undo(self) -> bool:
        """Whether there is an act to take back."""
        return bool(self._state.undoable) and not self.read_only

    @property
    def can_redo(self) -> bool:
        """Whether there is an act to repeat."""
        return bool(self._state.redoable) and not self.read_only

    def has_cell(self, cell_id: int) -> bool:
        """Tell whether a cell exists."""
        row = int(self._state.table.rows([cell_id])[0])
        return row >= 0 and bool(self._state.table.present[row])

    def effective_code(self, cell_id: int) -> str:
        """Return a cell's class: its label, else what the model puts first, else ``""``.

        Raises
        ------
        CaseError
            Where there is no such cell.
        """
        row = int(self._state.table.rows([cell_id])[0])
        if row < 0 or not self._state.table.present[row]:
            raise CaseError(f"{self.path.name} has no cell {cell_id}")
        return str(self._state.table.code[row])

    def effective_codes(self) -> list[str]:
        """Return the class of each cell in `cells`, in their order."""
        codes: list[str] = self._state.table.code[self._state.table.present].tolist()
        return codes

    def reviewed(self) -> NDArray[np.bool_]:
        """Tell which of `cells` carry a reviewer's label, shape (n,)."""
        return self._state.table.labelled[self._state.table.present]

    def differential(self, rules: CountingRules | None = None) -> Differential:
        """Count the cells in the frame.

        Parameters
        ----------
        rules : CountingRules, optional

        Returns
        -------
        Differential
            Of no cells while the frame is not set.
        """
        table = self._state.table
        rows = np.flatnonzero(table.counted()) if self.frame is not None else np.empty(0, np.intp)
        return Differential.compute(
            table.code[rows],
            table.labelled[rows],
            self._state.support,
            rules,
            self.target,
            self._tags_by_position(table.cell_id[rows]),
            self._doubtful(rows),
            len(self.unread),
        )

    def _doubtful(self, rows: NDArray[np.intp]) -> int:
        """Count the unreviewed cells among these whose confidence lies below the model's threshold."""
        table, threshold = self._state.table, self._state.abstain_below
        if threshold is None:
            return 0
        waiting = rows[table.predicted[rows] & ~table.labelled[rows]]
        return int(np.count_nonzero(table.probabilities[waiting].max(axis=1, initial=0.0) < threshold))

    def events(self) -> list[Event]:
        """Return the journal, oldest event first."""
        return self._journal.events

    def history(self, cell_id: int) -> list[Event]:
        """Return what reviewers did to one cell, oldest first."""
        return [event for event in self._journal.events if cell_id in event.cells]

    def verify(self) -> Verification:
        """Check the file against its chain of hashes, as it stands on the disk now.

        The chain makes a change evident. It does not authenticate who wrote a line.
        """
        return self._journal.verify()

    def _tags_by_position(self, cell_ids: NDArray[np.int64]) -> dict[int, frozenset[str]]:
        position = {int(cell): i for i, cell in enumerate(cell_ids)} if self._state.tags else {}
        return {position[cell]: tags for cell, tags in self._state.tags.items() if cell in position}

    def _existing(self, of_cells: dict[int, Any]) -> dict[int, Any]:
        gone = self._state.removed
        return of_cells if not gone else {cell: value for cell, value in of_cells.items() if cell not in gone}
