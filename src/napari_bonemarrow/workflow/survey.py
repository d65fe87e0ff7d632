"""Survey of a whole slide: where to count, before any classification."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass

from napari_bonemarrow.cytology import RegionRanking, ScaleError
from napari_bonemarrow.cytology.defaults import TARGET
from napari_bonemarrow.engine import Engine, SlideSource
from napari_bonemarrow.slides import Slide, SlideError
from napari_bonemarrow.slides.detection.cell_detection import check_fine_enough
from napari_bonemarrow.slides.survey.quality_map import QualityMap
from napari_bonemarrow.slides.survey.region_ranking import rank_regions
from napari_bonemarrow.slides.survey.slide_survey import Survey, SurveyItem
from napari_bonemarrow.workflow.pace import Pace
from napari_bonemarrow.workflow.slide_search import waited
from napari_bonemarrow.workflow.steps import Doing, Step


@dataclass(frozen=True, slots=True)
class Surveyed:
    """The result of a completed survey.

    Attributes
    ----------
    quality_map : QualityMap
    ranking : RegionRanking
        For `Case.record_ranking`; without regions if nothing is fit for counting.
    """

    quality_map: QualityMap
    ranking: RegionRanking


def survey(engine: Engine, slide: Slide, *, target: int = TARGET) -> Iterator[Step | Surveyed]:
    """Yield the steps of a slide's survey; the last one is `Surveyed`.

    Closing the iterator cancels the work. No class and no network is involved.

    Parameters
    ----------
    engine : Engine
    slide : Slide
        With its scale.
    target : int
        Cells to count, which determines the number of ranked regions.

    Raises
    ------
    ScaleError
        If the slide has no scale.
    SlideError
        From the iterator: if it is too coarse, unreadable or has disappeared.
    """
    if slide.microns_per_pixel is None:
        raise ScaleError(f"{slide.path}: its scale is unknown: give its µm per pixel")
    check_fine_enough(slide)
    return _steps(engine, slide, SlideSource.of(slide), target)


def _steps(engine: Engine, slide: Slide, source: SlideSource, target: int) -> Iterator[Step | Surveyed]:
    yield Doing("Looking over the slide")
    looking = Survey(slide)
    try:
        yield from _measure(engine, source, looking, looking.first(), "Surveying the slide")
        yield from _measure(engine, source, looking, looking.second(), "Surveying its best places")
    except CancelledError:
        return  # the engine was closed
    finally:
        engine.end_tiles()
    quality = looking.quality_map()
    yield Surveyed(quality, rank_regions(quality, target))


def _measure(
    engine: Engine, source: SlideSource, looking: Survey, items: Sequence[SurveyItem], text: str
) -> Generator[Step, None, None]:
    """Yield progress while patches are measured, several items at a time."""
    pace = Pace(sum(len(item.which) for item in items))
    futures = engine.map_tiles("survey", source, items)
    try:
        for item, future in zip(items, futures, strict=True):
            looking.add(item, (yield from waited(future, text, pace.part)))
            pace.advance(len(item.which))
            yield Doing(text, pace.part, pace.seconds_left)
    finally:
        for future in futures:
            future.cancel()
    if items and not source.path.exists():
        raise SlideError(f"{source.path}: the file is gone: check its drive, then survey again")
