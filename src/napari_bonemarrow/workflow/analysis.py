"""Analysis of one slide: detection and classification of its cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_bonemarrow import __version__
from napari_bonemarrow.cytology import Cells, Frame, ModelReference, Predictions, Region, ScaleError
from napari_bonemarrow.engine import Engine, EngineStatus, SlideSource
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.review import EventKind
from napari_bonemarrow.slides.detection.cell_detection import check_fine_enough
from napari_bonemarrow.slides.detection.search_plan import DetectionPlan, lay_out
from napari_bonemarrow.slides.detection.tile_search import merge_tiles
from napari_bonemarrow.slides.slide import SlideError
from napari_bonemarrow.workflow.pace import Pace
from napari_bonemarrow.workflow.slide_search import search_tiles, waited
from napari_bonemarrow.workflow.steps import (
    CellsClassified,
    CellsFound,
    Doing,
    FeaturesFound,
    Step,
    TilesFound,
)

if TYPE_CHECKING:
    from napari_bonemarrow.review import Case, DetectionProgress
    from napari_bonemarrow.slides import Slide

__all__ = [
    "CellsClassified",
    "CellsFound",
    "Doing",
    "FeaturesFound",
    "Step",
    "TilesFound",
    "analyse",
    "apply_step",
    "default_frame",
    "was_detected",
]

SINGLE_TILES = 4
"""Most tiles of a field (half a millimetre) that is searched as a whole, by the engine's main child."""

_LOCALITY_UM = 256.0
"""Side of the squares in which cells are classified, so that a tile of the file is decoded once."""


def analyse(
    engine: Engine,
    slide: Slide,
    case: Case,
    *,
    model: str | Path = "starter",
    frame: Frame | None = None,
    again: bool = False,
) -> Iterator[Step]:
    """Yield the steps to find a slide's cells, unless the case has them, and classify them with a bundle.

    A whole slide is searched tile by tile, only in its frame, by several processes. An interrupted search
    continues from the case; if the frame has grown, only the new part is searched.

    The case is read before this function returns and not used by the iterator, which can run in another
    thread; pass each step to `apply_step` in the case's thread. Closing the iterator cancels the work.

    Parameters
    ----------
    engine : Engine
    slide : Slide
        With its scale.
    case : Case
    model : str or Path
        Name or folder of a bundle.
    frame : Frame, optional
        The counting frame; by default the case's, else the whole field without its margin.
    again : bool
        Find the cells again even if the case has some.

    Raises
    ------
    ScaleError
        If the slide has no scale.
    BoneMarrowError
        From the iterator: any error of slide, bundle or engine.
    """
    if slide.microns_per_pixel is None:
        raise ScaleError(f"{slide.path}: its scale is unknown: give its µm per pixel")
    chosen = case.frame or frame or default_frame(slide)
    known = case.predictions
    search = _plan_search(slide, case, chosen, again)
    cells = Cells.empty() if search is not None and not search.extends else case.cells
    if search is None and not len(_unclassified(cells, known, Bundle.open(model).reference)):
        return iter(())
    source = SlideSource.of(slide)
    return _steps(engine, source, model, chosen, cells, known, search, case.detection.fresh)


def default_frame(slide: Slide) -> Frame:
    """Return the frame of a whole slide without the margin at the border of each image."""
    fields = tuple(field.region for field in slide.fields)
    return Frame.whole_field(slide.width, slide.height, images=fields)


@dataclass(frozen=True, slots=True)
class _Search:
    """A planned search, read from a case before the steps."""

    layout: DetectionPlan
    regions: tuple[Region, ...]
    in_one: bool
    extends: bool
    earlier: DetectionProgress | None


def _plan_search(slide: Slide, case: Case, frame: Frame, again: bool) -> _Search | None:
    """Return the search of the whole frame, or of its new part; None if complete."""
    extends = was_detected(case) and not again
    in_one = is_searched_in_one(slide)
    regions = (Region(0, 0, slide.width, slide.height),) if in_one else frame.regions
    if extends:
        before = searched_regions(case)
        if before is None:
            return None
        regions = tuple(region for region in regions if not any(_covers(box, region) for box in before))
        if not regions:
            return None
    check_fine_enough(slide)
    layout = lay_out(slide, None if in_one else regions)
    return _Search(layout, regions, in_one, extends, case.detection.progress)


def is_searched_in_one(slide: Slide) -> bool:
    """Return whether a slide is a single small field, which is searched as a whole."""
    whole = lay_out(slide)
    return len(whole.images) == 1 and len(whole.tiles) <= SINGLE_TILES


def _covers(box: Region, region: Region) -> bool:
    return region.within(box) == region


