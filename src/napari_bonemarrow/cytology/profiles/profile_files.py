"""Counting profiles in YAML files, with inheritance and errors by line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ValidationError

from napari_bonemarrow.cytology.counting import CountingRules
from napari_bonemarrow.cytology.errors import BoneMarrowError
from napari_bonemarrow.cytology.profiles.profile import CountingProfile, ReferenceSet
from napari_bonemarrow.cytology.profiles.yaml_document import (
    KeyPath,
    YamlDocument,
    YamlError,
    first_error,
    read_yaml,
    where,
)

DEFAULT = "ICSH 2008"
BUILT_IN = {
    DEFAULT: "icsh-2008.yaml",
    "ICSH 2008, M:E without monocytes": "icsh-2008-me-without-monocytes.yaml",
    "ICSH 2008, faggot cells as blasts": "icsh-2008-faggot-cells-as-blasts.yaml",
}
"""Files of the program's own profiles by their names."""
FOLDER = Path(__file__).parent / "builtin"

SUFFIXES = (".yaml", ".yml")
EXTENDS = "extends"
_AS_TEXT = frozenset({"name", "version"})

Find = Callable[[str], Path]
"""Returns the file of a profile by its name."""


class ProfileError(BoneMarrowError):
    """A counting profile cannot be used: file, line, field, what to do."""


def profile_of(path: Path, find: Find) -> CountingProfile:
    """Read a counting profile; names of others are looked up by ``find``."""
    try:
        document = _with_base(path, find, ())
    except YamlError as error:
        raise ProfileError(str(error)) from error
    try:
        made = CountingProfile.model_validate(document.values)
    except ValidationError as error:
        raise ProfileError(first_error(path, document, error, _fields)) from error
    if made.name in BUILT_IN and path.resolve().parent != FOLDER.resolve():
        name, line = document.marks[("name",)]
        where = f"{path.name}, line {line if name == path.name else 1}"
        raise ProfileError(
            f"{where}: name: {made.name} is one of the program's own profiles: give this one another name"
        )
    return made


def name_in(path: Path) -> str:
    """Return the name that a file states; empty if it states none or cannot be read."""
    try:
        return str(read_yaml(path, _AS_TEXT).values.get("name", ""))
    except YamlError:
        return ""


def is_file_name(text: str) -> bool:
    """Return whether a text names a file, not a profile."""
    return text.lower().endswith(SUFFIXES)


def _with_base(path: Path, find: Find, chain: tuple[Path, ...]) -> YamlDocument:
    """Return the fields of a file over those of the profile that it extends."""
    document, here = read_yaml(path, _AS_TEXT), path.resolve()
    base = document.values.pop(EXTENDS, None)
    if base is None:
        return document
    at = where(document, (EXTENDS,), path)
    if not isinstance(base, str) or not base.strip():
        raise ProfileError(f"{at}: {EXTENDS}: is neither the name nor the file of a profile: give one")
    try:
        other = path.parent / Path(base).expanduser() if is_file_name(base) else find(base)
    except ProfileError as error:
        raise ProfileError(f"{at}: {EXTENDS}: {error}") from error
    if other.resolve() in (*chain, here):
        names = " → ".join(each.name for each in (*chain, here, other.resolve()))
        raise ProfileError(f"{at}: {EXTENDS}: the profiles extend each other in a circle ({names}): end it")
    fields = _with_base(other, find, (*chain, here))
    fields.values.pop("version", None)  # that of the other profile
    return document.over(fields, "rules")


def _fields(loc: KeyPath) -> list[str]:
    owner: type[BaseModel] = CountingProfile
    if loc[0] == "rules" and len(loc) > 1:
        owner = CountingRules
    elif loc[0] == "reference_ranges" and len(loc) > 1:
        owner = ReferenceSet
    fields = [name for name in owner.model_fields if (owner, name) != (CountingRules, "name")]
    return [*fields, EXTENDS] if owner is CountingProfile else fields
