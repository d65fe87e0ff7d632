"""What an event is, kind by kind: the one place where a kind of event is defined.

A new kind is a member of `EventKind`, a row of `EVENT_SPECS`, and the act in `review.acts` that writes it,
with what its line does to the state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, Protocol

from napari_bonemarrow.cytology import CLASSES, TAGS
from napari_bonemarrow.review.journal import payloads as of
from napari_bonemarrow.review.journal.field_types import (
    AnyCells,
    AtMostOne,
    Code,
    NoCells,
    OneCell,
    SomeCells,
    Tag,
    ThreeCells,
)
from napari_bonemarrow.review.journal.sources import is_imported


class EventKind(StrEnum):
    """What an event did. Later versions add kinds; none is ever renamed."""

    SLIDE_OPENED = "slide opened"
    SLIDE_MOVED = "slide moved"
    SCALE_CONFIRMED = "scale confirmed"
    FRAME_SET = "region and target set"
    REGIONS_RANKED = "regions ranked"
    TILES_SEARCHED = "tiles searched"
    DETECTOR_RUN = "detector run"
    SEARCH_DISCARDED = "search discarded"
    MODEL_RUN = "model run"
    CELL_ADDED = "cell added"
    CELL_REMOVED = "cell removed"
    CELL_SPLIT = "cell split"
    CELLS_MERGED = "cells merged"
    LABEL_SET = "label set"
    LABEL_CLEARED = "label cleared"
    LABELS_IMPORTED = "labels imported"
    TAG_SET = "tag set"
    TAG_CLEARED = "tag cleared"
    COMMENT = "comment"
    FLAG_SET = "flag set"
    FLAG_CLEARED = "flag cleared"
    BULK_RULE = "bulk rule"
    READING_BEGUN = "reading begun"
    READING_ENDED = "reading ended"
    READING_TAKEN_UP = "reading taken up"
    SIGNED = "signed"
    AMENDED = "amended"
    TALLIED = "tallied"
    TALLY_FIELD_BEGUN = "tally field begun"
    FEATURES_RECORDED = "features recorded"
    MAP_RECORDED = "map recorded"
    UNDO = "undo"
    REDO = "redo"


class Topic(Enum):
    """What an event is about."""

    SLIDE = "slide"
    CELLS = "cells"
    CLASSES = "classes"
    TALLY = "tally"
    READINGS = "readings"
    SIGNATURES = "signatures"
    TURNS = "undo and redo"


class Shown(Enum):
    """Which cells look different after an event."""

    NONE = "none"
    NAMED = "those that it names, which stay"
    ANY = "any"


class Line(Protocol):
    """What the text of an event is made of."""

    @property
    def cells(self) -> tuple[int, ...]:
        """The cells that it names."""

    @property
    def old(self) -> Any:
        """What was."""

    @property
    def new(self) -> Any:
        """What is."""

    @property
    def source(self) -> str:
        """Where it comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSpec:
    """What a kind of event is.

    Attributes
    ----------
    topic : Topic
    cells, old, new : type
        Which cells a line may name, what was, and what is; see `payloads`.
    refers : bool
        Whether it is about another line.
    undoable : bool
        Whether it is a reviewer's act that `undo` takes back. A new detection or a signature empties the undo
        stack.
    in_reading : bool
        Whether it is what a reader does within a reading.
    on_cells : bool
        Whether the cells that it names must exist.
    reshapes : bool
        Whether it adds or removes cells.
    changes_cells, changes_predictions : bool
        Whether `Case.cells` and `Case.predictions` may differ after it.
    changes_sample : bool
        Whether it is refused once two readers read the same cells.
    concerns_all : bool
        Whether it concerns every cell of the case, though its line names none.
    gives_classes : bool
        Whether a cell gets a class by it.
    after_signature : bool
        Whether a signed case takes it.
    shown : Shown
        Which cells look different after it.
    text : callable or None
        Returns what a line says of one cell, in words for people; None where the kind's name says it all.
    """

    topic: Topic
    cells: Any = NoCells
    old: Any = None
    new: Any
    refers: bool = False
    undoable: bool = False
    in_reading: bool = False
    on_cells: bool = False
    reshapes: bool = False
    changes_cells: bool = False
    changes_predictions: bool = False
    changes_sample: bool = False
    concerns_all: bool = False
    gives_classes: bool = False
    after_signature: bool = False
    shown: Shown = Shown.ANY
    text: Callable[[Line, int], str] | None = None


def text_of(kind: EventKind, line: Line, cell_id: int) -> str:
    """Return in words for people what a line says of one of its cells."""
    text = EVENT_SPECS[kind].text
    return str(kind) if text is None else text(line, cell_id)


def _class(line: Line, cell_id: int) -> str:
    return CLASSES[line.new].name


def _imported_class(line: Line, cell_id: int) -> str:
    name = CLASSES[line.new["codes"][line.cells.index(cell_id)]].name
    return f"{name}, imported" if is_imported(line.source) else name


