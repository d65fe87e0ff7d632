"""The features of a GeoJSON text, one at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from typing import Any


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def features(text: str) -> Iterator[Any]:
    """Yield the features of a collection or list one at a time, or a single feature.

    A million features as Python objects would need 3 GB at once.

    Raises
    ------
    ValueError, RecursionError
        If it is not JSON.
    """
    at = _skip_space(text, 0)
    if text[at : at + 1] == "[":
        _end_of(text, (yield from _listed(text, at)))
        return
    found, whole, at = False, {}, at + 1
    while text[at := _skip_space(text, at)] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _skip_space(text, at)
        if not isinstance(name, str) or text[at] != ":":
            raise ValueError("no name of a value")
        at = _skip_space(text, at + 1)
        if name == "features" and text[at] == "[":
            found, at = True, (yield from _listed(text, at))
        else:
            whole[name], at = _DECODER.raw_decode(text, at)
        at = _past_comma(text, at, "}")
    _end_of(text, at + 1)
    if not found:
        yield whole


def _listed(text: str, at: int) -> Generator[Any, None, int]:
    """Yield the values of the list that begins at a position; return the position after it."""
    at += 1
    while text[at := _skip_space(text, at)] != "]":
        value, at = _DECODER.raw_decode(text, at)
        yield value
        at = _past_comma(text, at, "]")
    return at + 1


def _past_comma(text: str, at: int, close: str) -> int:
    at = _skip_space(text, at)
    if text[at] == close:
        return at
    if text[at] != ",":
        raise ValueError("no comma")
    at = _skip_space(text, at + 1)
    if text[at] == close:
        raise ValueError("nothing after the comma")
    return at


def _skip_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _end_of(text: str, at: int) -> None:
    if _skip_space(text, at) != len(text):
        raise ValueError("something after the end")
