"""The payloads of a journal's lines: the old and new values of each kind of event."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

from annotated_types import MaxLen, MinLen
from typing_extensions import TypedDict

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.review.journal.documents import (
    CellArrays,
    FeatureArrays,
    HeadPayload,
    MapArrays,
    ModelPayload,
    ProbabilityArrays,
    SampleArrays,
    ScalePayload,
    SlidePayload,
)
from napari_bonemarrow.review.journal.field_types import (
    AnyArrays,
    Code,
    Count,
    FindingKey,
    FindingText,
    Hash,
    Name,
    Number,
    OneOf,
    Ordinal,
    Positive,
    ReadingNumber,
    Row,
    Time,
)


class Predecessor(TypedDict):
    """The earlier case of this slide, started over: its number, its file, the hash of its last line."""

    case: Name
    file: str
    head: Hash


class FirstLine(TypedDict):
    """The first line of a case."""

    case: Name
    program: Name
    slide: SlidePayload
    scale: ScalePayload | None
    before: NotRequired[Predecessor]


class SlidePlace(TypedDict):
    """The place of the slide."""

    slide: SlidePayload


class TilesPayload(TypedDict):
    """The results of some tiles of a search."""

    plan: dict[str, Any]
    tiles: list[Count]
    failed: dict[str, str]
    arrays: CellArrays


class DetectorParameters(TypedDict):
    """The detector's parameters; only those that the state needs are named."""

    failed_tiles: NotRequired[list[str]]


class DetectionPayload(TypedDict):
    """The cells that a detector found."""

    arrays: CellArrays
    found: Count
    parameters: DetectorParameters
    kept: list[Ordinal]
    dropped: list[Ordinal]
    extends: NotRequired[bool]


class DiscardedCells(TypedDict):
    """The number of cells that left the case with their search."""

    cells: Count


class KeptCells(TypedDict):
    """The cells that stay when a search is discarded."""

    kept: list[Ordinal]


class PredictionsPayload(TypedDict):
    """The predictions of a model, and the classes it has learnt.

    The confusion on its held-out crops stands in its first line alone.
    """

    arrays: ProbabilityArrays
    classes: Annotated[list[Code], MinLen(1)]
    support: dict[str, Annotated[str, OneOf(str(word) for word in Support)]]
    model: ModelPayload
    abstain_below: NotRequired[Number]
    confusion: NotRequired[dict[Code, dict[Code, Count]]]


class FeaturesPayload(TypedDict):
    """Features, and their model."""

    model: ModelPayload
    arrays: FeatureArrays


class MapPayload(TypedDict):
    """A map of cells."""

    arrays: MapArrays
    parameters: dict[str, Any]


class PlacePayload(TypedDict):
    """The place of a cell that a reviewer added: level-0 px, µm."""

    x: Number
    y: Number
    diameter_um: Positive


SplitPlaces = Annotated[list[PlacePayload], MinLen(2)]
MergedPlace = Annotated[list[PlacePayload], MinLen(1), MaxLen(1)]

LabelRow = Annotated[list[str], Row(Code, Name, Time, Name)]
"""A label: code, by whom, when, source."""
LabelRows = list[LabelRow | None]


class ImportedLabels(TypedDict):
    """Classes from a file, in the order of the line's cells, and the file's hash."""

    codes: Annotated[list[Code], MinLen(1)]
    sha256: Hash


class BulkRule(TypedDict):
    """The rule by which a class was accepted in bulk."""

    code: Code
    threshold: Number
    model: Name
    count: Ordinal


class ReadingBegun(TypedDict):
    """The reading that begins, and its reader."""

    reading: ReadingNumber
    reader: Name


class ReadingPayload(TypedDict):
    """The reading that ends or is shown."""

    reading: ReadingNumber


class AmendedSignature(TypedDict):
    """The line of the signature that is revoked."""

    signature: Ordinal


class Amendment(TypedDict):
    """The reason why a signature is revoked."""

    reason: str


class TalliedCell(TypedDict):
    """A cell counted by eye: its field and its class."""

    field: Count
    code: Code


class TallyField(TypedDict):
    """The field that begins."""

    field: Ordinal


ReportFields = Annotated[dict[FindingKey, FindingText], MinLen(1)]
"""Findings in words, by the key of their field; empty where nothing is said."""


class PrequentialPayload(TypedDict):
    """How many labels were predicted before they were learnt from, and how often rightly."""

    n: Count
    bundle: Count
    head: Count


class LearntPayload(TypedDict):
    """What predictions were learnt from: the labels in force after a line, the bundle, the laboratory head.

    The predictions follow from it, so they are not kept. `cross_fitted` says whether the estimate of a sample
    is corrected by what was learnt; lines of older versions lack it, and their estimates are not.
    """

    through: Ordinal
    labels: Count
    sha256: Hash
    model: ModelPayload
    laboratory: HeadPayload | None
    method: Ordinal
    serves: bool
    taught_weight: Number
    learnt_here: dict[Code, Count]
    prequential: PrequentialPayload
    cross_fitted: NotRequired[bool]


class ChosenHead(TypedDict):
    """A laboratory head, with a copy of what it predicts from."""

    name: Name
    sha256: Hash
    arrays: AnyArrays
    codes: list[Code]
    taught: dict[Code, Count]
    width: Ordinal
    model: ModelPayload


class SampleGoal(TypedDict):
    """The wanted half width of an interval, per cent, and the class or group it is of."""

    of: Name
    width: Positive


class SamplePayload(TypedDict):
    """The order in which the cells of the frame are sampled, and how it was made."""

    seed: Count
    method: Ordinal
    strata: Annotated[list[Name], MinLen(1)]
    arrays: SampleArrays
    goal: SampleGoal | None


class SampleQuota(TypedDict):
    """How many cells of each stratum are to be reviewed by the end of the wave, earlier ones included."""

    quota: list[Count]


class SampleEnd(TypedDict):
    """The number of cells that entered the estimate when the sample was widened to all cells."""

    reviewed: Count


class CountingRulesPayload(TypedDict):
    """The whole counting profile, so that a count needs no other file, and the target of the case."""

    profile: dict[str, Any]
    target: Ordinal
