"""Write what has its home in the code and must stand in a file too: ``make copies``.

These are acts, suffixes and settings in napari's manifest, and the keys in their page of the documentation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

import napari_bonemarrow
from napari_bonemarrow.gui.canvas.smear_layer import CASE_SUFFIX
from napari_bonemarrow.gui.core.settings import Settings
from napari_bonemarrow.gui.keys import command_titles
from napari_bonemarrow.gui.keys.bindings import help_markdown
from napari_bonemarrow.gui.window import commands
from napari_bonemarrow.gui.window.command_keys import PREFIX
from napari_bonemarrow.slides import SUFFIXES

MANIFEST = Path(napari_bonemarrow.__file__).with_name("napari.yaml")
KEYS_PAGE = Path(__file__).resolve().parents[1] / "docs" / "keys.md"
_HEAD = "# Commands of acts, suffixes and settings are written by `make copies`; the rest is written here.\n"
_ACTS = f"{commands.__name__}:"
_OF_A_SETTING = ("title", "type", "default", "description", "minimum", "maximum", "maxLength")


def manifest_text() -> str:
    """Return the manifest as it should be; what is not made here stays as it is."""
    manifest = yaml.safe_load(MANIFEST.read_text("utf-8"))
    contributed = manifest["contributions"]
    own = [found for found in contributed["commands"] if not found["python_name"].startswith(_ACTS)]
    acts = [
        {"id": f"{PREFIX}{name}", "title": command_titles.title(act), "python_name": f"{_ACTS}{name}"}
        for name, act in command_titles.names().items()
    ]
    contributed["commands"] = [*own, *acts]
    contributed["readers"][0]["filename_patterns"] = [f"*{suffix}" for suffix in (*SUFFIXES, CASE_SUFFIX)]
    contributed["configurations"]["window"]["properties"] = _settings()
    return _HEAD + yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=110)


def _settings() -> dict[str, dict[str, Any]]:
    """Return the settings as a page of napari shows them; the model is chosen in its own tab."""
    fields = Settings.model_json_schema()["properties"]
    return {
        name: {key: field[key] for key in _OF_A_SETTING if key in field}
        for name, field in fields.items()
        if name != "model"
    }


def keys_page_text() -> str:
    """Return the page of keys as it should be."""
    before, first, rest = KEYS_PAGE.read_text("utf-8").partition("<!-- keys -->")
    return "".join((before, first, help_markdown(), *rest.partition("<!-- /keys -->")[1:]))


def copies() -> dict[Path, str]:
    """Return the files and what they should hold."""
    return {MANIFEST: manifest_text(), KEYS_PAGE: keys_page_text()}


if __name__ == "__main__":
    for path, text in copies().items():
        path.write_text(text, "utf-8")
