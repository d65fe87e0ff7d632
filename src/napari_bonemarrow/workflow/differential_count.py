"""Differential count of fields and slides without a window."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from napari_bonemarrow.cytology import BoneMarrowError, CountingProfile, Region
from napari_bonemarrow.cytology.lines import one_line
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.cytology.profiles import profile
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.learning.serving_head import ServingHead
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.report import (
    USUAL,
    ReportOptions,
    SummaryRow,
    export,
    make_folder,
    write_summary_csv,
)
from napari_bonemarrow.review import SUFFIX, Case
from napari_bonemarrow.slides import Slide, open_slide
from napari_bonemarrow.workflow.analysis import apply_step
from napari_bonemarrow.workflow.cases import case_of_slide, default_reviewer, open_or_create_case
from napari_bonemarrow.workflow.features import embed
from napari_bonemarrow.workflow.inputs import Input, find_inputs
from napari_bonemarrow.workflow.region_growth import count_slide
from napari_bonemarrow.workflow.report_options import report_options
from napari_bonemarrow.workflow.scale_rule import settle_scale
from napari_bonemarrow.workflow.steps import CellsClassified, Doing, TilesFound
from napari_bonemarrow.workflow.teaching.laboratory import begin_with, load_head

logger = logging.getLogger(__name__)

Progress = Callable[[int, int, str], None]
"""Called with the number of inputs done, of all inputs, and the present step."""

_PAGE = ReportOptions(montage=False)
"""The pages of many inputs carry no pictures: cutting those takes longer than counting."""


@dataclass(frozen=True, slots=True)
class CountOptions:
    """Options of a count.

    Attributes
    ----------
    model : str or Path
        Name or folder of a bundle.
    microns_per_pixel : float or None
    estimate_scale : bool
        Accept the estimate from red cells where user and file give no scale.
    target : int or None
        Cells to count; that of the counting profile for a new case.
    regions : tuple of Region
        Level-0 pixels; by default the whole field, on a slide over 2 mm² its best regions.
    whole : bool
        Count the whole slide, however large.
    together : bool
        Treat each folder as the fields of one case.
    anonymous : bool
        Name results by fingerprint, and store no names in a new case.
    head : str
        Name of a laboratory head to predict with; empty or ``none`` for the bundle alone.
    profile : str or Path
        Counting profile, by name or file; empty for that of the case, ICSH 2008 for a new one.
    sample : bool
        Begin a sample review in each case of which no cell is reviewed yet.
    reviewer : str
        The reviewer named in the journal.
    """

    model: str | Path = "starter"
    microns_per_pixel: float | None = None
    estimate_scale: bool = False
    target: int | None = None
    regions: tuple[Region, ...] = ()
    whole: bool = False
    together: bool = False
    anonymous: bool = False
    head: str = ""
    profile: str | Path = ""
    sample: bool = False
    reviewer: str = ""


@dataclass(frozen=True, slots=True)
class _Given:
    """What is read once for all inputs."""

    head: ServingHead | None
    profile: CountingProfile | None


def count_inputs(
    inputs: Sequence[str | Path],
    out: Path,
    options: CountOptions | None = None,
    *,
    device: str = "auto",
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> list[SummaryRow]:
    """Count each input into its own folder, and all into ``summary.csv``.

    An existing case in that folder is continued: a reviewer's labels stay, and nothing is computed twice.

    Parameters
    ----------
    inputs : sequence of str or Path
        Fields, cases, folders and patterns.
    out : Path
    options : CountOptions, optional
    device : str
    engine : Engine, optional
        A running engine, which is left open.
    progress : callable, optional

    Returns
    -------
    list of SummaryRow
        One per input. A failed one has its error and does not stop the others.

    Raises
    ------
    BundleError, ReportError, ProfileError
        If the bundle, the folder of results or the counting profile fails.
    """
    options = options or CountOptions()
    report = progress or (lambda done, total, text: None)
    Bundle.open(options.model)
    rules = profile(options.profile) if options.profile else None
    head = None if options.head in ("", "none") else load_head(options.head)
    found = find_inputs(inputs, out=out, anonymous=options.anonymous, together=options.together)
    make_folder(out)
    rows: list[SummaryRow] = []
    # Complete cases need no model: the engine's child starts with its first task.
    with nullcontext(engine) if engine is not None else Engine(device) as serving:
        try:
            for number, item in enumerate(found):
                say = partial(report, number, len(found))
                say(item.shown)
                rows.append(_row(serving, item, out, options, _Given(head, rules), say))
        finally:
            if rows:
                write_summary_csv(rows, out / "summary.csv")
    report(len(found), len(found), "done")
    return rows


def _row(
    engine: Engine,
    item: Input,
    out: Path,
    options: CountOptions,
    given: _Given,
    say: Callable[[str], None],
) -> SummaryRow:
    """Return the row of one input; any error becomes the row's error."""
    started = time.perf_counter()
    try:
        if item.error:
            raise BoneMarrowError(item.error)
        return _count(engine, item, out, options, given, say)
    except BoneMarrowError as error:
        logger.debug("%s failed", item.shown, exc_info=True)
        text = str(error)
    except Exception as error:  # a defect in one file must not stop the count of others
        logger.debug("%s failed", item.shown, exc_info=True)
        text = f"{item.path}: unexpected {type(error).__name__}: {error}: try it alone with --debug"
    text = one_line(item.hide_name(text))
    return SummaryRow(item.shown, error=text, seconds=time.perf_counter() - started)


