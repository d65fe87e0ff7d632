"""The state of a case: a fold of its journal.

An act on a case writes its event and then applies it here; opening a case applies every event from the
first. Both go through `State.apply`, so what the screen shows is what reopening gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_bonemarrow.cytology import Cells, Frame, ModelReference, Predictions, RegionRanking, Support
from napari_bonemarrow.review.arrays import unpack
from napari_bonemarrow.review.events import UNDOABLE, Comment, Event, Kind, Label
from napari_bonemarrow.review.records import (
    SlideRecord,
    frame_from_json,
    ranking_from_json,
    scale_from_json,
)
from napari_bonemarrow.review.searching import Search
from napari_bonemarrow.review.table import CellTable

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Scale

Blob = Callable[[str], bytes]


class State:
    """Everything the journal adds up to.

    Attributes
    ----------
    slide : SlideRecord or None
    scale : Scale or None
    frame : Frame or None
    target : int
    ranking : RegionRanking or None
    search : Search or None
        A detection that goes on.
    unread : tuple of str
        A line for each tile that the detector could not read.
    table : CellTable
    labels : dict of int to Label
        Of removed cells too: they come back with the cell.
    tags : dict of int to frozenset of str
    added, removed : set of int
        Cells that the reviewer added or removed.
    next_cell_id : int
        Higher than any number ever given.
    model : ModelReference or None
    undoable, redoable : list of Event
        What `undo` and `redo` would take next, last first.
    """

    def __init__(self) -> None:
        self.slide: SlideRecord | None = None
        self.scale: Scale | None = None
        self.frame: Frame | None = None
        self.target = 500
        self.ranking: RegionRanking | None = None
        self.search: Search | None = None
        self.unread: tuple[str, ...] = ()
        self.table = CellTable()
        self.labels: dict[int, Label] = {}
        self.tags: dict[int, frozenset[str]] = {}
        self.comments: list[Comment] = []
        self.added: set[int] = set()
        self.removed: set[int] = set()
        self.next_cell_id = 1
        self.model: ModelReference | None = None
        self.classes: tuple[str, ...] = ()
        self.support: Mapping[str, Support] = {}
        self.abstain_below: float | None = None
        self.undoable: list[Event] = []
        self.redoable: list[Event] = []

    def apply(self, event: Event, blob: Blob) -> None:
        """Take one event in.

        Parameters
        ----------
        event : Event
        blob : callable
            Returns an array's bytes by their hash.

        Raises
        ------
        ValueError
            Where the event is of a kind that this version does not know.
        """
        if event.kind == Kind.UNDO:
            act = self._pop(self.undoable, event)
            self._take_back(act)
            self.redoable.append(act)
        elif event.kind == Kind.REDO:
            act = self._pop(self.redoable, event)
            self._do(act, blob)
            self.undoable.append(act)
        else:
            self._do(event, blob)
            if event.kind in UNDOABLE:
                self.undoable.append(event)
                self.redoable.clear()

    def corrections(self) -> set[int]:
        """Return the cells that carry a reviewer's work, removed ones among them."""
        commented = {comment.cell_id for comment in self.comments if comment.cell_id is not None}
        return set(self.labels) | set(self.tags) | self.added | self.removed | commented

    def _pop(self, stack: list[Event], event: Event) -> Event:
        if not stack or stack[-1].seq != event.refers:
            raise ValueError(f"line {event.seq} takes back what was not the last act")
        return stack.pop()

    def _do(self, event: Event, blob: Blob) -> None:
        new: Any = event.new
        match event.kind:
            case Kind.SLIDE_OPENED:
                self.slide = SlideRecord.from_json(new["slide"])
                self.scale = scale_from_json(new["scale"])
            case Kind.SLIDE_MOVED:
                self.slide = SlideRecord.from_json(new["slide"])
            case Kind.SCALE_CONFIRMED:
                self.scale = scale_from_json(new)
            case Kind.FRAME_SET:
                self.frame, self.target = frame_from_json(new)
                self._place()
            case Kind.REGIONS_RANKED:
                self.ranking = ranking_from_json(new)
            case Kind.TILES_SEARCHED:
                self._searched(new, blob)
            case Kind.DETECTOR_RUN:
                self._detected(new, blob)
            case Kind.MODEL_RUN:
                self._predicted(new, blob)
            case Kind.COMMENT:
                cell = event.cells[0] if event.cells else None
                self.comments.append(Comment(cell, new, event.reviewer, event.at))
            case Kind.CELL_ADDED:
                self._add(event.cells, [new])
            case Kind.CELL_REMOVED:
                self.table.set_present(event.cells, False)
                self.removed.update(event.cells)
            case Kind.CELL_SPLIT | Kind.CELLS_MERGED:
                before, after = before_and_after(event)
                self.table.set_present(before, False)
                self.removed.update(before)
                self._add(after, new)
            case Kind.LABEL_SET | Kind.LABEL_CLEARED:
                label = None if new is None else Label(new, event.reviewer, event.at, event.source)
                self._label(event.cells, [label] * len(event.cells))
            case Kind.TAG_SET | Kind.TAG_CLEARED:
                self._tag(
                    event.cells, new if event.kind == Kind.TAG_SET else event.old, event.kind == Kind.TAG_SET
                )
            case _:
                raise ValueError(f"line {event.seq} is of an unknown kind, {event.kind!r}")

    def _take_back(self, event: Event) -> None:
        match event.kind:
            case Kind.CELL_ADDED:
                self.table.set_present(event.cells, False)
                self.added.difference_update(event.cells)
            case Kind.CELL_REMOVED:
                self.table.set_present(event.cells, True)
                self.removed.difference_update(event.cells)
            case Kind.CELL_SPLIT | Kind.CELLS_MERGED:
                before, after = before_and_after(event)
                self.table.set_present(after, False)
                self.added.difference_update(after)
                self.table.set_present(before, True)
                self.removed.difference_update(before)
            case Kind.LABEL_SET | Kind.LABEL_CLEARED:
                self._label(event.cells, [None if old is None else Label(*old) for old in event.old])
            case Kind.TAG_SET | Kind.TAG_CLEARED:
                self._tag(event.cells, event.old or event.new, event.kind == Kind.TAG_CLEARED)

    def _label(self, cells: Sequence[int], labels: Sequence[Label | None]) -> None:
        for cell, label in zip(cells, labels, strict=True):
            if label is None:
                self.labels.pop(cell, None)
            else:
                self.labels[cell] = label
        self.table.label(cells, [None if label is None else label.code for label in labels])

    def _tag(self, cells: Sequence[int], tag: str, on: bool) -> None:
        for cell in cells:
            tags = self.tags.get(cell, frozenset())
            tags = tags | {tag} if on else tags - {tag}
            if tags:
                self.tags[cell] = tags
            else:
                self.tags.pop(cell, None)

    def _add(self, cells: Sequence[int], places: Sequence[Mapping[str, float]]) -> None:
        self.added.update(cells)
        if cells[0] < self.next_cell_id:  # a redo: the rows are there
            self.table.set_present(cells, True)
            return
        self.next_cell_id = cells[-1] + 1
        for cell, place in zip(cells, places, strict=True):
            self.table.append(one_cell(cell, **place))
        self._place()

    def _searched(self, new: Mapping[str, Any], blob: Blob) -> None:
        if self.search is None or self.search.plan != new["plan"]:
            self.search = Search(new["plan"])
        failed = {int(tile): text for tile, text in new["failed"].items()}
        self.search.add(new["tiles"], failed, Cells(**unpack(new["arrays"], blob)))

    def _detected(self, new: Mapping[str, Any], blob: Blob) -> None:
        cells = Cells(**unpack(new["arrays"], blob))
        self.search = None
        extends = new.get("extends", False)
        unread = tuple(new["parameters"].get("failed_tiles", ()))
        self.unread = self.unread + unread if extends else unread
        if not extends:
            self.table.keep(self.table.rows(new["kept"]))
        self.table.append(cells, ~np.isin(cells.cell_id, new["dropped"]))
        if len(cells):
            self.next_cell_id = max(self.next_cell_id, int(cells.cell_id[-1]) + 1)
        self._place()
        if not extends:  # what was done before concerns cells that may be gone
            self.undoable.clear()
            self.redoable.clear()

    def _predicted(self, new: Mapping[str, Any], blob: Blob) -> None:
        model = ModelReference(**new["model"])
        classes = tuple(new["classes"])
        support = {code: Support(word) for code, word in new["support"].items()}
        arrays = unpack(new["arrays"], blob)
        if (model, classes) != (self.model, self.classes):
            self.table.forget_predictions(len(classes))
        self.model, self.classes, self.support = model, classes, support
        self.abstain_below = new.get("abstain_below")  # journals of older versions hold none
        self.table.predict(Predictions(arrays["cell_id"], arrays["probabilities"], classes, support, model))

    def _place(self) -> None:
        if self.frame is not None and self.scale is not None:
            self.table.set_frame(self.frame, self.scale.microns_per_pixel)


def before_and_after(event: Event) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the cells that a split or merge takes away, and those that it puts in their place."""
    if event.kind == Kind.CELL_SPLIT:
        return event.cells[:1], event.cells[1:]
    return event.cells[:-1], event.cells[-1:]


def one_cell(cell_id: int, x: float, y: float, diameter_um: float) -> Cells:
    """Return a cell that a reviewer added: detection score 1, out of the frame until that is set."""
    return Cells(
        np.array([cell_id], np.int64),
        np.array([x], np.float64),
        np.array([y], np.float64),
        np.array([diameter_um], np.float32),
        np.array([1.0], np.float32),
        np.array([False]),
    )
