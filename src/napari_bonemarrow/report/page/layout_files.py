"""Layouts as YAML files, with errors by line."""

from __future__ import annotations

from pathlib import Path

from napari_bonemarrow.report.files import ReportError
from napari_bonemarrow.report.page.layout import Layout
from napari_bonemarrow.system.home import home


def read_layout(name: str) -> Layout:
    """Return a layout by its name or path.

    Raises
    ------
    ReportError
        If there is none, or it is invalid.
    """
    raise ReportError(f"{find_layout(name)}: layouts cannot be read yet")


def find_layout(name: str) -> Path:
    """Return the file of a layout, by its name in ``$NAPARI_BONEMARROW_HOME/layouts`` or by its path.

    Raises
    ------
    ReportError
        If there is none.
    """
    path = Path(name).expanduser()
    if path.suffix.lower() in (".yaml", ".yml") or path.is_file():
        if not path.is_file():
            raise ReportError(f"{name}: no such layout: name a .yaml file, or one of {_named()}")
        return path
    if "/" in name or "\\" in name or name.startswith("."):
        raise ReportError(f"{name}: no such layout: name a .yaml file, or one of {_named()}")
    path = home() / "layouts" / f"{name}.yaml"
    if not path.is_file():
        raise ReportError(f"{name}: no such layout: name a .yaml file, or one of {_named()}")
    return path


def layouts() -> tuple[str, ...]:
    """Return the names of this computer's layouts."""
    folder = home() / "layouts"
    return tuple(sorted(each.stem for each in folder.glob("*.yaml"))) if folder.is_dir() else ()


def _named() -> str:
    return ", ".join(layouts()) or f"none in {home() / 'layouts'}"
