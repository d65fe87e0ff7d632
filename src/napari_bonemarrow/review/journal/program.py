"""The program's name and version, as a case keeps them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version


@cache
def program_name() -> str:
    """Return what the first line of a case and each signature say of the program."""
    return f"napari-bonemarrow {version('napari-bonemarrow')}"
