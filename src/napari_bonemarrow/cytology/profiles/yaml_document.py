"""A YAML file as plain values, with the line of each of them for messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_bonemarrow.cytology.errors import BoneMarrowError
from napari_bonemarrow.cytology.lines import one_line

if TYPE_CHECKING:
    from pydantic import ValidationError

LARGEST = 2**20
"""Bytes; a profile or a layout has a few thousand."""
_DEEPEST = 20
"""Levels; a profile has four."""

KeyPath = tuple[str | int, ...]
Mark = tuple[str, int]
"""Name of a file, and a line in it from 1."""
_AS_WRITTEN = "tag:yaml.org,2002:timestamp"
_PLAIN = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str"))


class YamlError(BoneMarrowError):
    """A YAML file cannot be read: file, line, what to do."""


@dataclass(frozen=True)
class YamlDocument:
    """The values of a YAML file, and where each stands.

    Attributes
    ----------
    values : dict
    marks : dict
        File and line by the path of keys.
    """

    values: dict[str, Any]
    marks: dict[KeyPath, Mark] = field(default_factory=dict)

    def mark(self, path: KeyPath) -> Mark | None:
        """Return file and line of a value, or of the nearest one that contains it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.marks:
                return self.marks[path[:length]]
        return None

    def over(self, base: YamlDocument, merged: str) -> YamlDocument:
        """Return this document's values over those of another; one mapping is merged by its keys.

        Parameters
        ----------
        base : YamlDocument
        merged : str
            Key of that mapping.
        """
        gone: set[KeyPath]
        values, gone = {**base.values, **self.values}, {(key,) for key in self.values}
        mine, others = self.values.get(merged), base.values.get(merged)
        if isinstance(mine, dict) and isinstance(others, dict):
            values[merged] = {**others, **mine}
            gone = gone - {(merged,)} | {(merged, key) for key in mine}
        kept = {at: mark for at, mark in base.marks.items() if at[:1] not in gone and at[:2] not in gone}
        return YamlDocument(values, {**kept, **self.marks})


def read_yaml(path: Path, as_text: frozenset[str] = frozenset()) -> YamlDocument:
    """Read a YAML file of plain values: mappings, lists, texts, numbers, yes and no.

    Parameters
    ----------
    path : Path
    as_text : frozenset of str
        Keys at the top whose value is taken as it is written: ``version: 1.10`` is not 1.1.

    Raises
    ------
    YamlError
        If it cannot be read, is too large or not UTF-8, or holds anything else than plain values: an alias,
        a tag, a key twice.
    """
    text = _text(path)
    import yaml

    try:
        node = _composer(path.name)(text).get_single_node()
    except yaml.reader.ReaderError as error:
        raise YamlError(f"{path.name}: holds a character that YAML does not allow: remove it") from error
    except yaml.MarkedYAMLError as error:
        raise YamlError(_complaint(path.name, text, error)) from error
    if node is None:
        raise YamlError(f"{path.name}: is empty: write its fields into it")
    if not isinstance(node, yaml.MappingNode):
        raise YamlError(f"{path.name}, line {_line(node)}: write a field on each line, such as 'name: …'")
    document = YamlDocument({})
    document.values.update(_Reader(path.name, document.marks, as_text).value(node, ()))
    return document


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise YamlError(f"{path.name}: is larger than {LARGEST >> 20} MiB: it is no file of this kind")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlError(f"{path.name}: is not UTF-8: save it as UTF-8") from error
    except (OSError, ValueError) as error:  # a null byte in a name is a ValueError
        reason = getattr(error, "strerror", None) or str(error)
        raise YamlError(f"{one_line(str(path))}: cannot be read: {reason}") from error


