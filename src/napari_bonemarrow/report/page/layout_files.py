"""Layouts as YAML files, with errors by line."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from napari_bonemarrow.cytology.profiles.yaml_document import KeyPath, YamlError, first_error, read_yaml
from napari_bonemarrow.report.files import ReportError
from napari_bonemarrow.report.page.layout import Layout, LayoutField
from napari_bonemarrow.system.home import home

_SUFFIXES = (".yaml", ".yml")


def read_layout(name: str) -> Layout:
    """Return a layout by its name in ``$NAPARI_BONEMARROW_HOME/layouts``, or by its path.

    Raises
    ------
    ReportError
        If there is none, or it is wrong: one line with file, line and field.
    """
    path = find_layout(name)
    try:
        document = read_yaml(path)
    except YamlError as error:
        raise ReportError(f"{path.parent / str(error)}") from error
    try:
        return Layout.model_validate(document.values).at(path)
    except ValidationError as error:
        raise ReportError(f"{path.parent / first_error(path, document, error, _fields)}") from error


def _fields(at: KeyPath) -> list[str]:
    return list(LayoutField.model_fields if at[0] == "fields" and len(at) > 1 else Layout.model_fields)


def find_layout(name: str) -> Path:
    """Return the file of a layout.

    Raises
    ------
    ReportError
        If there is none.
    """
    path = Path(name).expanduser()
    if path.suffix.lower() not in _SUFFIXES:
        plain = name not in ("", ".", "..") and not set(name) & set("/\\:\0")
        path = home() / "layouts" / f"{name}.yaml" if plain else path
    if path.suffix.lower() not in _SUFFIXES or not path.is_file():
        raise ReportError(f"{name}: no such layout: name a .yaml file, or one of {_named()}")
    return path


def layouts() -> tuple[str, ...]:
    """Return the names of this computer's layouts."""
    folder = home() / "layouts"
    return tuple(sorted(each.stem for each in folder.glob("*.yaml"))) if folder.is_dir() else ()


def _named() -> str:
    return ", ".join(layouts()) or f"none in {home() / 'layouts'}"
