"""Texts on the choice of regions on a whole slide (no Qt)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_bonemarrow.cytology import Region, RegionRanking, covered_area
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.setup.slide_models import WhereInfo
from napari_bonemarrow.slides.survey.quality_map import Reason
from napari_bonemarrow.slides.survey.region_ranking import is_whole_slide

if TYPE_CHECKING:
    from napari_bonemarrow.gui.core.session import Session


def area_mm2(regions: Sequence[Region], microns_per_pixel: float) -> float:
    """Return the area that regions cover together, mm²."""
    return covered_area(regions) * (microns_per_pixel / 1000) ** 2


def frame_text(session: Session) -> str:
    """Return the counted area in one line."""
    slide, frame = session.slide, session.frame()
    regions, scale = frame.regions, slide.microns_per_pixel
    fixed = ", fixed since classes were seen" if session.is_fixed else ""
    if slide.fields and len(regions) == len(slide.images):
        if len(regions) == 1:
            return f"The field less its margin{fixed}"
        return f"All {count_of(len(regions), 'field')} less their margins{fixed}"
    whole = len(regions) == 1 and regions[0].width >= slide.width and regions[0].height >= slide.height
    if whole:
        return f"The whole {'slide' if is_whole_slide(slide) else 'field'} less its margin{fixed}"
    area = f", {area_mm2(regions, scale):.2f} mm²" if scale else ""
    if session.is_ranked:
        return f"The best {count_of(len(regions), 'region')}{area}{fixed}"
    if len(regions) == 1:
        return f"The drawn region{area or ' less its margin'}{fixed}"
    return f"{count_of(len(regions), 'drawn region')}{area}{fixed}"


def where_info(session: Session, *, analysed: bool, counted: int) -> WhereInfo | None:
    """Return the choice of regions; None for a field, which is counted as a whole."""
    case, ranking = session.case, session.case.sampling.ranking
    if not is_whole_slide(session.slide):
        return None
    if session.is_fixed:
        return _fixed(session, ranking, analysed=analysed, counted=counted)
    free = not case.read_only
    if ranking is None:
        text = "Have the slide surveyed for its best regions, draw regions, or count all of it."
        step = "survey" if free and not session.regions and not session.whole else ""
        return WhereInfo(text, can_survey=free, can_choose=free, next_step=step)
    step = "best" if free and not session.regions and not session.whole else ""
    if not ranking.regions:
        text = "The survey found no place that can be counted. Draw regions, or count the whole slide."
        step = ""
    else:
        text = f"{count_of(len(ranking.regions), 'region')} ranked, best first."
        if session.regions and session.is_ranked:
            best = len(session.regions)
            cells = _two_digits(expected_cells(ranking, best))
            text += f" About {cells} nucleated cells are expected in the best {best}."
    return WhereInfo(
        text, avoided_text(ranking), surveyed=bool(ranking.regions), can_survey=free, can_choose=free,
        next_step=step,
    )  # fmt: skip


def _fixed(session: Session, ranking: RegionRanking | None, *, analysed: bool, counted: int) -> WhereInfo:
    case = session.case
    used = case.sampling.chosen_by_rank
    if not used or ranking is None:
        return WhereInfo("What is counted was chosen by the reviewer.", can_choose=False)
    left = len(ranking.regions) - used
    verb = "is" if used == 1 else "are"
    text = f"The best {used} of {count_of(len(ranking.regions), 'region')} {verb} counted."
    short = analysed and counted < case.target
    if short:
        text += f" {count_of(counted, 'cell', of=case.target)} so far."
        text += "" if left else " No region is left."
    extends = short and left > 0 and not case.read_only
    return WhereInfo(text, avoided_text(ranking), surveyed=True, can_choose=False, can_extend=extends)


def expected_cells(ranking: RegionRanking, count: int) -> float:
    """Return the number of nucleated cells expected in the first regions by the survey."""
    return float(sum(ranking.parameters.get("expected_cells", ())[:count]))


def avoided_text(ranking: RegionRanking) -> str:
    """Return in one line the avoided parts of the smear by reason, the most frequent first."""
    counts = {reason: count for reason, count in ranking.avoided.items() if reason != Reason.BLANK.code}
    listed = sorted(((count, reason) for reason, count in counts.items() if count), reverse=True)
    total = sum(count for count, _reason in listed)
    if not total:
        return ""
    parts = [f"{reason.replace('_', ' ')} {_percent(count, total)}" for count, reason in listed[:4]]
    return "Avoided: " + ", ".join(parts) + (", …" if len(listed) > 4 else "")


def _percent(count: int, total: int) -> str:
    return f"{100 * count / total:.0f} %" if count * 100 >= total else "< 1 %"


def _two_digits(value: float) -> str:
    return f"{float(f'{value:.2g}'):.0f}"
