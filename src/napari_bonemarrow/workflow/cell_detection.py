"""Detection of cells without classification."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from napari_bonemarrow.cytology import BoneMarrowError, Cells, Frame, Region
from napari_bonemarrow.cytology.durations import time_left
from napari_bonemarrow.cytology.lines import one_line
from napari_bonemarrow.engine import Engine, SlideSource
from napari_bonemarrow.report import SummaryRow, make_folder, write_found_csv
from napari_bonemarrow.review import CaseError
from napari_bonemarrow.slides import Slide, detect_cells, open_slide
from napari_bonemarrow.slides.detection.search_plan import lay_out
from napari_bonemarrow.slides.detection.tile_search import merge_tiles
from napari_bonemarrow.workflow.analysis import apply_step, is_searched_in_one
from napari_bonemarrow.workflow.cases import case_of_slide, default_reviewer
from napari_bonemarrow.workflow.differential_count import Progress
from napari_bonemarrow.workflow.inputs import Input, find_inputs
from napari_bonemarrow.workflow.region_growth import frame_of
from napari_bonemarrow.workflow.scale_rule import settle_scale
from napari_bonemarrow.workflow.slide_search import search_tiles
from napari_bonemarrow.workflow.steps import Doing, TilesFound

logger = logging.getLogger(__name__)

UNREAD = "unread.txt"
_UNFINISHED = ".search.bmcase"
"""File next to the result with the tiles searched so far on a whole slide."""


def detect_inputs(
    inputs: Sequence[str | Path],
    out: Path,
    *,
    microns_per_pixel: float | None = None,
    estimate_scale: bool = False,
    regions: Sequence[Region] = (),
    anonymous: bool = False,
    progress: Progress | None = None,
) -> list[SummaryRow]:
    """Write ``cells.csv`` with the detected cells of each input.

    The regions of a whole slide are searched by several processes; after an interruption the same command
    continues. Unreadable parts are listed in ``unread.txt``.

    Returns
    -------
    list of SummaryRow
        One per input; a failed one has its error and does not stop the others.

    Raises
    ------
    ReportError
        If the folder of results cannot be made.
    """
    report = progress or (lambda done, total, text: None)
    found = find_inputs(inputs, out=out, anonymous=anonymous)
    make_folder(out)
    rows = []
    for number, item in enumerate(found):
        report(number, len(found), item.shown)
        started = time.perf_counter()
        try:
            say = partial(report, number, len(found))
            row = _detect(item, out, microns_per_pixel, estimate_scale, regions, say)
        except BoneMarrowError as error:
            logger.debug("%s failed", item.shown, exc_info=True)
            row = SummaryRow(item.shown, error=one_line(item.hide_name(str(error))))
        row = replace(row, seconds=time.perf_counter() - started)
        rows.append(row)
    report(len(found), len(found), "done")
    return rows


def _detect(
    item: Input,
    out: Path,
    microns_per_pixel: float | None,
    estimate: bool,
    regions: Sequence[Region],
    say: Callable[[str], None],
) -> SummaryRow:
    if item.error:
        raise BoneMarrowError(item.error)
    slide = open_slide(item.path)
    item.tell_left_out(slide.warnings)
    scale = settle_scale(slide, microns_per_pixel=microns_per_pixel, accept_estimate=estimate)
    slide = slide.with_scale(scale)
    frame = frame_of(slide, regions)
    folder = make_folder(out / item.name)
    unread: tuple[str, ...] = ()
    if is_searched_in_one(slide):
        cells = detect_cells(slide, frame=frame)
    else:
        cells, unread = _stream(slide, frame, folder / _UNFINISHED, say)
    write_found_csv(cells, scale.microns_per_pixel, folder / "cells.csv", slide.fields)
    _note_unread(unread, folder / UNREAD)
    return SummaryRow(
        item.shown,
        folder=item.name,
        microns_per_pixel=scale.microns_per_pixel,
        scale_source=str(scale.source),
        found=len(cells),
    )


def _stream(
    slide: Slide, frame: Frame, kept: Path, say: Callable[[str], None]
) -> tuple[Cells, tuple[str, ...]]:
    """Search a whole slide tile by tile, with the results so far in a file."""
    scale = slide.known_scale()
    try:
        _, case = case_of_slide(slide, kept, reviewer=default_reviewer(), scale=slide.scale)
    except CaseError:  # of another slide with the same name, or damaged
        kept.unlink(missing_ok=True)
        _, case = case_of_slide(slide, kept, reviewer=default_reviewer(), scale=slide.scale)
    with Engine("cpu") as engine:
        steps = search_tiles(
            engine, SlideSource.of(slide), lay_out(slide, frame.regions), case.detection.progress
        )
        try:
            while True:
                step = next(steps)
                if isinstance(step, TilesFound):
                    apply_step(case, step)
                if isinstance(step, TilesFound | Doing):
                    left = "" if step.seconds_left is None else f", {time_left(step.seconds_left)}"
                    say(step.text + left)
        except StopIteration as end:
            outcome = end.value
        finally:
            steps.close()
            case.close()
    kept.unlink(missing_ok=True)
    lines = tuple(outcome.failed[tile] for tile in sorted(outcome.failed))
    return merge_tiles(outcome.parts, frame, scale), lines


def _note_unread(lines: Sequence[str], path: Path) -> None:
    """Write the list of unreadable parts, whose cells are missing."""
    if lines:
        logger.warning("%d parts of the slide could not be read: %s", len(lines), path)
        path.write_text("\n".join(dict.fromkeys(lines)) + "\n", encoding="utf-8")
    else:
        path.unlink(missing_ok=True)
