"""The few things the window remembers from one day to the next (no Qt)."""

from __future__ import annotations

import json
import logging

from napari_bonemarrow.review import home
from napari_bonemarrow.workflow import default_reviewer

_FILE = "settings.json"


def reviewer() -> str:
    """Return the name that corrections are written under: the one that was set, else the system's."""
    try:
        saved = json.loads((home() / _FILE).read_text(encoding="utf-8"))
        name = str(saved.get("reviewer", "")).strip()
    except (OSError, ValueError, AttributeError):  # never set, or spoilt: nothing depends on it
        name = ""
    return name or default_reviewer()


def set_reviewer(name: str) -> None:
    """Remember a reviewer's name; a home that cannot be written forgets it, which harms nobody."""
    path = home() / _FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"reviewer": name}, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        logging.getLogger(__name__).info("the reviewer's name was not remembered: %s", error)
