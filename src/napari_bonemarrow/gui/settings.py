"""The few things the window remembers from one day to the next (no Qt)."""

from __future__ import annotations

import json
import logging

from napari_bonemarrow.models import STARTER
from napari_bonemarrow.review import home
from napari_bonemarrow.workflow import default_reviewer

_FILE = "settings.json"


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
        path.write_text(json.dumps({**_read_all(), key: value}, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        logging.getLogger(__name__).info("%s was not remembered: %s", key, error)