_slide = partial(EventSpec, topic=Topic.SLIDE)
_cells = partial(
    EventSpec,
    topic=Topic.CELLS,
    reshapes=True,
    changes_cells=True,
    changes_predictions=True,
    changes_sample=True,
)
_reshaping = partial(_cells, undoable=True, in_reading=True)
_classes = partial(
    EventSpec,
    topic=Topic.CLASSES,
    cells=SomeCells,
    undoable=True,
    in_reading=True,
    on_cells=True,
    shown=Shown.NAMED,
)
_tally = partial(EventSpec, topic=Topic.TALLY, undoable=True, in_reading=True, shown=Shown.NONE)
_reading = partial(EventSpec, topic=Topic.READINGS, changes_predictions=True, concerns_all=True)
_signature = partial(EventSpec, topic=Topic.SIGNATURES)
_turn = partial(EventSpec, topic=Topic.TURNS, cells=AnyCells, old=Any, new=Any, refers=True, in_reading=True)

EVENT_SPECS: Mapping[EventKind, EventSpec] = MappingProxyType(
    {
        EventKind.SLIDE_OPENED: _slide(new=of.FirstLine),
        EventKind.SLIDE_MOVED: _slide(
            old=of.SlidePlace, new=of.SlidePlace, after_signature=True, shown=Shown.NONE
        ),
        EventKind.SCALE_CONFIRMED: _slide(
            old=of.ScalePayload | None, new=of.ScalePayload, changes_cells=True
        ),
        EventKind.FRAME_SET: _slide(old=of.FramePayload | None, new=of.FramePayload, changes_cells=True),
        EventKind.REGIONS_RANKED: _slide(
            old=of.RankingPayload | None, new=of.RankingPayload, changes_sample=True, shown=Shown.NONE
        ),
        EventKind.TILES_SEARCHED: _slide(new=of.TilesPayload, changes_sample=True, shown=Shown.NONE),
        EventKind.DETECTOR_RUN: _cells(new=of.DetectionPayload, concerns_all=True),
        EventKind.SEARCH_DISCARDED: _cells(old=of.DiscardedCells, new=of.KeptCells),
        EventKind.MODEL_RUN: EventSpec(
            topic=Topic.CLASSES, new=of.PredictionsPayload, changes_predictions=True, gives_classes=True
        ),
        EventKind.CELL_ADDED: _reshaping(cells=OneCell, new=of.PlacePayload),
        EventKind.CELL_REMOVED: _reshaping(
            cells=SomeCells, old=Literal[True], new=Literal[False], on_cells=True
        ),
        EventKind.CELL_SPLIT: _reshaping(cells=ThreeCells, new=of.SplitPlaces),
        EventKind.CELLS_MERGED: _reshaping(cells=ThreeCells, new=of.MergedPlace),
        EventKind.LABEL_SET: _classes(old=of.LabelRows, new=Code, gives_classes=True, text=_class),
        EventKind.LABEL_CLEARED: _classes(old=of.LabelRows, new=None),
        EventKind.LABELS_IMPORTED: _classes(
            old=of.LabelRows,
            new=of.ImportedLabels,
            gives_classes=True,
            shown=Shown.ANY,
            text=_imported_class,
        ),
        EventKind.TAG_SET: _classes(new=Tag, text=lambda line, _: f"+ {TAGS[line.new]}"),
        EventKind.TAG_CLEARED: _classes(old=Tag, new=None, text=lambda line, _: f"− {TAGS[line.old]}"),
        EventKind.COMMENT: _classes(
            cells=AtMostOne, new=str, undoable=False, text=lambda line, _: f"“{line.new}”"
        ),
        EventKind.FLAG_SET: _classes(new=Literal[True], text=lambda *_: "flagged"),
        EventKind.FLAG_CLEARED: _classes(new=Literal[False], text=lambda *_: "flag taken off"),
        EventKind.BULK_RULE: _classes(new=of.BulkRule, gives_classes=True),
        EventKind.READING_BEGUN: _reading(new=of.ReadingBegun),
        EventKind.READING_ENDED: _reading(new=of.ReadingPayload),
        EventKind.READING_TAKEN_UP: _reading(old=of.ReadingPayload, new=of.ReadingPayload),
        EventKind.SIGNED: _signature(new=of.SignaturePayload),
        EventKind.AMENDED: _signature(old=of.AmendedSignature, new=of.Amendment, after_signature=True),
        EventKind.TALLIED: _tally(new=of.TalliedCell),
        EventKind.TALLY_FIELD_BEGUN: _tally(new=of.TallyField),
        EventKind.FEATURES_RECORDED: _slide(new=of.FeaturesPayload, shown=Shown.NONE),
        EventKind.MAP_RECORDED: _slide(new=of.MapPayload, shown=Shown.NONE),
        EventKind.UNDO: _turn(),
        EventKind.REDO: _turn(),
    }
)
"""What each kind of event is."""
