"""Names of people: their comparison, and shortening to fit a line."""

from __future__ import annotations

_LONGEST = 60


def short(name: str) -> str:
    """Return a name of any file, shortened to fit a line."""
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"


def same_person(one: str, other: str) -> bool:
    """Return whether two names belong to one person, judged by the names alone."""
    return one.strip().casefold() == other.strip().casefold()
