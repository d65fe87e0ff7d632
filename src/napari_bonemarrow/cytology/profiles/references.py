"""Reference ranges of a differential, each with its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_bonemarrow.cytology.messages import Message, message

PERCENT, RATIO = "%", ": 1"
"""Units: of counted cells, and of a ratio."""


@dataclass(frozen=True, slots=True)
class ReferenceRange:
    """The range of a figure in healthy people, by one source.

    Attributes
    ----------
    low, high : float
    unit : str
        ``"%"`` of counted cells, or ``": 1"`` for M:E.
    source : str
        Who states it, and of whom.
    """

    low: float
    high: float
    unit: str
    source: str

    @property
    def short_text(self) -> Message:
        """Return the range without its source: ``2–6 %``."""
        return message("{low:g}–{high:g} {unit}", low=self.low, high=self.high, unit=self.unit)

    @property
    def text(self) -> Message:
        """Return the range with its source."""
        return message("{range} ({source})", range=self.short_text, source=self.source)

    def to_dict(self) -> dict[str, Any]:
        """Return the range as JSON values."""
        return {"low": self.low, "high": self.high, "unit": self.unit, "source": self.source}
