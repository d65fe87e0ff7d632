"""A table of keys that a user may change, keep and hand on (no Qt).

What an act is called and which key it has at first is told in `keys`, which keys there are in `key_names`.
Here are the rules: no two acts share a key, and a file of keys is taken whole or not at all.
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
    """One key of the review.

    Attributes
    ----------
    key : str
        ``B``, ``Shift+M``, ``Ctrl+Z``; empty where the act has none.
    act : str
        ``label``, ``tag``, ``guess``, ``next``, …: what `ReviewController.press` does.
    argument : str
        Class code, tag or rank; empty where the act needs none.
    text : str
        What the help page says.
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
        """How files of keys call the act: ``label BLA``, ``undo``."""
        return f"{self.act} {self.argument}".strip()


class KeysFile(BaseModel):
    """A file of keys: what a laboratory hands on from one workplace to the next."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["napari-bonemarrow keys"] = "napari-bonemarrow keys"
    version: Literal[1] = 1
    keys: dict[str, list[str]]


class KeyTable:
    """Acts, and the keys that do them.

    Parameters
    ----------
    defaults : iterable of Binding
        Every act with its first key; an act with two keys stands there twice.
    """

    changed = Signal()

    def __init__(self, defaults: Iterable[Binding]) -> None:
        self._first = tuple(defaults)
        self.acts: dict[str, Binding] = {}
        for binding in self._first:
            self.acts.setdefault(binding.name, replace(binding, key=""))
        self._keys = self.first_keys()

    def first_keys(self) -> dict[str, tuple[str, ...]]:
        """Return the keys that each act has at first, by its name."""
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
        """Return the first key of an act, ``""`` where the user took it away.

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
        """Return what a key does."""
        return next((binding for binding in self.bindings() if binding.key == key), None)

    def is_changed(self, name: str) -> bool:
        """Tell whether an act has other keys than at first."""
        return self._keys[name] != self.first_keys()[name]

    # changing -------------------------------------------------------------------------------------

    def set_keys(self, name: str, keys: Sequence[str]) -> None:
        """Give an act these keys instead of those it has.

        Raises
        ------
        KeyTableError
            A key cannot be used or does something else already. Nothing has changed then.
        """
        if name not in self.acts:
            raise KeyTableError(f"{name!r}: there is no such act")
        wanted = tuple(dict.fromkeys(canonical(key) for key in keys))
        self._take({**self._keys, name: wanted})

    def reset(self, name: str) -> None:
        """Give an act its first keys again.

        Raises
        ------
        KeyTableError
            One of them does something else now.
        """
        self.set_keys(name, self.first_keys()[name])

    def reset_all(self) -> None:
        """Give every act its first keys again."""
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
                    # The act that has it already is named, not the one that asks for it.
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
        """Take the keys of a file, whole or not at all.

        An act that the file does not name, because it is newer than the file, keeps its keys unless the
        file has given them away.

        Parameters
        ----------
        text : str
        source : str
            What an error calls the file.

        Returns
        -------
        str
            Which acts are left without a key, one line; empty where none is.

        Raises
        ------
        KeyTableError
            It is not a file of keys, names an act that does not exist, a key that cannot be used, or one key
            twice.
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
        """Take the keys of a file, as `from_json` does.

        Raises
        ------
        KeyTableError
            As `from_json`, or it cannot be read.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise KeyTableError(f"{path.name}: it cannot be read ({error}): nothing was changed") from error
        return self.from_json(text, path.name)
