"""The check of a journal's lines: their kind, and the content that each kind allows.

A case file is untrusted. Every line is checked when it is read, before it is used: its
kind, and by kind the class, tag, time, number and cells that it names. Whether an act was allowed when it
was written is checked in `permission`.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Annotated, Any

from pydantic import ConfigDict, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, core_schema

from napari_bonemarrow.review.journal.event_specs import EVENT_SPECS, EventSpec
from napari_bonemarrow.review.journal.field_types import Name, Ordinal, ReadingNumber, Time

_OPEN = ConfigDict(extra="allow", strict=True)
"""The configuration of every payload that does not set its own."""
_OPTIONAL = frozenset({"clock", "reading"})


def _fields(spec: EventSpec) -> dict[str, Any]:
    """Return the types of the fields that a line of some kind has."""
    return {
        "seq": Ordinal,
        "at": Time,
        "reviewer": Name,
        "kind": Any,
        "slide": Ordinal,
        "cells": spec.cells,
        "old": spec.old,
        "new": spec.new,
        "source": Name,
        "refers": Ordinal if spec.refers else None,
        "previous": str,
        "clock": Time,
        "reading": ReadingNumber,
    }


class _Lines:
    """Any line of a journal, distinguished by its kind."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.tagged_union_schema(
            {str(kind): self._line(spec, handler) for kind, spec in EVENT_SPECS.items()}, discriminator="kind"
        )

    def _line(self, spec: EventSpec, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.typed_dict_schema(
            {
                name: core_schema.typed_dict_field(
                    handler.generate_schema(of), required=name not in _OPTIONAL
                )
                for name, of in _fields(spec).items()
            },
            strict=True,
            extra_behavior="forbid",
            config=core_schema.CoreConfig(strict=True),
        )


@cache
def _validator() -> TypeAdapter[dict[str, Any]]:
    return TypeAdapter(Annotated[dict[str, Any], _Lines()], config=_OPEN)


def read_line(body: bytes) -> tuple[dict[str, Any], str]:
    """Read a line of a journal.

    Parameters
    ----------
    body : bytes
        Its JSON, UTF-8.

    Returns
    -------
    fields : dict
        Empty if the line is invalid.
    trouble : str
        The reason, in a few words; empty if the line is well-formed.
    """
    try:
        fields: dict[str, Any] = _validator().validate_json(body)
    except ValidationError as error:
        return {}, _told(error)
    return (fields, "") if _is_date(fields["at"][:10]) else ({}, "its time is none")


@cache
def _is_date(text: str) -> bool:
    """Return whether a day exists in the calendar; a journal has few, so each is looked up once."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _told(error: ValidationError) -> str:
    """Return a description of the error, without quoting the file."""
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