def searched_regions(case: Case) -> tuple[Region, ...] | None:
    """Return the searched regions of a case; None for the whole slide."""
    searched: list[Region] | None = []
    for event in case.history.events():
        run: Any = event.new
        if event.kind == EventKind.SEARCH_DISCARDED:
            searched = []
        elif event.kind == EventKind.DETECTOR_RUN:
            regions = run["parameters"].get("searched")
            before = searched if run.get("extends") else []
            if regions is None or before is None:
                searched = None
            else:
                searched = before + [Region(*box) for box in regions]
    return None if searched is None else tuple(searched)


def was_detected(case: Case) -> bool:
    """Return whether detection has been run on a case, even if it found nothing."""
    return case.detection.was_run


def apply_step(case: Case, step: Step) -> None:
    """Write one step of `analyse` or `embed` to the case."""
    if isinstance(step, TilesFound):
        case.detection.record_tiles(step.plan, step.tiles, step.cells, step.failed)
    elif isinstance(step, CellsFound):
        if case.frame is None:
            case.sampling.set_frame(step.frame)
        parameters: dict[str, Any] = {
            "microns_per_pixel": case.microns_per_pixel,
            "version": __version__,
            "searched": [[box.x, box.y, box.width, box.height] for box in step.searched],
        }
        if step.failed:
            parameters["failed_tiles"] = list(step.failed)
        case.detection.record(step.cells, parameters, carry_over=True, extends=step.extends)
    elif isinstance(step, CellsClassified):
        # A second detection leaves out cells already handled by the reviewer.
        kept = np.isin(step.predictions.cell_id, case.cells.cell_id)
        if kept.any():
            case.model.record_predictions(step.predictions.select(kept))
    elif isinstance(step, FeaturesFound):
        kept = np.isin(step.features.cell_id, case.cells.cell_id)
        if kept.any():
            case.model.record_features(step.features.select(kept))


def _steps(
    engine: Engine,
    source: SlideSource,
    model: str | Path,
    frame: Frame,
    cells: Cells,
    known: Predictions | None,
    search: _Search | None,
    fresh: Callable[[Cells], Cells],
) -> Iterator[Step]:
    futures: list[Future[Any]] = []
    try:
        if search is None:
            loading = engine.load(model)
        elif search.in_one:
            detecting = engine.detect(source, frame)
            loading = engine.load(model)  # the child starts it as soon as the cells are found
            futures.append(detecting)
            found = fresh((yield from waited(detecting, "Finding cells")))
            yield CellsFound(found, frame, search.regions, extends=search.extends)
            cells = Cells.joined([cells, found])
        else:
            loading = engine.load(model)
            outcome = yield from search_tiles(engine, source, search.layout, search.earlier)
            found = fresh(merge_tiles(outcome.parts, frame, source.microns_per_pixel))
            lines = tuple(outcome.failed[tile] for tile in sorted(outcome.failed))
            yield CellsFound(found, frame, search.regions, lines, search.extends)
            cells = Cells.joined([cells, found])
        status = yield from waited(loading, "Loading the model")
        yield from _classify(engine, source, _unclassified(cells, known, status.model), status, futures)
    except CancelledError:
        return  # the engine was closed or the task dropped
    finally:
        for future in futures:
            future.cancel()


def _classify(
    engine: Engine, source: SlideSource, cells: Cells, status: EngineStatus, futures: list[Future[Any]]
) -> Iterator[Step]:
    """Yield the classes of cells, those in the frame first; unreadable cells stay without a class."""
    cells = in_order(cells, source.microns_per_pixel)
    chunks = engine.classify(source, cells)
    futures += chunks
    pace = Pace(len(cells))
    classified, problem = 0, None
    for chunk in chunks:
        waiting = waited(chunk, "Classifying cells", pace.part)
        try:
            predictions = yield from waiting
        except SlideError as error:
            if not source.path.exists():
                raise
            problem = error
            continue
        classified += len(predictions)
        pace.advance(len(predictions))
        yield CellsClassified(predictions, classified, len(cells), status, pace.seconds_left)
    if problem is not None and not classified:
        raise problem


def in_order(cells: Cells, microns_per_pixel: float) -> Cells:
    """Return cells sorted: those in the frame first, and neighbours together."""
    side = _LOCALITY_UM / microns_per_pixel
    return cells.select(np.lexsort((cells.x // side, cells.y // side, ~cells.in_frame)))


def _unclassified(cells: Cells, known: Predictions | None, model: ModelReference) -> Cells:
    if known is None or known.model != model:
        return cells
    return cells.select(~np.isin(cells.cell_id, known.cell_id))
