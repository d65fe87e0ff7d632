"""Models of the Slide tab, plain and frozen (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from napari_bonemarrow.cytology.defaults import MARGIN_UM, MOST_CELLS, TARGET, TARGET_TEXT, WIDEST_MARGIN_UM


@dataclass(frozen=True, slots=True)
class ScaleOffer:
    """An offered scale.

    ``key`` is its origin (``estimate``, ``camera``, ``preset`` or ``bar``), ``text`` the text of its button,
    ``basis`` the basis in the case.
    """

    key: str
    value: float
    text: str
    tip: str = ""
    basis: str = ""


@dataclass(frozen=True, slots=True)
class ScaleInfo:
    """The scale on the Slide tab.

    ``value`` is the confirmed one. ``offers`` are next to the box, ``waiting`` takes the place of a missing
    estimate. ``width`` and ``height`` are those of one image, and ``nucleus_px`` the width of its typical
    nucleus, all in pixels.
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
    """The counting frame of each image and the target, shown as a form."""

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
    """The choice of regions on a whole slide for the Slide tab.

    ``next_step`` is ``survey``, ``best`` or nothing: the next button.
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
    """A reason for avoided places: its hatch (RGBA), meaning and share."""

    swatch: NDArray[np.uint8]
    text: str
    share: str


@dataclass(frozen=True, slots=True)
class SlideInfo:
    """An open smear for the Slide tab."""

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
