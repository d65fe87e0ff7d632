"""The types of a journal's payloads: names, numbers, cells, arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, MaxLen, MinLen
from pydantic import AllowInfNan, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypedDict

from napari_bonemarrow.cytology import CLASSES, TAGS
from napari_bonemarrow.review.journal.reading import KINDS
from napari_bonemarrow.review.report_fields import IDENTITY, KEY, LONGEST

_HIGHEST = 2**53
"""Largest cell number and count: exact in every reader of JSON (RFC 8259, 6)."""
_LONGEST_NAME = 1000
"""Largest number of characters of a name or source."""

_STRICT = core_schema.CoreConfig(strict=True)


class OneOf:
    """One of some values that are computed when the program starts."""

    def __init__(self, values: Iterable[object]) -> None:
        self._values = list(values)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(self._values)


class NoneOf:
    """None of some texts."""

    def __init__(self, values: Iterable[str]) -> None:
        self._values = frozenset(values)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, value: str) -> str:
        if value in self._values:
            raise ValueError(f"{value} is not kept here")
        return value


class Row:
    """A list whose items have types of their own.

    It stays a list, as in JSON, so that a line equals itself after it is written and read back.
    """

    def __init__(self, *items: Any) -> None:
        self._items = items

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        row = core_schema.tuple_schema([handler.generate_schema(item) for item in self._items])
        return core_schema.no_info_after_validator_function(list, row)


class ArrayOf:
    """A line's entry for an array: numbers of some kinds, and never an object that runs code."""

    def __init__(self, dtypes: str, dimensions: int | None) -> None:
        self._dtypes, self._dimensions = dtypes.split(), dimensions

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        counts = handler.generate_schema(Count)
        shape = core_schema.list_schema(
            counts, strict=True, min_length=self._dimensions or 0, max_length=self._dimensions
        )
        of = {
            "sha256": handler.generate_schema(Hash),
            "dtype": core_schema.literal_schema(self._dtypes),
            "shape": shape,
        }
        named = {name: core_schema.typed_dict_field(schema) for name, schema in of.items()}
        return core_schema.typed_dict_schema(named, extra_behavior="allow", config=_STRICT)


Name = Annotated[str, MaxLen(_LONGEST_NAME)]
Hash = Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{64}\z")]
Time = Annotated[
    str,
    StringConstraints(
        pattern=r"\A\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z\z"
    ),
]
Number = Annotated[float, AllowInfNan(False)]
Positive = Annotated[float, AllowInfNan(False), Gt(0)]
Count = Annotated[int, Ge(0), Le(_HIGHEST)]
Ordinal = Annotated[int, Ge(1), Le(_HIGHEST)]
"""A number from 1 on: of a line, a cell, a slide."""
Code = Annotated[str, OneOf(CLASSES)]
Tag = Annotated[str, OneOf(TAGS)]
FindingKey = Annotated[str, StringConstraints(pattern=rf"\A{KEY.pattern}\z"), NoneOf(IDENTITY)]
FindingText = Annotated[str, MaxLen(LONGEST)]
ReadingNumber = Annotated[int, OneOf(KINDS)]

NoCells = Annotated[tuple[Ordinal, ...], MaxLen(0)]
OneCell = Annotated[tuple[Ordinal, ...], MinLen(1), MaxLen(1)]
AtMostOne = Annotated[tuple[Ordinal, ...], MaxLen(1)]
SomeCells = Annotated[tuple[Ordinal, ...], MinLen(1)]
ThreeCells = Annotated[tuple[Ordinal, ...], MinLen(3)]
AnyCells = tuple[Ordinal, ...]


class ArrayPayload(TypedDict):
    """An array in the case file: SHA-256 of its bytes, numpy's name of its type, shape."""

    sha256: str
    dtype: str
    shape: list[int]


_WHOLE = "<i8 <i4 <i2 |i1 <u8 <u4 <u2 |u1"
FLOAT = "<f8 <f4 <f2"
_REAL = f"{FLOAT} {_WHOLE}"
BOOL = "|b1"
WholeNumbers = Annotated[ArrayPayload, ArrayOf(_WHOLE, 1)]
Reals = Annotated[ArrayPayload, ArrayOf(_REAL, 1)]
RealTable = Annotated[ArrayPayload, ArrayOf(_REAL, 2)]
AnyArrays = dict[str, Annotated[ArrayPayload, ArrayOf(f"{_REAL} {BOOL}", None)]]
