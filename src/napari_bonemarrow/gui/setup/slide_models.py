"""What the Slide tab shows: plain and frozen (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from napari_bonemarrow.cytology.defaults import MARGIN_UM, MOST_CELLS, TARGET, TARGET_TEXT, WIDEST_MARGIN_UM


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
        MARGIN_UM,
        ge=0,
        le=WIDEST_MARGIN_UM,
        title="Margin at the border",
        description="Cells whose centre lies nearer to the image's border are not counted",
        json_schema_extra={"shown": {"unit": "µm", "decimals": 1, "step": 1}},
    )
    target: int = Field(
        TARGET,
        ge=1,
        le=MOST_CELLS,
        title="Target",
        description=f"Cells to count: {TARGET_TEXT}; raised at any time",
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
