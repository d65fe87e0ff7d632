"""Texts of the Slide tab on a smear (no Qt)."""

from __future__ import annotations

import math

import numpy as np

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.core.case_info import is_analysed, was_searched
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.setup import region_choice
from napari_bonemarrow.gui.setup.scale_info import scale_info
from napari_bonemarrow.gui.setup.slide_models import CountedFrame, SlideInfo
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import Slide
from napari_bonemarrow.slides.detection.search_plan import DetectionPlan
from napari_bonemarrow.workflow import was_detected

_MM_FROM_UM = 2000


def slide_info(session: Session) -> SlideInfo:
    """Return the smear's info for the Slide tab."""
    slide, case = session.slide, session.case
    frame = session.frame()
    fixed = session.is_fixed
    analysed = is_analysed(case)
    counted = case.differential().counted if fixed and analysed else 0
    clear = ""
    if session.regions and not fixed:
        clear = "Clear"
    return SlideInfo(
        name=slide.path.name or "smear",
        size=size_text(slide),
        scale=scale_info(session),
        counted=CountedFrame.model_construct(
            margin_um=frame.margin_um, target=case.target if fixed else session.target
        ),
        frame_text=region_choice.frame_text(session),
        frame_fixed=fixed,
        read_only=case.read_only or case.is_signed,
        found_text=_found_text(case),
        find_text=find_text(case),
        analysed=analysed,
        where=region_choice.where_info(session, analysed=analysed, counted=counted),
        fields=tuple(each.name for each in slide.fields),
        clear_text=clear,
        can_start_over=case.sampling.classes_seen,
    )


def size_text(slide: Slide) -> str:
    """Return the size of a smear, for a folder of its fields without the gaps."""
    sizes = sorted({(image.width, image.height) for image in slide.images}, key=math.prod)
    if not slide.fields:
        return _side_by_side(*sizes[0], slide.microns_per_pixel)
    count = count_of(len(slide.fields), "photograph")
    if len(sizes) == 1:
        return f"{count} of {_side_by_side(*sizes[0], slide.microns_per_pixel)}"
    smallest, largest = ("{:.0f} × {:.0f}".format(*size) for size in (sizes[0], sizes[-1]))
    return f"{count} of {smallest} to {largest} px"


def _side_by_side(width: float, height: float, microns_per_pixel: float | None) -> str:
    text = f"{width:.0f} × {height:.0f} px"
    if not microns_per_pixel:
        return text
    wide, high = (side * microns_per_pixel for side in (width, height))
    in_mm = f"{wide / 1000:.1f} × {high / 1000:.1f} mm"
    return f"{text} · {in_mm}" if wide >= _MM_FROM_UM else f"{text} · {wide:.0f} × {high:.0f} µm"


def find_text(case: Case) -> str:
    """Return the text of the button that finds cells."""
    progress = case.detection.progress
    if progress is not None and progress.done:
        done, total = len(progress.done), len(DetectionPlan.from_json(progress.plan).tiles)
        return f"Continue finding cells: {count_of(done, 'tile', of=total)} done"
    return "Classify the cells that wait" if was_searched(case) else "Find cells"


def _found_text(case: Case) -> str:
    cells = case.cells
    if not was_detected(case):
        return ""
    inside = int(np.count_nonzero(cells.in_frame))
    if not len(cells):
        return (
            "No nucleated cells found. Is the scale right? It can still be changed above. "
            "Missed cells can be added in the Review tab."
        )
    text = f"{count_of(len(cells), 'cell')} found, {inside} of them in the counted frame."
    if case.detection.unread:
        tiles = count_of(len(case.detection.unread), "tile")
        text += f" {tiles} could not be read and were not searched."
    return text
