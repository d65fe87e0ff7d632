"""Find cells without classifying them."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from napari_bonemarrow.cytology import BoneMarrowError, Region
from napari_bonemarrow.report import SummaryRow, make_folder, write_found_csv
from napari_bonemarrow.slides import detect_cells, open_slide
from napari_bonemarrow.workflow.choosing import frame_of
from napari_bonemarrow.workflow.counting import Progress
from napari_bonemarrow.workflow.inputs import Input, find_inputs
from napari_bonemarrow.workflow.scales import settle_scale

logger = logging.getLogger(__name__)


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
    """Write ``cells.csv`` with what the detector knows of the cells of each input.

    Returns
    -------
    list of SummaryRow
        An input each; one that failed has its error, and the others went on.

    Raises
    ------
    ReportError
        The folder of results cannot be made.
    """
    report = progress or (lambda done, total, text: None)
    found = find_inputs(inputs, out=out, anonymous=anonymous)
    make_folder(out)
    rows = []
    for number, item in enumerate(found):
        report(number, len(found), item.shown)
        started = time.perf_counter()
        try:
            row = _detect(item, out, microns_per_pixel, estimate_scale, regions)
        except BoneMarrowError as error:
            logger.debug("%s failed", item.shown, exc_info=True)
            row = SummaryRow(item.shown, error=item.hide_name(str(error)))
        row = replace(row, seconds=time.perf_counter() - started)
        rows.append(row)
    report(len(found), len(found), "done")
    return rows


def _detect(
    item: Input, out: Path, microns_per_pixel: float | None, estimate: bool, regions: Sequence[Region]
) -> SummaryRow:
    if item.error:
        raise BoneMarrowError(item.error)
    slide = open_slide(item.path)
    scale = settle_scale(slide, microns_per_pixel=microns_per_pixel, accept_estimate=estimate)
    slide = slide.with_scale(scale)
    cells = detect_cells(slide, frame=frame_of(slide, regions))
    folder = make_folder(out / item.name)
    write_found_csv(cells, scale.microns_per_pixel, folder / "cells.csv")
    return SummaryRow(
        item.shown,
        folder=item.name,
        microns_per_pixel=scale.microns_per_pixel,
        scale_source=str(scale.source),
        found=len(cells),
    )
