"""An open smear: its slide, its case, and choices not yet in the case (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass

from napari_bonemarrow.cytology import (
    Frame,
    Region,
)
from napari_bonemarrow.cytology.defaults import MARGIN_UM, TARGET
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import Scale, Slide


@dataclass
class Session:
    """An open smear, its case, and choices for it that are not yet in the case."""

    slide: Slide
    case: Case
    estimate: Scale | None = None
    estimating: bool = False
    margin_um: float = MARGIN_UM
    target: int = TARGET
    regions: tuple[Region, ...] = ()
    whole: bool = False
    camera: str = ""
    camera_scale: float | None = None
    nucleus_px: float | None = None

    def __post_init__(self) -> None:
        """Take over the frame of the case, which may still be changed."""
        case, frame = self.case, self.case.frame
        if frame is not None:
            self.margin_um, self.target = frame.margin_um, case.target
            self.whole = case.sampling.frame_choice == "whole"
            self.regions = () if self.whole else frame.regions

    @property
    def is_fixed(self) -> bool:
        """Return whether classes have been seen, which fixes scale and frame."""
        return self.case.sampling.classes_seen and self.case.frame is not None

    def frame(self) -> Frame:
        """Return the present or future counting frame."""
        if self.is_fixed and self.case.frame is not None:
            return self.case.frame
        slide = self.slide
        images = slide.images if slide.fields else ()
        if not self.regions:
            return Frame.whole_field(slide.width, slide.height, self.margin_um, images)
        return Frame(self.regions, self.margin_um, slide.width, slide.height, images)

    @property
    def is_ranked(self) -> bool:
        """Return whether the frame consists of the first ranked regions."""
        ranking, regions = self.case.sampling.ranking, self.frame().regions
        return ranking is not None and ranking.regions[: len(regions)] == regions
