"""The settings that the window keeps between sessions (no Qt)."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from psygnal import Signal
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_bonemarrow.cytology.defaults import MARGIN_UM, MOST_CELLS, TARGET, TARGET_TEXT, WIDEST_MARGIN_UM
from napari_bonemarrow.gui.core.form_hints import shown
from napari_bonemarrow.models import STARTER
from napari_bonemarrow.system.files import write_text
from napari_bonemarrow.system.home import home

_FILE = "settings.json"


class KeyOptions(BaseModel):
    """The behaviour of the keys, independent of which they are."""

    model_config = ConfigDict(frozen=True)

    goes_on: bool = Field(
        True,
        title="A class key moves to the next cell",
        description="One key a cell: a class key or a guess moves to the next cell of the work list",
    )


class Settings(KeyOptions):
    """The settings that the window keeps between sessions; the settings page and form are made from them."""

    reviewer: str = Field(
        "",
        max_length=80,
        title="Reviewer",
        description="Your name, stored with every correction",
        json_schema_extra=shown(placeholder="not said yet"),
    )
    target: int = Field(
        TARGET,
        ge=1,
        le=MOST_CELLS,
        title="Target of a new smear",
        description=f"Cells to count: {TARGET_TEXT}",
        json_schema_extra=shown(unit="cells", step=100),
    )
    margin_um: float = Field(
        MARGIN_UM,
        ge=0,
        le=WIDEST_MARGIN_UM,
        title="Margin of a new smear",
        description="Cells whose centre lies nearer to the image's border are not counted, in µm",
        json_schema_extra=shown(unit="µm", decimals=1, step=1),
    )
    anonymous: bool = Field(
        False,
        title="Exports name no file",
        description="The slide is named by its fingerprint: file names can hold accession numbers",
    )
    remembers_cases: bool = Field(
        True,
        title="List the cases opened last",
        description="Their places are kept on this computer only, until the list is cleared",
    )
    overview: bool = Field(
        True,
        title="Overview in the corner",
        description="A small map of the slide wherever only a part of it is seen",
    )
    model: str = Field(STARTER, json_schema_extra=shown(hidden=True))
    report_layout: str = Field("", json_schema_extra=shown(hidden=True))
    report_language: str = Field("", json_schema_extra=shown(hidden=True))


class _Told:
    """The signal to views that settings were changed."""

    changed = Signal(object)  # Settings


told = _Told()


def load() -> Settings:
    """Return the settings; an invalid value is replaced by its default."""
    saved = {name: value for name, value in _read_all().items() if name in Settings.model_fields}
    while True:
        try:
            return Settings.model_validate({name: value for name, value in saved.items() if value != ""})
        except ValidationError as error:
            for problem in error.errors():
                saved.pop(str(problem["loc"][0]), None)


def save(wanted: Settings) -> None:
    """Store settings and notify the views that show them."""
    before = load()
    for name in Settings.model_fields:
        if getattr(wanted, name) != getattr(before, name):
            _write(name, getattr(wanted, name))
    if wanted != before:
        told.changed.emit(wanted)


def change(**values: Any) -> None:
    """Store some settings by their names.

    Raises
    ------
    pydantic.ValidationError
        If a value is invalid for its field.
    """
    save(Settings.model_validate({**load().model_dump(), **values}))


def keep(name: str, value: Any) -> None:
    """Store a JSON value in addition to the settings."""
    _write(name, value)


def kept(name: str) -> Any:
    """Return the value stored under that name, or None."""
    return _read_all().get(name)


def reviewer() -> str:
    """Return the name under which corrections are written, ``""`` if none was given yet."""
    return _read("reviewer")


def set_reviewer(name: str) -> None:
    """Store a reviewer's name."""
    change(reviewer=name.strip()[:80])


def model() -> str:
    """Return the name of the model bundle in use."""
    return load().model


def set_model(name: str) -> None:
    """Store the name of the model bundle in use."""
    change(model=name)


def goes_on() -> bool:
    """Return whether a class key moves on to the next cell, which is the default."""
    return load().goes_on


def set_goes_on(on: bool) -> None:
    """Store whether a class key moves on to the next cell."""
    change(goes_on=on)


def check() -> str:
    """Return in one line the fault of the settings, else ``""``; a corrupt file is renamed."""
    path = home() / _FILE
    try:
        spoilt = not isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except OSError:  # never set
        return ""
    except ValueError:
        spoilt = True
    if not spoilt:
        return ""
    set_aside(path)
    return (
        f"{_FILE}: it is spoilt and is now {aside_of(path).name}: check the reviewer's name and the model, "
        "which are as they were at first"
    )


def aside_of(path: Path) -> Path:
    """Return the new path of an unusable file."""
    return path.with_name(f"{path.name}.spoilt")


def set_aside(path: Path) -> None:
    """Rename an unusable file, so that its content is not lost."""
    try:
        path.replace(aside_of(path))
    except OSError as error:
        logging.getLogger(__name__).info("%s could not be set aside: %s", path.name, error)


def _read_all() -> dict[str, object]:
    try:
        saved = json.loads((home() / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # never set, or corrupt: nothing depends on it
        return {}
    return saved if isinstance(saved, dict) else {}


def _read(key: str) -> str:
    return str(_read_all().get(key, "")).strip()


def _write(key: str, value: Any) -> None:
    """Write one setting; if the folder cannot be written, the setting is lost without harm."""
    path = home() / _FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps({**_read_all(), key: value}, ensure_ascii=False))
    except OSError as error:
        logging.getLogger(__name__).info("%s was not remembered: %s", key, error)