def _count(
    engine: Engine,
    item: Input,
    out: Path,
    options: CountOptions,
    given: _Given,
    say: Callable[[str], None],
) -> SummaryRow:
    started = time.perf_counter()
    slide, case = _open(item, out, options)
    item.tell_left_out(slide.warnings)
    try:
        if given.profile is not None:
            case.counting.use(given.profile)
        device = _analyse(engine, slide, case, options, lambda text: say(f"{item.shown}: {text}"))
        if given.head is not None:
            begin_with(case, given.head)
        if options.sample and not case.is_signed and not case.sample.refusal:
            case.sample.begin()
        folder = make_folder(out / item.name)
        page = report_options(case, _PAGE)
        for each in USUAL:
            export(case, each.key, folder / each.name, anonymous=options.anonymous, options=page)
        return SummaryRow(
            item.shown,
            folder=item.name,
            microns_per_pixel=case.microns_per_pixel,
            scale_source=str(case.scale.source) if case.scale else "",
            found=len(case.cells),
            differential=case.differential(),
            model=case.predictions.model.name if case.predictions else "",
            device=device,
            seconds=time.perf_counter() - started,
        )
    finally:
        case.close()


def _open(item: Input, out: Path, options: CountOptions) -> tuple[Slide, Case]:
    reviewer = options.reviewer or default_reviewer()
    if item.path.suffix.lower() == SUFFIX:
        return open_or_create_case(item.path, reviewer=reviewer, microns_per_pixel=options.microns_per_pixel)
    slide = open_slide(item.path, microns_per_pixel=options.microns_per_pixel)
    case_path = out / item.name / f"{item.name}{SUFFIX}"
    if case_path.exists():  # its scale was set when it was created
        given = slide.scale if options.microns_per_pixel is not None else None
        return case_of_slide(slide, case_path, reviewer=reviewer, scale=given)
    scale = settle_scale(
        slide, microns_per_pixel=options.microns_per_pixel, accept_estimate=options.estimate_scale
    )
    make_folder(case_path.parent)
    return case_of_slide(slide, case_path, reviewer=reviewer, scale=scale, anonymous=options.anonymous)


def _analyse(
    engine: Engine, slide: Slide, case: Case, options: CountOptions, say: Callable[[str], None]
) -> str:
    """Bring a case up to date and return the device used, empty if none was needed."""
    device = ""
    steps = count_slide(
        engine,
        slide,
        case,
        model=options.model,
        target=options.target,
        regions=options.regions,
        whole=options.whole,
    )
    for step in steps:
        if isinstance(step, CellsClassified):
            device = step.status.device
            say(f"{count_of(step.done, 'cell', of=step.total)} classified")
        elif isinstance(step, TilesFound):
            say(step.text or f"{count_of(step.done, 'tile', of=step.total)} searched")
        elif isinstance(step, Doing):
            say(step.text if step.part is None else f"{step.text}, {step.part:.0%}")
    _compare(engine, slide, case, options)
    return device


def _compare(engine: Engine, slide: Slide, case: Case, options: CountOptions) -> None:
    """Store the cells' feature vectors for look-alikes and map; a count does not need them."""
    try:
        for step in embed(engine, slide, case, model=options.model):
            apply_step(case, step)
    except BoneMarrowError:
        logger.debug("%s: cells cannot be compared", slide.path, exc_info=True)
