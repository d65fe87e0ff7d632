"""Table of keys that a user can change, save and export (no Qt).

Acts and default keys are in `bindings`, valid keys in `key_syntax`. The rules are here: no two acts share a
key, and a file of keys is read completely or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from psygnal import Signal
from pydantic import BaseModel, ConfigDict, ValidationError

from napari_bonemarrow.gui.keys.key_syntax import KeyTableError, canonical
from napari_bonemarrow.system.files import why, write_text


@dataclass(frozen=True, slots=True)
class Binding:
    """A key of the review.

    Attributes
    ----------
    key : str
        ``B``, ``Shift+M``, ``Ctrl+Z``; empty without one.
    act : str
        ``label``, ``tag``, ``guess``, ``next``, …: what `ReviewController.press` does.
    argument : str
        Class code, tag or rank; empty if the act needs none.
    text : str
        Text of the help page.
    group : str
        Heading of the help page.
    """

    key: str
    act: str
    argument: str
    text: str
    group: str

    @property
    def name(self) -> str:
        """Return the act's name in files of keys: ``label BLA``, ``undo``."""
        return f"{self.act} {self.argument}".strip()


class KeysFile(BaseModel):
    """A file of keys, for sharing between workplaces."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["napari-bonemarrow keys"] = "napari-bonemarrow keys"
    version: Literal[1] = 1
    keys: dict[str, list[str]]


class KeyTable:
    """Acts and their keys.

    Parameters
    ----------
    defaults : iterable of Binding
        Every act with its default key; an act with two keys occurs twice.
    """

    changed = Signal()

    def __init__(self, defaults: Iterable[Binding]) -> None:
        self._first = tuple(defaults)
        self.acts: dict[str, Binding] = {}
        for binding in self._first:
            self.acts.setdefault(binding.name, replace(binding, key=""))
        self._keys = self.first_keys()

    def first_keys(self) -> dict[str, tuple[str, ...]]:
        """Return the default keys of each act, by name."""
        keys: dict[str, tuple[str, ...]] = dict.fromkeys(self.acts, ())
        for binding in self._first:
            keys[binding.name] += (binding.key,) if binding.key else ()
        return keys

    # looking up -----------------------------------------------------------------------------------

    def bindings(self) -> tuple[Binding, ...]:
        """Return every key with its act, in the order of the help page."""
        return tuple(replace(act, key=key) for name, act in self.acts.items() for key in self._keys[name])

    def keys_of(self, name: str) -> tuple[str, ...]:
        """Return the keys of an act by its name."""
        return self._keys[name]

    def key_of(self, act: str, argument: str = "") -> str:
        """Return the first key of an act, ``""`` if the user removed it.

        Raises
        ------
        KeyError
            There is no such act.
        """
        name = f"{act} {argument}".strip()
        if name not in self.acts:
            raise KeyError((act, argument))
        return next(iter(self._keys[name]), "")

    def act_on(self, key: str) -> Binding | None:
        """Return the act of a key."""
        return next((binding for binding in self.bindings() if binding.key == key), None)

    def is_changed(self, name: str) -> bool:
        """Return whether an act has other keys than by default."""
        return self._keys[name] != self.first_keys()[name]

    # changing -------------------------------------------------------------------------------------

    def set_keys(self, name: str, keys: Sequence[str]) -> None:
        """Replace the keys of an act.

        Raises
        ------
        KeyTableError
            If a key is invalid or used by another act. Nothing changes then.
        """
        if name not in self.acts:
            raise KeyTableError(f"{name!r}: there is no such act")
        wanted = tuple(dict.fromkeys(canonical(key) for key in keys))
        self._take({**self._keys, name: wanted})

    def reset(self, name: str) -> None:
        """Reset an act's keys.

        Raises
        ------
        KeyTableError
            If one of them is used by another act.
        """
        self.set_keys(name, self.first_keys()[name])

    def reset_all(self) -> None:
        """Reset the keys of all acts."""
        self._take(self.first_keys())

    def _take(self, keys: Mapping[str, tuple[str, ...]]) -> None:
        self._refuse_conflicts(keys)
        if dict(keys) != self._keys:
            self._keys = dict(keys)
            self.changed.emit()

    def _refuse_conflicts(self, keys: Mapping[str, tuple[str, ...]]) -> None:
        taken: dict[str, str] = {}
        for name, row in keys.items():
            for key in row:
                if key in taken:
                    # The error names the act that has the key.
                    holder = taken[key] if key in self._keys.get(taken[key], ()) else name
                    raise KeyTableError(
                        f"{key}: it does “{self.acts[holder].text}” already: choose another key, or give "
                        "that one another first"
                    )
                taken[key] = name

    # files ----------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """Return the table as the text of a file of keys."""
        keys = {name: list(row) for name, row in self._keys.items()}
        return json.dumps(KeysFile(keys=keys).model_dump(), indent=1, ensure_ascii=False) + "\n"

    def from_json(self, text: str, source: str) -> str:
        """Read the keys of a file, completely or not at all.

        An act that is newer than the file keeps its keys, unless the file gives them to another one.

        Parameters
        ----------
        text : str
        source : str
            Name of the file in errors.

        Returns
        -------
        str
            Acts without a key, one line; empty if none.

        Raises
        ------
        KeyTableError
            If it is not a file of keys, or names an unknown act, an invalid key, or one key twice.
        """
        try:
            named = KeysFile.model_validate_json(text).keys
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            reason = f"{where}: {first['msg']}" if where else first["msg"]
            raise KeyTableError(f"{source}: no file of keys ({reason}): nothing was changed") from error
        keys = self._checked(named, source)
        given = {key for row in keys.values() for key in row}
        rest = {name: row for name, row in self.first_keys().items() if name not in keys}
        left = {name: tuple(key for key in row if key not in given) for name, row in rest.items()}
        self._take({name: {**keys, **left}[name] for name in self.acts})
        without = [self.acts[name].text for name, row in rest.items() if row and not left[name]]
        return f"Without a key now: {', '.join(without)}." if without else ""

    def _checked(self, named: Mapping[str, list[str]], source: str) -> dict[str, tuple[str, ...]]:
        unknown = [name for name in named if name not in self.acts]
        if unknown:
            raise KeyTableError(
                f"{source}: {unknown[0]!r} is not an act of this version: nothing was changed; remove it"
            )
        holders: dict[str, str] = {}
        for name, row in named.items():
            for key in row:
                try:
                    made = canonical(key)
                except KeyTableError as error:
                    raise KeyTableError(f"{source}: {name}: {error}; nothing was changed") from error
                if made in holders and holders[made] != name:
                    raise KeyTableError(
                        f"{source}: {made} stands for {holders[made]!r} and {name!r}: nothing was changed; "
                        "give one of them another key"
                    )
                holders[made] = name
        return {name: tuple(dict.fromkeys(canonical(key) for key in row)) for name, row in named.items()}

    def write(self, path: Path) -> None:
        """Write a file of keys.

        Raises
        ------
        KeyTableError
            It cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, self.to_json())
        except OSError as error:
            raise KeyTableError(
                f"{path.name}: the keys could not be written ({why(error)}): choose another folder"
            ) from error

    def read(self, path: Path) -> str:
        """Read the keys of a file, as `from_json` does.

        Raises
        ------
        KeyTableError
            As `from_json`, or if it cannot be read.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise KeyTableError(f"{path.name}: it cannot be read ({error}): nothing was changed") from error
        return self.from_json(text, path.name)
