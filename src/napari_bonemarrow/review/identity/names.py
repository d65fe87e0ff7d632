"""Names of people: whether two are one person, and how one fits a line."""

from __future__ import annotations

_LONGEST = 60


def short(name: str) -> str:
    """Return a name so that it fits a line, whatever a file says."""
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"


def same_person(one: str, other: str) -> bool:
    """Tell whether two names are one person's, as far as names tell."""
    return one.strip().casefold() == other.strip().casefold()
