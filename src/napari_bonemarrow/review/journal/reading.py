"""A reading of a case, and the numbers of readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FIRST, SECOND, SETTLING = 1, 2, 3
ReadingKind = Literal["first", "second", "settling"]
KINDS: Mapping[int, ReadingKind] = {FIRST: "first", SECOND: "second", SETTLING: "settling"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a case.

    Attributes
    ----------
    number : int
        1, 2, 3.
    reviewer : str
        The reader; for the first reading, the person who began it.
    kind : str
        ``first``, ``second`` (blind), or ``settling``, which decides the disagreements of the two.
    begun_at : str
        UTC, ISO 8601.
    ended_at : str or None
        None until it ends.
    """

    number: int
    reviewer: str
    kind: ReadingKind
    begun_at: str
    ended_at: str | None
