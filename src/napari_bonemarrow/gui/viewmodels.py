"""What the views are given to show: plain, frozen, made by the coordinator (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from napari_bonemarrow.cytology import Region, Support
from napari_bonemarrow.cytology.wording import count_of


@dataclass(frozen=True, slots=True)
class HeaderInfo:
    """The line above the tabs."""

    case: str
    reviewer: str
    saved: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user has to know and deal with.

    ``cause`` is what it came of, such as ``opening``: once that goes well, the notice is gone.
    """

    text: str
    problem: bool = True
    cause: str = ""
    times: int = 1

    @property
    def line(self) -> str:
        """What is read, and how often it came."""
        return self.text if self.times == 1 else f"{self.text} ({self.times} times)"


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One photograph of a folder, and how far its review is; ``cells`` are those that count."""

    name: str
    region: Region
    cells: int
    reviewed: int

    @property
    def text(self) -> str:
        """Name and progress."""
        return f"{self.name} · {self.reviewed} of {self.cells} reviewed" if self.cells else self.name


@dataclass(frozen=True, slots=True)
class RecentCase:
    """A case that was opened before; ``missing`` once it is known that its smear is not there."""

    path: str
    name: str
    opened: str
    reviewed: int
    cells: int
    missing: bool = False

    @property
    def text(self) -> str:
        """Name, day and progress, in one line."""
        parts = [self.name, self.opened]
        if self.cells:
            parts.append(f"{self.reviewed} of {self.cells} reviewed")
        if self.missing:
            parts.append("not found")
        return " · ".join(parts)


@dataclass(frozen=True, slots=True)
class ScaleOffer:
    """A scale that may be taken instead of typing one.

    ``key`` is where it comes from (``estimate``, ``camera``, ``preset`` or ``bar``), ``text`` what its button
    says, ``basis`` what the case writes down with it.
    """

    key: str
    value: float
    text: str
    tip: str = ""
    basis: str = ""


@dataclass(frozen=True, slots=True)
class ScaleInfo:
    """The scale as the Slide tab shows it.

    ``value`` is the one that was confirmed. ``offers`` stand beside the box, ``waiting`` in the place of an
    estimate that is not there. ``width`` and ``height`` are those of one image, and ``nucleus_px`` is how
    wide its typical nucleus is, all in pixels.
    """

    value: float | None
    source: str
    confirmed: bool
    text: str
    offers: tuple[ScaleOffer, ...] = ()
    waiting: str = ""
    width: float = 0.0
    height: float = 0.0
    nucleus_px: float | None = None


class CountedFrame(BaseModel):
    """What is counted of each image, and how many cells are aimed at: `gui.forms` makes its form."""

    model_config = ConfigDict(frozen=True)

    margin_um: float = Field(
        5.0,
        ge=0,
        le=100,
        title="Margin at the border",
        description="Cells whose centre lies nearer to the image's border are not counted",
        json_schema_extra={"shown": {"unit": "µm", "decimals": 1, "step": 1}},
    )
    target: int = Field(
        500,
        ge=1,
        le=100_000,
        title="Target",
        description="Cells to count: 500 where a percentage matters, else 300 (ICSH); raised at any time",
        json_schema_extra={"shown": {"unit": "cells", "step": 100}},
    )


@dataclass(frozen=True, slots=True)
class WhereInfo:
    """What the Slide tab shows of the choice of regions on a whole slide.

    ``next_step`` is ``survey``, ``best`` or nothing: the button that comes next.
    """

    text: str
    avoided: str = ""
    surveyed: bool = False
    can_survey: bool = True
    can_choose: bool = True
    can_extend: bool = False
    next_step: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class LegendRow:
    """One reason for which the quality map avoids places: its hatch (RGBA), what it means, how much of it."""

    swatch: NDArray[np.uint8]
    text: str
    share: str


@dataclass(frozen=True, slots=True)
class SlideInfo:
    """What the Slide tab shows of an open smear."""

    name: str
    size: str
    scale: ScaleInfo
    counted: CountedFrame
    frame_text: str
    frame_fixed: bool
    read_only: bool
    found_text: str = ""
    find_text: str = "Find cells"
    analysed: bool = False
    where: WhereInfo | None = None
    fields: tuple[str, ...] = ()
    clear_text: str = ""
    can_start_over: bool = False


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
    crop_microns_per_pixel: float = 0.1
    read_only: bool = False
    readers: tuple[ReadersClass, ...] = ()

    @property
    def standing_text(self) -> str:
        """Its number and where it stands, one line."""
        parts = (f"no. {self.cell_id}", self.standing, self.counted_text)
        return " · ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the Model tab shows of the bundle that serves."""

    name: str
    sha256: str
    device: str
    support: tuple[tuple[str, Support], ...]
    problem: str = ""


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


UNRELIABLE_SUPPORT = {
    Support.FEW: "learnt from few marrow crops",
    Support.TRANSFERRED: "learnt from blood smears only",
    Support.NONE: "not learnt by this model",
}
"""Why a class is not reliably recognised, for a tooltip."""
