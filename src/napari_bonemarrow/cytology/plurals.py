"""Plurals and counted nouns."""

from __future__ import annotations

_ES = ("s", "x", "ch", "sh")
_HARD = "epoch"
"""Its ch is spoken as k."""


def plural(noun: str, many: str = "") -> str:
    """Return the plural of a noun.

    Parameters
    ----------
    noun : str
        Singular: ``cell``, ``plasma cell``; only the last word changes.
    many : str
        An irregular plural.
    """
    if many:
        return many
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(_ES) and not noun.endswith(_HARD) else f"{noun}s"


def count_of(number: int, noun: str, many: str = "", *, of: int | None = None) -> str:
    """Return a number with its noun: ``1 cell``, ``12 cells``, ``3 of 12 cells``.

    Parameters
    ----------
    number : int
    noun, many : str
        As in `plural`.
    of : int, optional
        Total; the noun then follows this number.
    """
    total = number if of is None else of
    what = noun if total == 1 else plural(noun, many)
    return f"{number} {what}" if of is None else f"{number} of {total} {what}"
