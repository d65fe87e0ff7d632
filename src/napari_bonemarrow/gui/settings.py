"""The few things the window remembers from one day to the next (no Qt)."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from napari_bonemarrow.gui.key_names import KeyTableError
from napari_bonemarrow.gui.keys import TABLE
from napari_bonemarrow.models import STARTER
from napari_bonemarrow.review import home
from napari_bonemarrow.workflow import default_reviewer

_FILE, _KEYS_FILE = "settings.json", "keys.json"


def reviewer() -> str:
    """Return the name that corrections are written under: the one that was set, else the system's."""
    return _read("reviewer") or default_reviewer()


def set_reviewer(name: str) -> None:
    """Remember a reviewer's name."""
    _write("reviewer", name)


def model() -> str:
    """Return the name of the bundle that serves."""
    return _read("model") or STARTER


def set_model(name: str) -> None:
    """Remember which bundle serves."""
    _write("model", name)


def goes_on() -> bool:
    """Tell whether a class key goes on to the next cell; it does until that is switched off."""
    return _read("goes_on") != "off"


def set_goes_on(on: bool) -> None:
    """Remember whether a class key goes on to the next cell."""
    _write("goes_on", "on" if on else "off")


def load_keys() -> str:
    """Give the table of keys what this user has changed; return what went wrong in one line, else ``""``.

    A file that cannot be used leaves the keys as they are at first. It stays where it is, under another
    name once keys are changed anew.
    """
    path = home() / _KEYS_FILE
    if not path.exists():
        TABLE.reset_all()
        return ""
    try:
        return TABLE.read(path)
    except KeyTableError as error:
        TABLE.reset_all()
        _set_aside(path)
        return f"{error}. The keys are those they were at first; the file is now {_aside(path).name}."


def save_keys() -> None:
    """Remember the keys.

    Raises
    ------
    KeyTableError
        They cannot be written: they hold until the window is closed.
    """
    TABLE.write(home() / _KEYS_FILE)


def check() -> str:
    """Return in one line what is wrong with the settings, else ``""``; a spoilt file is set aside."""
    path = home() / _FILE
    try:
        spoilt = not isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except OSError:  # never set
        return ""
    except ValueError:
        spoilt = True
    if not spoilt:
        return ""
    _set_aside(path)
    return (
        f"{_FILE}: it is spoilt and is now {_aside(path).name}: check the reviewer's name and the model, "
        "which are as they were at first"
    )


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.spoilt")


def _set_aside(path: Path) -> None:
    try:
        path.replace(_aside(path))
    except OSError as error:
        logging.getLogger(__name__).info("%s could not be set aside: %s", path.name, error)


def _read_all() -> dict[str, object]:
    try:
        saved = json.loads((home() / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # never set, or spoilt: nothing depends on it
        return {}
    return saved if isinstance(saved, dict) else {}


def _read(key: str) -> str:
    return str(_read_all().get(key, "")).strip()


def _write(key: str, value: str) -> None:
    """Write one setting; a home that cannot be written forgets it, which harms nobody."""
    path = home() / _FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.part")  # a file half written would be none
        beside.write_text(json.dumps({**_read_all(), key: value}, ensure_ascii=False), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        logging.getLogger(__name__).info("%s was not remembered: %s", key, error)