def _complaint(name: str, text: str, error: Any) -> str:
    mark = error.problem_mark or error.context_mark
    line = 0 if mark is None else mark.line + 1
    there = text.splitlines()[line - 1] if 0 < line <= len(text.splitlines()) else ""
    if there.startswith("\t") or "'\\t'" in str(error.problem):
        return f"{name}, line {line}: begins with a tab: indent with spaces"
    problem = one_line(str(error.problem or error.context))
    return f"{name}, line {line}: is not YAML: {problem}: correct this line"


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


def _composer(name: str) -> Callable[[str], Any]:
    """Return a composer that takes no aliases and no deep nesting."""
    import yaml

    class Composer(yaml.SafeLoader):
        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.peek_event()  # type: ignore[no-untyped-call]
            line = event.start_mark.line + 1
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise YamlError(f"{name}, line {line}: anchors and aliases (& and *): write the value out")
            self.depth += 1
            if self.depth > _DEEPEST:
                raise YamlError(f"{name}, line {line}: is nested too deep: four levels are enough")
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

    return Composer


class _Reader:
    """Reads nodes as plain values and notes their lines."""

    def __init__(self, name: str, marks: dict[KeyPath, Mark], as_text: frozenset[str]) -> None:
        self._name, self._marks, self._as_text = name, marks, as_text

    def value(self, node: Any, path: KeyPath) -> Any:
        """Return the value of a node."""
        import yaml

        self._marks.setdefault(path, (self._name, _line(node)))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each, (*path, at)) for at, each in enumerate(node.value)]
        if node.tag == _AS_WRITTEN or (len(path) == 1 and path[0] in self._as_text):
            return node.value
        if node.tag not in _PLAIN:
            raise YamlError(f"{self._name}, line {_line(node)}: {one_line(node.tag, 60)} is no plain value")
        try:
            return yaml.SafeLoader("").construct_object(node)
        except (ValueError, OverflowError) as error:  # 0x, or digits beyond what Python converts
            raise YamlError(f"{self._name}, line {_line(node)}: is not a number: correct it") from error

    def _mapping(self, node: Any, path: KeyPath) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key.value, str) else "?"
            if name in made:
                shown = one_line(name, 60)
                raise YamlError(f"{self._name}, line {_line(key)}: {shown} is there twice: remove one")
            self._marks[(*path, name)] = (self._name, _line(key))
            made[name] = self.value(value, (*path, name))
        return made


def where(document: YamlDocument, path: KeyPath, file: Path) -> str:
    """Return file and line of a value, for a message."""
    name, line = document.mark(path) or (file.name, 1)
    return f"{name}, line {line}"


def first_error(
    file: Path, document: YamlDocument, error: ValidationError, fields: Callable[[KeyPath], list[str]]
) -> str:
    """Return the first error of a model as one line, with file, line and the number of the others.

    Parameters
    ----------
    file : Path
    document : YamlDocument
    error : ValidationError
    fields : callable
        Returns the names of the fields that are allowed at a path.
    """
    found = error.errors(include_url=False)
    first = found[0]
    path: KeyPath = tuple(first["loc"])
    text = _problem(first, fields)
    head, _colon, rest = text.partition(": ")
    named = [(*path, name) for name in head.split(" and ") if (*path, name) in document.marks]
    if named:  # a check over several fields names those that it is about
        path, text = max(named, key=lambda each: document.marks[each][0] == file.name), rest
    if first["type"] == "missing":
        path, text = path[:-1], f"{path[-1]}: {text}"
    field = ".".join(one_line(str(part), 60) for part in path)
    more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
    return f"{where(document, path, file)}: {field + ': ' if field else ''}{one_line(text, 300)}{more}"


def _problem(error: Any, fields: Callable[[KeyPath], list[str]]) -> str:
    kind, given = error["type"], one_line(repr(error["input"]), 60)
    if kind == "extra_forbidden":
        return f"is not a field: fields here are {', '.join(fields(error['loc']))}"
    if kind == "missing":
        return "is missing: add it"
    message = str(error["msg"]).removeprefix("Value error, ")
    if kind == "value_error":
        return message
    return f"{given}: {message[:1].lower()}{message[1:]}"
