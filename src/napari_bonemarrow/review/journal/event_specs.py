"""The kinds of events: the only place where a kind of event is defined.

A new kind needs a member of `EventKind`, a row of `EVENT_SPECS`, and the act in `review.acts` that writes it,
with the effect of its line on the state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

from napari_bonemarrow.cytology import CLASSES, TAGS
from napari_bonemarrow.review.journal.documents import (
    FramePayload,
    RankingPayload,
    ScalePayload,
    SignaturePayload,
)
from napari_bonemarrow.review.journal.field_types import (
    AnyCells,
    AtMostOne,
    Code,
    Name,
    NoCells,
    OneCell,
    SomeCells,
    Tag,
    ThreeCells,
)
from napari_bonemarrow.review.journal.payloads import (
    AmendedSignature,
    Amendment,
    BulkRule,
    ChosenHead,
    CountingRulesPayload,
    DetectionPayload,
    DiscardedCells,
    FeaturesPayload,
    FirstLine,
    ImportedLabels,
    KeptCells,
    LabelRows,
    LearntPayload,
    MapPayload,
    MergedPlace,
    PlacePayload,
    PredictionsPayload,
    ReadingBegun,
    ReadingPayload,
    ReportFields,
    SampleEnd,
    SampleGoal,
    SamplePayload,
    SampleQuota,
    SlidePlace,
    SplitPlaces,
    TalliedCell,
    TallyField,
    TilesPayload,
)
from napari_bonemarrow.review.journal.sources import is_imported


class EventKind(StrEnum):
    """The kind of an event. Later versions add kinds; none is ever renamed."""

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
    PREDICTIONS_LEARNT = "predictions learnt"
    LEARNING_SWITCHED = "learning switched"
    LABORATORY_HEAD_CHOSEN = "laboratory head chosen"
    SAMPLE_BEGUN = "sample begun"
    SAMPLE_WAVE = "sample wave"
    SAMPLE_TARGET_SET = "sample target set"
    SAMPLE_WIDENED = "sample widened"
    REPORT_FIELDS_SET = "report fields set"
    COUNTING_RULES_SET = "counting rules set"
    UNDO = "undo"
    REDO = "redo"


class Topic(Enum):
    """The topic of an event."""

    SLIDE = "slide"
    CELLS = "cells"
    CLASSES = "classes"
    TALLY = "tally"
    LEARNING = "learning"
    SAMPLE = "sample review"
    COUNTING = "counting rules"
    READINGS = "readings"
    SIGNATURES = "signatures"
    FINDINGS = "findings in words"
    TURNS = "undo and redo"


class Shown(Enum):
    """The cells that look different after an event."""

    NONE = "none"
    NAMED = "those that it names, which stay"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSpec:
    """The definition of a kind of event.

    Attributes
    ----------
    topic : Topic
    cells, old, new : type
        The cells that a line may name, the old value, and the new value.
    refers : bool
        Whether it refers to another line.
    undoable : bool
        Whether it is a reviewer's act that `undo` takes back. A new detection or a signature empties the undo
        stack.
    in_reading : bool
        Whether it is an act of a reader within a reading.
    on_cells : bool
        Whether its cells must exist.
    reshapes : bool
        Whether it adds or removes cells.
    changes_cells, changes_predictions : bool
        Whether `Case.cells` and `Case.predictions` may differ after it.
    changes_sample : bool
        Whether it is refused once a second reading has begun.
    concerns_all : bool
        Whether it concerns every cell of the case, although its line names none.
    gives_classes : bool
        Whether it gives a cell a class.
    after_signature : bool
        Whether a signed case accepts it.
    shown : Shown
        The cells that look different after it.
    text : callable or None
        Takes ``old``, ``new``, the place of a cell among those that the line names, and its source; returns
        a description of the change to that cell. None if the name of the kind is enough.
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
    text: Callable[[Any, Any, int, str], str] | None = None


def _imported_class(new: ImportedLabels, at: int, source: str) -> str:
    name = CLASSES[new["codes"][at]].name
    return f"{name}, imported" if is_imported(source) else name


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
_learning = partial(EventSpec, topic=Topic.LEARNING, changes_predictions=True, shown=Shown.NONE)
_sample = partial(EventSpec, topic=Topic.SAMPLE, shown=Shown.NONE)
_turn = partial(EventSpec, topic=Topic.TURNS, cells=AnyCells, old=Any, new=Any, refers=True, in_reading=True)

