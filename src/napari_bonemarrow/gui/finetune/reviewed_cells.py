"""Models of the reviewed cells for the Fine-tune tab, plain and frozen (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass

from napari_bonemarrow.cytology.plurals import count_of


@dataclass(frozen=True, slots=True)
class ReviewedRow:
    """The numbers of reviewed cells of a class and of their cases."""

    code: str
    cells: int
    cases: int
    note: str = ""

    @property
    def text(self) -> str:
        """Return both numbers in words."""
        return f"{self.cells} in {count_of(self.cases, 'case')}"


@dataclass(frozen=True, slots=True)
class ReviewedInfo:
    """The cases available for a fine-tune."""

    rows: tuple[ReviewedRow, ...]
    text: str
    enough: bool
    needed: str = ""
    problem: str = ""
