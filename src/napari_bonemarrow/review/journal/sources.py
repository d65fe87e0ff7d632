"""The sources of labels."""

from __future__ import annotations

IMPORTED = "import"
"""Source of a label that came with the data: no reviewer has seen the cell. The file's hash may follow."""


def is_imported(source: str) -> bool:
    """Return whether a source is imported data: ``import``, or ``import:`` with the SHA-256 of the file."""
    return source == IMPORTED or source.startswith(f"{IMPORTED}:")