EVENT_SPECS: Mapping[EventKind, EventSpec] = MappingProxyType(
    {
        EventKind.SLIDE_OPENED: _slide(new=FirstLine),
        EventKind.SLIDE_MOVED: _slide(old=SlidePlace, new=SlidePlace, after_signature=True, shown=Shown.NONE),
        EventKind.SCALE_CONFIRMED: _slide(old=ScalePayload | None, new=ScalePayload, changes_cells=True),
        EventKind.FRAME_SET: _slide(old=FramePayload | None, new=FramePayload, changes_cells=True),
        EventKind.REGIONS_RANKED: _slide(
            old=RankingPayload | None, new=RankingPayload, changes_sample=True, shown=Shown.NONE
        ),
        EventKind.TILES_SEARCHED: _slide(new=TilesPayload, changes_sample=True, shown=Shown.NONE),
        EventKind.DETECTOR_RUN: _cells(new=DetectionPayload, concerns_all=True),
        EventKind.SEARCH_DISCARDED: _cells(old=DiscardedCells, new=KeptCells),
        EventKind.MODEL_RUN: EventSpec(
            topic=Topic.CLASSES, new=PredictionsPayload, changes_predictions=True, gives_classes=True
        ),
        EventKind.CELL_ADDED: _reshaping(cells=OneCell, new=PlacePayload),
        EventKind.CELL_REMOVED: _reshaping(
            cells=SomeCells, old=Literal[True], new=Literal[False], on_cells=True
        ),
        EventKind.CELL_SPLIT: _reshaping(cells=ThreeCells, new=SplitPlaces),
        EventKind.CELLS_MERGED: _reshaping(cells=ThreeCells, new=MergedPlace),
        EventKind.LABEL_SET: _classes(
            old=LabelRows, new=Code, gives_classes=True, text=lambda old, new, *_: CLASSES[new].name
        ),
        EventKind.LABEL_CLEARED: _classes(old=LabelRows, new=None),
        EventKind.LABELS_IMPORTED: _classes(
            old=LabelRows,
            new=ImportedLabels,
            gives_classes=True,
            shown=Shown.ANY,
            text=lambda old, new, at, source: _imported_class(new, at, source),
        ),
        EventKind.TAG_SET: _classes(new=Tag, text=lambda old, new, *_: f"+ {TAGS[new]}"),
        EventKind.TAG_CLEARED: _classes(old=Tag, new=None, text=lambda old, *_: f"− {TAGS[old]}"),
        EventKind.COMMENT: _classes(
            cells=AtMostOne, new=str, undoable=False, text=lambda old, new, *_: f"“{new}”"
        ),
        EventKind.FLAG_SET: _classes(new=Literal[True], text=lambda *_: "flagged"),
        EventKind.FLAG_CLEARED: _classes(new=Literal[False], text=lambda *_: "flag taken off"),
        EventKind.BULK_RULE: _classes(new=BulkRule, gives_classes=True),
        EventKind.READING_BEGUN: _reading(new=ReadingBegun),
        EventKind.READING_ENDED: _reading(new=ReadingPayload),
        EventKind.READING_TAKEN_UP: _reading(old=ReadingPayload, new=ReadingPayload),
        EventKind.SIGNED: _signature(new=SignaturePayload),
        EventKind.AMENDED: _signature(old=AmendedSignature, new=Amendment, after_signature=True),
        EventKind.TALLIED: _tally(new=TalliedCell),
        EventKind.TALLY_FIELD_BEGUN: _tally(new=TallyField),
        EventKind.FEATURES_RECORDED: _slide(new=FeaturesPayload, shown=Shown.NONE),
        EventKind.MAP_RECORDED: _slide(new=MapPayload, shown=Shown.NONE),
        EventKind.PREDICTIONS_LEARNT: _learning(new=LearntPayload),
        EventKind.LEARNING_SWITCHED: _learning(old=bool, new=bool),
        EventKind.LABORATORY_HEAD_CHOSEN: _learning(old=Name | None, new=ChosenHead | None),
        EventKind.SAMPLE_BEGUN: _sample(new=SamplePayload, changes_sample=True),
        EventKind.SAMPLE_WAVE: _sample(new=SampleQuota),
        EventKind.SAMPLE_TARGET_SET: _sample(old=SampleGoal | None, new=SampleGoal | None),
        EventKind.SAMPLE_WIDENED: _sample(new=SampleEnd),
        EventKind.REPORT_FIELDS_SET: EventSpec(
            topic=Topic.FINDINGS,
            old=ReportFields,
            new=ReportFields,
            undoable=True,
            in_reading=True,
            shown=Shown.NONE,
        ),
        EventKind.COUNTING_RULES_SET: EventSpec(
            topic=Topic.COUNTING,
            old=CountingRulesPayload,
            new=CountingRulesPayload,
            undoable=True,
            shown=Shown.NONE,
        ),
        EventKind.UNDO: _turn(),
        EventKind.REDO: _turn(),
    }
)
"""The definition of each kind of event."""
