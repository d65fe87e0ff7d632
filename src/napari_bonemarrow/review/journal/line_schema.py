"""What a line of a journal may hold, kind by kind.

A case file comes from anywhere. Every line is checked when it is read, before anything is made of it: its
kind, and by kind the class, tag, time, number and cells that it names. Whether an act was allowed when it
was written is not asked here but in `permission`.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from pydantic_core import CoreSchema, SchemaValidator, ValidationError, core_schema

from napari_bonemarrow.cytology import CLASSES, TAGS, Support
from napari_bonemarrow.review.journal.events import Kind
from napari_bonemarrow.review.journal.reading import KINDS
from napari_bonemarrow.review.journal.signature import ALGORITHM

_HIGHEST = 2**53
"""Largest cell number and count: what every reader of JSON still tells apart (RFC 8259, 6)."""
_LONGEST_NAME = 1000
"""Characters of a name or source."""
_LONGEST_TIMESTAMP = 200_000
"""Characters of a timestamp: a few certificates."""

_any = core_schema.any_schema()
_text = core_schema.str_schema(strict=True)
_name = core_schema.str_schema(strict=True, max_length=_LONGEST_NAME)
_flag = core_schema.bool_schema(strict=True)
_nothing = core_schema.none_schema()
_number = core_schema.float_schema(strict=True, allow_inf_nan=False)
_hash = core_schema.str_schema(strict=True, pattern=r"\A[0-9a-f]{64}\z")
_time = core_schema.str_schema(
    strict=True,
    pattern=r"\A\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z\z",
)
_code = core_schema.literal_schema(list(CLASSES))
_tag = core_schema.literal_schema(list(TAGS))


def _whole(least: int) -> CoreSchema:
    return core_schema.int_schema(strict=True, ge=least, le=_HIGHEST)


def _list(of: CoreSchema, least: int = 0, most: int | None = None) -> CoreSchema:
    return core_schema.list_schema(of, strict=True, min_length=least, max_length=most)


def _cells(least: int, most: int | None = None) -> CoreSchema:
    return core_schema.tuple_schema(
        [_whole(1)], variadic_item_index=0, min_length=least, max_length=most, strict=True
    )


def _row(*items: CoreSchema) -> CoreSchema:
    # A list, as JSON has it: a line that was read is equal to the same line when it was written.
    return core_schema.no_info_after_validator_function(list, core_schema.tuple_schema(list(items)))


def _or_none(schema: CoreSchema) -> CoreSchema:
    return core_schema.nullable_schema(schema)


def _mapping(keys: CoreSchema, values: CoreSchema) -> CoreSchema:
    return core_schema.dict_schema(keys, values, strict=True)


def _object(extra: str = "allow", /, **fields: CoreSchema) -> CoreSchema:
    """Check an object; a field whose name ends in ``_`` may be missing.

    Fields that are not named here are kept: a later version may say more of an act than this one knows.
    """
    return core_schema.typed_dict_schema(
        {
            name.rstrip("_"): core_schema.typed_dict_field(schema, required=not name.endswith("_"))
            for name, schema in fields.items()
        },
        strict=True,
        extra_behavior="forbid" if extra == "forbid" else "allow",
    )


def _array(kinds: str, dimensions: int | None) -> CoreSchema:
    """Check what a line says of an array: numbers of some kinds, and never anything that runs code."""
    shape = _list(_whole(0), dimensions or 0, dimensions)
    return _object(sha256=_hash, dtype=core_schema.literal_schema(kinds.split()), shape=shape)


_WHOLE = "<i8 <i4 <i2 |i1 <u8 <u4 <u2 |u1"
_REAL = f"<f8 <f4 <f2 {_WHOLE}"
_BOOL = "|b1"
_CELLS = _object(
    cell_id=_array(_WHOLE, 1),
    x=_array(_REAL, 1),
    y=_array(_REAL, 1),
    diameter_um=_array(_REAL, 1),
    score=_array(_REAL, 1),
    in_frame=_array(_BOOL, 1),
)
_NO_ARRAYS = _mapping(_text, _array(f"{_REAL} {_BOOL}", None))

_REGIONS = _list(_row(_number, _number, _number, _number))
_SLIDE = _object(
    "forbid",
    name=_text,
    path=_text,
    relative=_or_none(_text),
    fingerprint=_name,
    width=_whole(1),
    height=_whole(1),
    vendor=_name,
    slide=_whole(1),
    fields_=_list(_row(_text, _number, _number, _number, _number)),
    layout_=_whole(1),
)
_POSITIVE = core_schema.float_schema(strict=True, allow_inf_nan=False, gt=0)
_SCALE = _object(
    "forbid",
    microns_per_pixel=_POSITIVE,
    source=core_schema.literal_schema(["file", "user", "estimate"]),
    low=_or_none(_number),
    high=_or_none(_number),
    basis=_text,
)
_FRAME = _object(
    regions=_REGIONS,
    margin_um=core_schema.float_schema(strict=True, allow_inf_nan=False, ge=0),
    width=_whole(1),
    height=_whole(1),
    target=_whole(1),
    images_=_REGIONS,
)
_RANKING = _object(
    regions=_REGIONS,
    scores=_list(_number),
    avoided=_mapping(_text, _whole(0)),
    parameters=_mapping(_text, _any),
    arrays_=_NO_ARRAYS,
)
_MODEL = _object("forbid", name=_name, sha256=_name)
_COUNTS = _mapping(_code, _whole(0))
_PLACE = _object(x=_number, y=_number, diameter_um=_POSITIVE)
_LABEL = _row(_code, _name, _time, _name)
_LABELS = _list(_or_none(_LABEL))
_READING = core_schema.literal_schema(list(KINDS))
_SIGNED = _object(
    "forbid",
    name=_name,
    reason=_text,
    counted=_whole(0),
    reviewed=_whole(0),
    unreviewed=_whole(0),
    imported=_whole(0),
    disagreements=_whole(0),
    counts=_COUNTS,
    excluded=_COUNTS,
    tallied=_COUNTS,
    rules=_name,
    reading=_READING,
    model=_or_none(_MODEL),
    head=_hash,
    program=_name,
    key_=_object(
        "forbid",
        algorithm=core_schema.literal_schema([ALGORITHM]),
        public=_hash,
        proof=core_schema.str_schema(strict=True, pattern=r"\A[0-9a-f]{128}\z"),
    ),
    timestamp_=core_schema.str_schema(
        strict=True, pattern=r"\A[A-Za-z0-9+/]+={0,2}\z", max_length=_LONGEST_TIMESTAMP
    ),
)

_CELL = _whole(1)
_NO_CELLS = _cells(0, 0)
_ONE_CELL = _cells(1, 1)
_SOME_CELLS = _cells(1)
_AT_MOST_ONE = _cells(0, 1)

_SHAPES: dict[Kind, tuple[CoreSchema, CoreSchema, CoreSchema]] = {
    Kind.SLIDE_OPENED: (
        _NO_CELLS,
        _nothing,
        _object(
            case=_name,
            program=_name,
            slide=_SLIDE,
            scale=_or_none(_SCALE),
            before_=_object(case=_name, file=_text, head=_hash),
        ),
    ),
    Kind.SLIDE_MOVED: (_NO_CELLS, _object(slide=_SLIDE), _object(slide=_SLIDE)),
    Kind.SCALE_CONFIRMED: (_NO_CELLS, _or_none(_SCALE), _SCALE),
    Kind.FRAME_SET: (_NO_CELLS, _or_none(_FRAME), _FRAME),
    Kind.REGIONS_RANKED: (_NO_CELLS, _or_none(_RANKING), _RANKING),
    Kind.TILES_SEARCHED: (
        _NO_CELLS,
        _nothing,
        _object(
            plan=_mapping(_text, _any), tiles=_list(_whole(0)), failed=_mapping(_text, _text), arrays=_CELLS
        ),
    ),
    Kind.DETECTOR_RUN: (
        _NO_CELLS,
        _nothing,
        _object(
            arrays=_CELLS,
            found=_whole(0),
            parameters=_object(failed_tiles_=_list(_text)),
            kept=_list(_CELL),
            dropped=_list(_CELL),
            extends_=_flag,
        ),
    ),
    Kind.SEARCH_DISCARDED: (_NO_CELLS, _object(cells=_whole(0)), _object(kept=_list(_CELL))),
    Kind.MODEL_RUN: (
        _NO_CELLS,
        _nothing,
        _object(
            arrays=_object(cell_id=_array(_WHOLE, 1), probabilities=_array("<f8 <f4 <f2", 2)),
            classes=_list(_code, 1),
            support=_mapping(_text, core_schema.literal_schema([str(word) for word in Support])),
            model=_MODEL,
            abstain_below_=_number,
        ),
    ),
    Kind.CELL_ADDED: (_ONE_CELL, _nothing, _PLACE),
    Kind.CELL_REMOVED: (_SOME_CELLS, core_schema.literal_schema([True]), core_schema.literal_schema([False])),
    Kind.CELL_SPLIT: (_cells(3), _nothing, _list(_PLACE, 2)),
    Kind.CELLS_MERGED: (_cells(3), _nothing, _list(_PLACE, 1, 1)),
    Kind.LABEL_SET: (_SOME_CELLS, _LABELS, _code),
    Kind.LABEL_CLEARED: (_SOME_CELLS, _LABELS, _nothing),
    Kind.LABELS_IMPORTED: (_SOME_CELLS, _LABELS, _object(codes=_list(_code, 1), sha256=_hash)),
    Kind.TAG_SET: (_SOME_CELLS, _nothing, _tag),
    Kind.TAG_CLEARED: (_SOME_CELLS, _tag, _nothing),
    Kind.COMMENT: (_AT_MOST_ONE, _nothing, _text),
    Kind.FLAG_SET: (_SOME_CELLS, _nothing, core_schema.literal_schema([True])),
    Kind.FLAG_CLEARED: (_SOME_CELLS, _nothing, core_schema.literal_schema([False])),
    Kind.BULK_RULE: (
        _SOME_CELLS,
        _nothing,
        _object(code=_code, threshold=_number, model=_name, count=_whole(1)),
    ),
    Kind.READING_BEGUN: (_NO_CELLS, _nothing, _object(reading=_READING, reader=_name)),
    Kind.READING_ENDED: (_NO_CELLS, _nothing, _object(reading=_READING)),
    Kind.READING_TAKEN_UP: (_NO_CELLS, _object(reading=_READING), _object(reading=_READING)),
    Kind.SIGNED: (_NO_CELLS, _nothing, _SIGNED),
    Kind.AMENDED: (_NO_CELLS, _object(signature=_whole(1)), _object(reason=_text)),
    Kind.TALLIED: (_NO_CELLS, _nothing, _object(field=_whole(0), code=_code)),
    Kind.TALLY_FIELD_BEGUN: (_NO_CELLS, _nothing, _object(field=_whole(1))),
    Kind.FEATURES_RECORDED: (
        _NO_CELLS,
        _nothing,
        _object(
            model=_MODEL,
            arrays=_object(
                cell_id=_array(_WHOLE, 1),
                values=_array(_REAL, 2),
                mean=_array(_REAL, 1),
                axes=_array(_REAL, 2),
            ),
        ),
    ),
    Kind.MAP_RECORDED: (
        _NO_CELLS,
        _nothing,
        _object(
            arrays=_object(cell_id=_array(_WHOLE, 1), xy=_array(_REAL, 2)), parameters=_mapping(_text, _any)
        ),
    ),
    Kind.UNDO: (_cells(0), _any, _any),
    Kind.REDO: (_cells(0), _any, _any),
}
"""Of each kind: which cells it may name, what was, and what is."""


def _line(kind: Kind) -> CoreSchema:
    cells, old, new = _SHAPES[kind]
    turns = kind in (Kind.UNDO, Kind.REDO)
    return _object(
        "forbid",
        seq=_whole(1),
        at=_time,
        reviewer=_name,
        kind=_any,
        slide=_whole(1),
        cells=cells,
        old=old,
        new=new,
        source=_name,
        refers=_whole(1) if turns else _nothing,
        previous=_text,
        clock_=_time,
        reading_=_READING,
    )


@cache
def _validator() -> SchemaValidator:
    lines = core_schema.tagged_union_schema({str(kind): _line(kind) for kind in Kind}, discriminator="kind")
    return SchemaValidator(lines)


def read_line(body: bytes) -> tuple[dict[str, Any], str]:
    """Read a line of a journal.

    Parameters
    ----------
    body : bytes
        Its JSON, UTF-8.

    Returns
    -------
    fields : dict
        Empty where the line is none.
    trouble : str
        Why, in a few words; empty where the line is well-formed.
    """
    try:
        fields: dict[str, Any] = _validator().validate_json(body)
    except ValidationError as error:
        return {}, _told(error)
    return (fields, "") if _is_date(fields["at"][:10]) else ({}, "its time is none")


@cache
def _is_date(text: str) -> bool:
    """Tell whether a day is one of the calendar; a journal has few, so each is looked up once."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _told(error: ValidationError) -> str:
    """Say what does not fit, without quoting anything of the file."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "union_tag_invalid":
        return "of a kind that this version does not know: update the program"
    if first["type"] in ("json_invalid", "dict_type", "model_attributes_type", "union_tag_not_found"):
        return "no line of a journal"
    where = [str(part) for part in first["loc"][1:] if isinstance(part, int) or part in _FIELDS]
    return f"{'.'.join(where) or 'a field'} does not fit"


_FIELDS = frozenset(
    "seq at reviewer kind slide cells old new source refers previous clock reading arrays model".split()  # noqa: SIM905
)
