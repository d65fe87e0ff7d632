"""What the inspector shows of a cell: plain and frozen (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.cytology.defaults import CROP_MICRONS_PER_PIXEL


@dataclass(frozen=True, slots=True)
class Guess:
    """One ranked class of a cell."""

    code: str
    name: str
    probability: float
    support: Support


@dataclass(frozen=True, slots=True)
class ReadersClass:
    """What one of two readers gave a cell: the class's code, and who the reader is."""

    code: str
    reader: str


@dataclass(frozen=True, slots=True)
class ProgressInfo:
    """How far a review is.

    Attributes
    ----------
    text : str
        Empty where nothing is counted yet.
    done, total : int
        Cells.
    ended : bool
        Nothing is left to do but to count and sign.
    """

    text: str = ""
    done: int = 0
    total: int = 0
    ended: bool = False


@dataclass(frozen=True, slots=True)
class CellInfo:
    """What the Review tab shows of the selected cell.

    ``crop`` is uint8 of shape (s, s, 3) at ``crop_microns_per_pixel``, or None before it is cut. ``readers``
    holds what two readers gave where they differ and are being settled, else nothing.
    """

    cell_id: int
    code: str
    name: str
    standing: str
    counted_text: str
    guesses: tuple[Guess, ...]
    tags: frozenset[str]
    history: tuple[str, ...]
    crop: NDArray[np.uint8] | None = field(default=None, compare=False)
    crop_microns_per_pixel: float = CROP_MICRONS_PER_PIXEL
    read_only: bool = False
    readers: tuple[ReadersClass, ...] = ()

    @property
    def standing_text(self) -> str:
        """Its number and where it stands, one line."""
        parts = (f"no. {self.cell_id}", self.standing, self.counted_text)
        return " · ".join(part for part in parts if part)
