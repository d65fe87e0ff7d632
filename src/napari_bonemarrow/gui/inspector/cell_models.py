"""Models of a cell for the inspector, plain and frozen (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.cytology.defaults import CROP_MICRONS_PER_PIXEL


@dataclass(frozen=True, slots=True)
class Guess:
    """A ranked class of a cell.

    ``learnt_here`` is the number of reviewed cells that taught a class which the model does not know, else 0.
    """

    code: str
    name: str
    probability: float
    support: Support
    learnt_here: int = 0

    @property
    def is_known(self) -> bool:
        """Return whether the class is reliably recognised, or learnt from cells of this smear."""
        return self.support is Support.TRAINED or self.learnt_here > 0


@dataclass(frozen=True, slots=True)
class ReadersClass:
    """The class of a cell by one of two readers, and the reader's name."""

    code: str
    reader: str


@dataclass(frozen=True, slots=True)
class ProgressInfo:
    """The progress of a review.

    Attributes
    ----------
    text : str
        Empty if nothing is counted yet.
    done, total : int
        Cells.
    ended : bool
        Only counting and signing are left.
    sampled : bool
        Whether a random sample is reviewed.
    estimate : str
        What it says so far, and how many cells its goal still needs; empty while it says nothing.
    """

    text: str = ""
    done: int = 0
    total: int = 0
    ended: bool = False
    sampled: bool = False
    estimate: str = ""


@dataclass(frozen=True, slots=True)
class CellInfo:
    """The selected cell for the Review tab.

    ``crop`` is uint8 of shape (s, s, 3) at ``crop_microns_per_pixel``, or None before it is cut. ``readers``
    has two readers' different classes while they are settled, else nothing.
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
        """Return its number and place, one line."""
        parts = (f"no. {self.cell_id}", self.standing, self.counted_text)
        return " · ".join(part for part in parts if part)
