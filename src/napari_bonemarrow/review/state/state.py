"""The state of a case: a fold of its journal.

An act on a case writes its event and then applies it here; opening a case applies every event from the
first. Both go through `State.apply`, so what the screen shows is what reopening gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells, Frame, ModelReference, Predictions, RegionRanking, Support
from napari_bonemarrow.review.journal.arrays import unpack
from napari_bonemarrow.review.journal.events import (
    ON_CELLS,
    READING,
    UNDOABLE,
    Event,
    Kind,
    Label,
    is_imported,
)
from napari_bonemarrow.review.journal.journal_json import (
    SlideRecord,
    frame_from_json,
    ranking_from_json,
    scale_from_json,
)
from napari_bonemarrow.review.state.acts import DO, TAKE_BACK
from napari_bonemarrow.review.state.cell_table import CellTable
from napari_bonemarrow.review.state.detection_progress import Search
from napari_bonemarrow.review.state.feature_store import Measures
from napari_bonemarrow.review.state.permission import NotAllowedError, refusal
from napari_bonemarrow.review.state.reading_state import FIRST, SECOND, SETTLING, Read, Reading, compared
from napari_bonemarrow.review.state.signature import Signature

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
    quality : mapping or None
        Which arrays hold the quality map that the ranking was made by.
    search : Search or None
        A detection that goes on.
    detected : bool
        Whether a detection has come to its end, even one without a cell, and was not discarded.
    unread : tuple of str
        A line for each tile that the detector could not read.
    table : CellTable
        Shows the active reading.
    reads : dict of int to Read
        By number; the first is there from the start.
    reading : int
        The active one.
    added, removed : set of int
        Cells that the reviewer added or removed.
    next_cell_id : int
        Higher than any number ever given.
    model : ModelReference or None
    measures : Measures
    signatures : list of Signature
    case_id : str
        Of this case alone, given when it was begun.
    replaying : bool
        Whether the table is told of reviewers' acts only when all are taken in.
    """

    def __init__(self) -> None:
        self.slide: SlideRecord | None = None
        self.scale: Scale | None = None
        self.frame: Frame | None = None
        self.target = 500
        self.ranking: RegionRanking | None = None
        self.quality: Mapping[str, Any] | None = None
        self.search: Search | None = None
        self.detected = False
        self.unread: tuple[str, ...] = ()
        self.table = CellTable()
        self.reads: dict[int, Read] = {FIRST: Read(Reading(FIRST, "", "first", "", None))}
        self.reading = FIRST
        self.added: set[int] = set()
        self.removed: set[int] = set()
        self.next_cell_id = 1
        self.model: ModelReference | None = None
        self.classes: tuple[str, ...] = ()
        self.support: Mapping[str, Support] = {}
        self.abstain_below: float | None = None
        self.measures = Measures()
        self.signatures: list[Signature] = []
        self.case_id = ""
        self.replaying = False
        self._compared: tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int8]] | None = None

    @property
    def read(self) -> Read:
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

    def apply(self, event: Event, blob: Blob) -> None:
        """Take one event in.

        Parameters
        ----------
        event : Event
        blob : callable
            Returns an array's bytes by their hash.

        Raises
        ------
        NotAllowedError
            Where the case as it stands does not allow it, by the same rules as an act.
        ValueError, LookupError, TypeError, AttributeError, ArithmeticError
            Where it fits nothing that the case holds.
        """
        kind = event.kind
        self._check_allowed(event)
        read = self.reads[self.reading]
        if kind in READING:
            if event.reading != self.reading:
                raise ValueError(f"line {event.seq} belongs to a reading that was not active")
            if event.reviewer not in read.names:
                self._met(event)
        if kind == Kind.UNDO:
            act = _pop(read.undoable, event)
            TAKE_BACK[act.kind](self, act)
            read.redoable.append(act)
        elif kind == Kind.REDO:
            act = _pop(read.redoable, event)
            self._do(act, blob)
            read.undoable.append(act)
        else:
            self._do(event, blob)
            if kind in UNDOABLE:
                read.undoable.append(event)
                read.redoable.clear()

    def _check_allowed(self, event: Event) -> None:
        """See that whoever wrote the line was allowed to.

        Raises
        ------
        NotAllowedError
        """
        kind = event.kind
        if (kind == Kind.SLIDE_OPENED) != (event.seq == 1):
            raise NotAllowedError("a journal begins with its slide, and has one")
        if not self.signatures and len(self.reads) == 1 and self.read.reading.ended_at is None:
            return  # nothing is refused yet, and a journal has tens of thousands of lines
        if kind == Kind.UNDO and self.undoable:
            kind = self.undoable[-1].kind
        elif kind == Kind.REDO and self.redoable:
            kind = self.redoable[-1].kind
        refused = refusal(self, kind, event.reviewer)
        if refused:
            raise NotAllowedError(refused.rpartition(": ")[0] or refused)  # without advice to who acts

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

    def compared(self) -> tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int8]]:
        """Return the cells that both readers gave a class, and what each gave; none before both have ended.

        Neither reading can change then, so it is worked out once.
        """
        if SECOND not in self.reads or self.reads[SECOND].reading.ended_at is None:
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

    def _met(self, event: Event) -> None:
        """Note who reads."""
        read = self.read
        if is_imported(event.source):
            return
        read.names.add(event.reviewer)
        name = event.reviewer.casefold()
        if name not in read.readers:
            if not read.readers and self.reading == FIRST:  # whoever opened the slide need not read it
                read.reading = replace(read.reading, reviewer=event.reviewer)
            read.readers.add(name)

    def _do(self, event: Event, blob: Blob) -> None:
        act = DO.get(event.kind)
        if act is not None:
            if event.kind in ON_CELLS and not self.table.existing.issuperset(event.cells):
                raise ValueError(f"line {event.seq} is about a cell that is not there")
            act(self, event)
            return
        new: Any = event.new
        match event.kind:
            case Kind.SLIDE_OPENED:
                self.case_id = new["case"]
                self.slide = SlideRecord.from_json(new["slide"])
                self.scale = scale_from_json(new["scale"])
                self.reads[FIRST].reading = Reading(FIRST, event.reviewer, "first", event.at, None)
            case Kind.SLIDE_MOVED:
                self._moved(SlideRecord.from_json(new["slide"]))
            case Kind.SCALE_CONFIRMED:
                self._scaled(scale_from_json(new))
            case Kind.FRAME_SET:
                self._framed(*frame_from_json(new))
            case Kind.REGIONS_RANKED:
                self.ranking = ranking_from_json(new)
                self.quality = new.get("arrays")  # journals of older versions hold none
            case Kind.TILES_SEARCHED:
                self._searched(new, blob)
            case Kind.DETECTOR_RUN:
                self._detected(new, blob)
            case Kind.SEARCH_DISCARDED:
                self._discarded(new)
            case Kind.MODEL_RUN:
                self._predicted(new, blob)
            case Kind.FEATURES_RECORDED:
                self.measures.add_features(new)
            case Kind.MAP_RECORDED:
                self.measures.set_map(new)
            case _:
                raise ValueError(f"line {event.seq} is of an unknown kind, {event.kind!r}")

    def _moved(self, slide: SlideRecord) -> None:
        """Know where the slide lies now; it is the same image."""
        before = self.slide
        if before is None or before != replace(
            slide, name=before.name, path=before.path, relative=before.relative
        ):
            raise NotAllowedError("it names another image than the one that this case is about")
        self.slide = slide

    def _framed(self, frame: Frame, target: int) -> None:
        slide = self.slide
        if slide is None or (frame.width, frame.height) != (slide.width, slide.height):
            raise ValueError("the frame is of another image")
        self.frame, self.target = frame, target
        self.place()

    def _searched(self, new: Mapping[str, Any], blob: Blob) -> None:
        if self.search is None or self.search.plan != new["plan"]:
            self.search = Search(new["plan"])
        failed = {int(tile): text for tile, text in new["failed"].items()}
        self.search.add(new["tiles"], failed, Cells(**unpack(new["arrays"], blob)))

    def _detected(self, new: Mapping[str, Any], blob: Blob) -> None:
        cells = Cells(**unpack(new["arrays"], blob))
        extends = new.get("extends", False)
        self._check_found(cells, new["kept"], extends)
        self.search, self.detected = None, True
        unread = tuple(new["parameters"].get("failed_tiles", ()))
        self.unread = self.unread + unread if extends else unread
        if not extends:
            self.table.keep(self.table.rows(new["kept"]))
        self.table.append(cells, ~np.isin(cells.cell_id, new["dropped"]))
        if len(cells):
            self.next_cell_id = max(self.next_cell_id, int(cells.cell_id[-1]) + 1)
        self.place()
        if not extends:  # what was done before concerns cells that may be gone
            self.forget_acts()

    def _discarded(self, new: Mapping[str, Any]) -> None:
        self._check_kept(new["kept"])
        self.search, self.detected, self.unread = None, False, ()
        self.table.keep(self.table.rows(new["kept"]))
        self.forget_acts()

    def _scaled(self, scale: Scale | None) -> None:
        """Take a scale; cells that a reviewer keeps stay where they are, as many pixels wide as they were."""
        before, self.scale = self.scale, scale
        if len(self.table) and before is not None and scale is not None:
            self.table.columns["diameter_um"] = self.table.columns["diameter_um"] * np.float32(
                scale.microns_per_pixel / before.microns_per_pixel
            )
            self.place()

    def _check_found(self, cells: Cells, kept: Sequence[int], extends: bool) -> None:
        """See that found cells are numbered as the program does, and that nothing reviewed is lost."""
        ids = cells.cell_id
        if len(ids) and (ids[0] < self.next_cell_id or (np.diff(ids) <= 0).any()):
            raise ValueError("found cells are not numbered in their order")
        if not (np.isfinite(cells.x).all() and np.isfinite(cells.y).all()):
            raise ValueError("a found cell has no position")
        if not extends:
            self._check_kept(kept)

    def _check_kept(self, kept: Sequence[int]) -> None:
        """See that the cells that stay are the case's, and that all which were reviewed are among them."""
        if not self.corrections() <= set(kept) or (self.table.rows(kept) < 0).any():
            raise ValueError("what was reviewed is lost, or a cell is kept that was never there")

    def _predicted(self, new: Mapping[str, Any], blob: Blob) -> None:
        model = ModelReference(**new["model"])
        classes = tuple(new["classes"])
        support = {code: Support(word) for code, word in new["support"].items()}
        arrays = unpack(new["arrays"], blob)
        if len(set(classes)) != len(classes) or not np.isfinite(arrays["probabilities"]).all():
            raise ValueError("a model says what is no prediction")
        if (model, classes) != (self.model, self.classes):
            self.table.forget_predictions(len(classes))
        self.model, self.classes, self.support = model, classes, support
        self.abstain_below = new.get("abstain_below")  # journals of older versions hold none
        self.table.predict(
            Predictions(
                arrays["cell_id"],
                arrays["probabilities"],
                classes,
                support,
                model,
                strangeness=arrays.get("strangeness"),  # of a bundle that has statistics for it
            )
        )

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


def _pop(stack: list[Event], event: Event) -> Event:
    if not stack or stack[-1].seq != event.refers or stack[-1].cells != event.cells:
        raise ValueError(f"line {event.seq} takes back what was not the last act")
    return stack.pop()
