"""What the lines of a journal state, as types: for the code that writes and reads them, and for the check.

A case file comes from anywhere, so `line_schema` checks every line by these types before anything is made of
it. An open payload keeps fields that are not named here: a later version may say more of an act than this one
knows.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from annotated_types import Ge, MaxLen, MinLen
from pydantic import AllowInfNan, ConfigDict, StringConstraints, with_config
from typing_extensions import TypedDict

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.review.journal.field_types import (
    BOOL,
    FLOAT,
    AnyArrays,
    ArrayOf,
    ArrayPayload,
    Code,
    Count,
    Hash,
    Name,
    Number,
    OneOf,
    Ordinal,
    Positive,
    ReadingNumber,
    Reals,
    RealTable,
    Row,
    Time,
    WholeNumbers,
)

ALGORITHM = "Ed25519"
"""Of every signing key (RFC 8032)."""

_LONGEST_TIMESTAMP = 200_000
"""Characters of a timestamp: a few certificates."""

_open = with_config(ConfigDict(extra="allow", strict=True))
_closed = with_config(ConfigDict(extra="forbid", strict=True))


@_open
class CellArrays(TypedDict):
    """The columns of some cells."""

    cell_id: WholeNumbers
    x: Reals
    y: Reals
    diameter_um: Reals
    score: Reals
    in_frame: Annotated[ArrayPayload, ArrayOf(BOOL, 1)]


Box = Annotated[list[float], Row(Number, Number, Number, Number)]
"""A region: x, y, width, height in level-0 px."""


@_closed
class SlidePayload(TypedDict):
    """What a case knows of its slide; see `SlideRecord`."""

    name: str
    path: str
    relative: str | None
    fingerprint: Name
    width: Ordinal
    height: Ordinal
    vendor: Name
    slide: Ordinal
    fields: NotRequired[list[Annotated[list[Any], Row(str, Number, Number, Number, Number)]]]
    layout: NotRequired[Ordinal]


@_closed
class ScalePayload(TypedDict):
    """A physical scale."""

    microns_per_pixel: Positive
    source: Literal["file", "user", "estimate"]
    low: Number | None
    high: Number | None
    basis: str


@_open
class FramePayload(TypedDict):
    """What is counted, and how many cells of it."""

    regions: list[Box]
    margin_um: Annotated[float, AllowInfNan(False), Ge(0)]
    width: Ordinal
    height: Ordinal
    target: Ordinal
    images: NotRequired[list[Box]]


@_open
class RankingPayload(TypedDict):
    """Regions from best to worst, and the arrays of the quality map that they were ranked by."""

    regions: list[Box]
    scores: list[Number]
    avoided: dict[str, Count]
    parameters: dict[str, Any]
    arrays: NotRequired[AnyArrays]


@_closed
class ModelPayload(TypedDict):
    """Which model spoke."""

    name: Name
    sha256: Name


@_open
class Predecessor(TypedDict):
    """The case of this slide that was started over: its number, its file, the hash of its last line."""

    case: Name
    file: str
    head: Hash


@_open
class FirstLine(TypedDict):
    """How a case begins."""

    case: Name
    program: Name
    slide: SlidePayload
    scale: ScalePayload | None
    before: NotRequired[Predecessor]


@_open
class SlidePlace(TypedDict):
    """Where the slide lies."""

    slide: SlidePayload


@_open
class TilesPayload(TypedDict):
    """What some tiles of a search have brought."""

    plan: dict[str, Any]
    tiles: list[Count]
    failed: dict[str, str]
    arrays: CellArrays


@_open
class DetectorParameters(TypedDict):
    """What the detector was run with; only what the state needs is named."""

    failed_tiles: NotRequired[list[str]]


@_open
class DetectionPayload(TypedDict):
    """What a detector found."""

    arrays: CellArrays
    found: Count
    parameters: DetectorParameters
    kept: list[Ordinal]
    dropped: list[Ordinal]
    extends: NotRequired[bool]


@_open
class DiscardedCells(TypedDict):
    """How many cells left the case with their search."""

    cells: Count


@_open
class KeptCells(TypedDict):
    """Which cells stay when a search is put out of force."""

    kept: list[Ordinal]


@_open
class ProbabilityArrays(TypedDict):
    """What a model said of some cells."""

    cell_id: WholeNumbers
    probabilities: Annotated[ArrayPayload, ArrayOf(FLOAT, 2)]


@_open
class PredictionsPayload(TypedDict):
    """What a model said, and what it has learnt."""

    arrays: ProbabilityArrays
    classes: Annotated[list[Code], MinLen(1)]
    support: dict[str, Annotated[str, OneOf(str(word) for word in Support)]]
    model: ModelPayload
    abstain_below: NotRequired[Number]


@_open
class FeatureArrays(TypedDict):
    """What a network saw of some cells, and the axes that it is given on."""

    cell_id: WholeNumbers
    values: RealTable
    mean: Reals
    axes: RealTable


@_open
class FeaturesPayload(TypedDict):
    """Features, and whose."""

    model: ModelPayload
    arrays: FeatureArrays


@_open
class MapArrays(TypedDict):
    """Cells and their places on the map."""

    cell_id: WholeNumbers
    xy: RealTable


@_open
class MapPayload(TypedDict):
    """A map of cells."""

    arrays: MapArrays
    parameters: dict[str, Any]


@_open
class PlacePayload(TypedDict):
    """Where a reviewer put a cell: level-0 px, µm."""

    x: Number
    y: Number
    diameter_um: Positive


SplitPlaces = Annotated[list[PlacePayload], MinLen(2)]
MergedPlace = Annotated[list[PlacePayload], MinLen(1), MaxLen(1)]

LabelRow = Annotated[list[str], Row(Code, Name, Time, Name)]
"""A label: code, by whom, when, source."""
LabelRows = list[LabelRow | None]


@_open
class ImportedLabels(TypedDict):
    """Classes that a file gave, in the order of the line's cells, and the file's hash."""

    codes: Annotated[list[Code], MinLen(1)]
    sha256: Hash


@_open
class BulkRule(TypedDict):
    """The rule by which a class was accepted in bulk."""

    code: Code
    threshold: Number
    model: Name
    count: Ordinal


@_open
class ReadingBegun(TypedDict):
    """Which reading begins, and whose it is."""

    reading: ReadingNumber
    reader: Name


@_open
class ReadingPayload(TypedDict):
    """Which reading ends or is shown."""

    reading: ReadingNumber


@_closed
class KeyPayload(TypedDict):
    """The public key of a signer and what it made of the statement."""

    algorithm: Annotated[str, OneOf([ALGORITHM])]
    public: Hash
    proof: Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{128}\z")]


@_closed
class SignaturePayload(TypedDict):
    """What a signature states; see `Signature`."""

    name: Name
    reason: str
    counted: Count
    reviewed: Count
    unreviewed: Count
    imported: Count
    disagreements: Count
    counts: dict[Code, Count]
    excluded: dict[Code, Count]
    tallied: dict[Code, Count]
    rules: Name
    reading: ReadingNumber
    model: ModelPayload | None
    head: Hash
    program: Name
    key: NotRequired[KeyPayload]
    timestamp: NotRequired[
        Annotated[str, StringConstraints(pattern=r"\A[A-Za-z0-9+/]+={0,2}\z", max_length=_LONGEST_TIMESTAMP)]
    ]


@_open
class AmendedSignature(TypedDict):
    """The line of the signature that is put out of force."""

    signature: Ordinal


@_open
class Amendment(TypedDict):
    """Why a signature is put out of force."""

    reason: str


@_open
class TalliedCell(TypedDict):
    """A cell counted by eye: in which field, of which class."""

    field: Count
    code: Code


@_open
class TallyField(TypedDict):
    """The field that begins."""

    field: Ordinal
