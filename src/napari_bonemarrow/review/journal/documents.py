"""The documents in the lines of a journal: slide, scale, frame, ranking, model, signature, arrays.

They are types, for the code that writes and reads them and for the check: a case file is untrusted, so
`line_schema` checks every line before it is used. A document that is not closed keeps fields that
are not named here: a later version may record more about an act than this one knows.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from annotated_types import Ge
from pydantic import AllowInfNan, ConfigDict, StringConstraints, with_config
from typing_extensions import TypedDict

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
    WholeNumbers,
)

ALGORITHM = "Ed25519"
"""Of every signing key (RFC 8032)."""

_LONGEST_TIMESTAMP = 200_000
"""Largest number of characters of a timestamp: a few certificates."""

_closed = with_config(ConfigDict(extra="forbid", strict=True))


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
    """The case's record of its slide; see `SlideRecord`."""

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


class FramePayload(TypedDict):
    """The counting frame, and the target number of cells."""

    regions: list[Box]
    margin_um: Annotated[float, AllowInfNan(False), Ge(0)]
    width: Ordinal
    height: Ordinal
    target: Ordinal
    images: NotRequired[list[Box]]


class RankingPayload(TypedDict):
    """Regions from best to worst, and the arrays of the quality map behind the ranking."""

    regions: list[Box]
    scores: list[Number]
    avoided: dict[str, Count]
    parameters: dict[str, Any]
    arrays: NotRequired[AnyArrays]


@_closed
class ModelPayload(TypedDict):
    """The model of some predictions."""

    name: Name
    sha256: Name


@_closed
class HeadPayload(TypedDict):
    """A laboratory head."""

    name: Name
    sha256: Name


class SampleArrays(TypedDict):
    """The cells of a frame in the order of their strata and draws."""

    cell_id: WholeNumbers
    stratum: WholeNumbers
    predicted: WholeNumbers


class ProbabilityArrays(TypedDict):
    """The probabilities of some cells by a model."""

    cell_id: WholeNumbers
    probabilities: Annotated[ArrayPayload, ArrayOf(FLOAT, 2)]


class FeatureArrays(TypedDict):
    """The features of some cells by a network, and their axes."""

    cell_id: WholeNumbers
    values: RealTable
    mean: Reals
    axes: RealTable


class MapArrays(TypedDict):
    """Cells and their places on the map."""

    cell_id: WholeNumbers
    xy: RealTable


@_closed
class KeyPayload(TypedDict):
    """The public key of a signer and its signature over the statement."""

    algorithm: Annotated[str, OneOf([ALGORITHM])]
    public: Hash
    proof: Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{128}\z")]


@_closed
class SignedShare(TypedDict):
    """A share that a signed sample review estimates: per cent, its limits, cells seen."""

    percent: Number | None
    ci95: Annotated[list[Any], Row(Number, Number)]
    seen: Count


@_closed
class SignedEstimate(TypedDict):
    """What a signed sample review estimates, and from what."""

    method: Name
    frame: Ordinal
    reviewed: Ordinal
    seed: Count
    shares: dict[str, SignedShare]


@_closed
class SignaturePayload(TypedDict):
    """The content of a signature; see `Signature`."""

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
    estimate: NotRequired[SignedEstimate]
    key: NotRequired[KeyPayload]
    timestamp: NotRequired[
        Annotated[str, StringConstraints(pattern=r"\A[A-Za-z0-9+/]+={0,2}\z", max_length=_LONGEST_TIMESTAMP)]
    ]
