"""Growth of the counted regions of a slide until the target is met."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_bonemarrow.cytology import BoneMarrowError, Frame, Region, RegionRanking
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.review import Case, CaseError
from napari_bonemarrow.slides import Slide
from napari_bonemarrow.slides.survey.region_ranking import RESERVE, is_whole_slide, regions_for
from napari_bonemarrow.workflow.analysis import analyse, apply_step, default_frame
from napari_bonemarrow.workflow.steps import CellsClassified, CellsFound, Doing, Step
from napari_bonemarrow.workflow.survey import Surveyed, survey

_FIRST_PART = 0.7
"""Part of the expected cells that is searched first; the rest depends on the cells found."""


def frame_of(slide: Slide, regions: Sequence[Region] = ()) -> Frame:
    """Return the frame of some regions, or of the whole slide without its margin.

    Raises
    ------
    BoneMarrowError
        If a region lies outside the image.
    """
    whole = default_frame(slide)
    if not regions:
        return whole
    frame = replace(whole, regions=tuple(regions))
    for region in regions:
        if not replace(frame, regions=(region,)).counted_regions(slide.known_scale()):
            raise BoneMarrowError(
                f"{slide.path}: the region leaves nothing to count: the image has "
                f"{slide.width}×{slide.height} px, of which {whole.margin_um:g} µm at the border are left out"
            )
    return frame


def count_slide(
    engine: Engine,
    slide: Slide,
    case: Case,
    *,
    model: str | Path = "starter",
    target: int | None = None,
    regions: Sequence[Region] = (),
    whole: bool = False,
) -> Iterator[Step]:
    """Bring a case up to date: set its frame, find and classify its cells. Each step is in the case.

    A slide of more than 2 mm² is surveyed and its best regions are counted, unless regions or the whole slide
    are given. In the order of the ranking and before classification, regions are taken until they contain the
    target's cells and a tenth more; if too many of these are of excluded classes, the next ones follow until
    the target is met or no region is left.

    Parameters
    ----------
    engine : Engine
    slide : Slide
    case : Case
        An existing frame stays; ranked regions may still be added.
    model : str or Path
    target : int, optional
        That of the counting profile for a new case.
    regions : sequence of Region
        Level-0 pixels.
    whole : bool

    Raises
    ------
    BoneMarrowError
        If the case has another frame, or no place of the slide is fit for counting.
    """
    _check_frame(case, slide, regions, whole)
    if case.frame is not None:
        if target is not None and target != case.target:
            case.sampling.set_frame(case.frame, target)
    elif regions or whole or not is_whole_slide(slide):
        case.sampling.set_frame(frame_of(slide, regions), target or case.target)
    else:
        yield from _begin_ranked(engine, slide, case, target or case.target)
    ranked = case.sampling.chosen_by_rank > 0
    if ranked and not _seen(case):
        yield from _fill(engine, slide, case, model)
    yield from _applied(engine, slide, case, model)
    while ranked and (more := _missing_regions(case)):
        case.sampling.extend_frame(case.sampling.chosen_by_rank + more)
        yield Doing(f"Counting {count_of(case.sampling.chosen_by_rank, 'region')}")
        yield from _applied(engine, slide, case, model)


def _check_frame(case: Case, slide: Slide, regions: Sequence[Region], whole: bool) -> None:
    asked = frame_of(slide, regions) if regions or whole else None
    if case.frame is not None and asked is not None and asked != case.frame:
        raise CaseError(
            f"{case.path}: its frame was fixed before its cells were classified: "
            "leave the region out, or count into another folder"
        )


def _seen(case: Case) -> bool:
    return case.predictions is not None or bool(case.labels)


def _begin_ranked(engine: Engine, slide: Slide, case: Case, target: int) -> Iterator[Step]:
    """Survey a slide unless done, and take the regions that are certainly needed."""
    if case.sampling.ranking is None:
        for step in survey(engine, slide, target=target):
            if isinstance(step, Surveyed):
                case.sampling.record_ranking(step.ranking, step.quality_map.arrays())
            else:
                yield step
    ranking = case.sampling.ranking
    if ranking is None:
        return
    if not ranking.regions:
        told = ", ".join(f"{reason} {count}" for reason, count in _most_first(ranking))
        raise BoneMarrowError(
            f"{slide.path}: no place is fit for counting (places avoided: {told or 'none'}): "
            "name a region with --region X,Y,W,H, or count all of it with --whole"
        )
    _take(case, slide, ranking, regions_for(ranking, target, _FIRST_PART), target)


def _most_first(ranking: RegionRanking) -> list[tuple[str, int]]:
    return sorted(ranking.avoided.items(), key=lambda item: (-item[1], item[0]))


def _take(case: Case, slide: Slide, ranking: RegionRanking, count: int, target: int) -> None:
    case.sampling.set_frame(replace(default_frame(slide), regions=ranking.regions[:count]), target)


def _fill(engine: Engine, slide: Slide, case: Case, model: str | Path) -> Iterator[Step]:
    """Search regions until enough cells are found, then keep the fewest regions with them.

    The result depends only on the regions, not on how many are searched at a time.
    """
    ranking = case.sampling.ranking
    if ranking is None or case.frame is None:
        return
    needed = math.ceil(case.target * RESERVE)
    while True:
        yield from _found(engine, slide, case, model)
        found = int(case.cells.in_frame.sum())
        used = case.sampling.chosen_by_rank
        if found >= needed or used == len(ranking.regions):
            break
        more = math.ceil((needed - found) / max(found / used, 1.0))
        case.sampling.extend_frame(min(used + min(more, 2 * used), len(ranking.regions)))
    _take(case, slide, ranking, _fewest(case, slide, ranking, needed), case.target)


def _fewest(case: Case, slide: Slide, ranking: RegionRanking, needed: int) -> int:
    """Return the number of first regions with the needed cells."""
    frame, scale = default_frame(slide), slide.known_scale()
    x, y = (np.asarray(values, float) for values in (case.cells.x, case.cells.y))
    inside = np.zeros(len(x), bool)
    for count, region in enumerate(ranking.regions[: case.sampling.chosen_by_rank], start=1):
        inside |= replace(frame, regions=(region,)).contains(x, y, scale)
        if inside.sum() >= needed:
            return count
    return case.sampling.chosen_by_rank


def _missing_regions(case: Case) -> int:
    """Return the number of further ranked regions for the target, from the yield so far."""
    ranking, used = case.sampling.ranking, case.sampling.chosen_by_rank
    counted = case.differential().counted
    if ranking is None or not used or counted >= case.target:
        return 0
    wanted = math.ceil((case.target - counted) / max(counted / used, 1.0))
    return min(wanted, used, len(ranking.regions) - used)


def _found(engine: Engine, slide: Slide, case: Case, model: str | Path) -> Iterator[Step]:
    """Yield the steps that find the cells of the frame, before classification."""
    steps = analyse(engine, slide, case, model=model)
    for step in steps:
        if isinstance(step, CellsClassified):
            return  # everything was searched before
        apply_step(case, step)
        yield step
        if isinstance(step, CellsFound):
            return


def _applied(engine: Engine, slide: Slide, case: Case, model: str | Path) -> Iterator[Step]:
    for step in analyse(engine, slide, case, model=model):
        apply_step(case, step)
        yield step
