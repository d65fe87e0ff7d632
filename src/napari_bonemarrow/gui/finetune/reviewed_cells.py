"""What the Fine-tune tab shows of the reviewed cells: plain and frozen (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass

from napari_bonemarrow.cytology.plurals import count_of


@dataclass(frozen=True, slots=True)
class ReviewedRow:
    """How many cells of a class reviewers have classed, and in how many cases."""

    code: str
    cells: int
    cases: int
    note: str = ""

    @property
    def text(self) -> str:
        """Both numbers in words."""
        return f"{self.cells} in {count_of(self.cases, 'case')}"


@dataclass(frozen=True, slots=True)
class ReviewedInfo:
    """What the Fine-tune tab shows of the cases that there are to learn from."""

    rows: tuple[ReviewedRow, ...]
    text: str
    enough: bool
    needed: str = ""
    problem: str = ""
