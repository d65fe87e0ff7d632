"""The program's name and version in a case."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version


@cache
def program_name() -> str:
    """Return the program's name and version for the first line of a case and each signature."""
    return f"napari-bonemarrow {version('napari-bonemarrow')}"
