"""Cases of slides: opening or creating them."""

from __future__ import annotations

import getpass
import math
from pathlib import Path

from napari_bonemarrow.review import SUFFIX, Case, CaseError, case_path_for
from napari_bonemarrow.slides import Scale, ScaleSource, Slide, open_slide

_SAME_SCALE = 1e-3
"""Relative difference below which two scales are equal: files store few digits."""


def default_reviewer() -> str:
    """Return the default reviewer for the journal: the login name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no user name in this environment
        return "reviewer"


def open_or_create_case(
    slide_path: Path,
    *,
    reviewer: str | None = None,
    microns_per_pixel: float | None = None,
    scale: Scale | None = None,
    case_path: Path | None = None,
) -> tuple[Slide, Case]:
    """Return a slide and its case, created if missing.

    Parameters
    ----------
    slide_path : Path
        A slide, or a ``.bmcase``, which refers to its slide.
    reviewer : str, optional
        The reviewer; by default `default_reviewer`.
    microns_per_pixel : float, optional
        The slide's scale given by the user.
    scale : Scale, optional
        The same with its source, such as an accepted estimate.
    case_path : Path, optional
        Path of the case; by default next to its slide.

    Returns
    -------
    Slide, Case
        The slide's scale is the case's if it has one, and None if unknown.

    Raises
    ------
    SlideError, CaseError, ScaleError
        One line; also if the case belongs to another slide, or its cells were found at another scale.
    """
    who = reviewer or default_reviewer()
    if microns_per_pixel is not None:
        scale = Scale(microns_per_pixel, ScaleSource.USER, basis="given")
    if slide_path.suffix.lower() == SUFFIX:
        case = Case.open(slide_path, reviewer=who)
        try:
            return _joined(case, slide_of_case(case), scale)
        except Exception:
            case.close()
            raise
    slide = open_slide(slide_path)
    return case_of_slide(slide, case_path or case_path_for(slide_path), reviewer=who, scale=scale)


def slide_of_case(case: Case) -> Slide:
    """Return the slide of a case at the case's scale.

    Raises
    ------
    CaseError
        If it is neither at its old path nor next to the case, or was changed.
    SlideError
        If it cannot be read.
    """
    slide = open_slide(case.slide_file.require())
    case.slide_file.check(slide)
    return slide.with_scale(case.scale)


def case_of_slide(
    slide: Slide, case_path: Path, *, reviewer: str, scale: Scale | None = None, anonymous: bool = False
) -> tuple[Slide, Case]:
    """Return the case of an opened slide, created if missing; as `open_or_create_case`.

    With ``anonymous`` a new case stores no names.
    """
    if case_path.exists():
        return _joined(Case.open(case_path, reviewer=reviewer), slide, scale)
    if scale is not None:
        slide = slide.with_scale(scale)
    return slide, Case.create(case_path, slide, reviewer=reviewer, anonymous=anonymous)


def _joined(case: Case, slide: Slide, scale: Scale | None) -> tuple[Slide, Case]:
    """Return an opened case and its slide at one scale; the case is closed on an error."""
    try:
        _check(case, slide, scale)
        if scale is not None and (case.scale is None or not _same(scale, case.scale)):
            case.sampling.confirm_scale(scale)
        known = case.slide_record
        if slide.path.name and not known.is_nameless and slide.path.absolute() != Path(known.path):
            case.slide_file.move(slide.path)
    except Exception:
        case.close()
        raise
    return slide.with_scale(case.scale or slide.scale), case


def _check(case: Case, slide: Slide, scale: Scale | None) -> None:
    case.slide_file.check(slide)
    known = case.scale
    if scale is not None and known is not None and not _same(scale, known) and len(case.cells):
        raise CaseError(
            f"{case.path}: its cells were found at {known.microns_per_pixel:g} µm/px, not at "
            f"{scale.microns_per_pixel:g}: leave the scale out, or move the case away to begin again"
        )


def _same(one: Scale, other: Scale) -> bool:
    return math.isclose(one.microns_per_pixel, other.microns_per_pixel, rel_tol=_SAME_SCALE)
