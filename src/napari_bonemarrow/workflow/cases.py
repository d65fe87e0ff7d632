"""Open the case of a slide, or begin one."""

from __future__ import annotations

import getpass
import math
from pathlib import Path

from napari_bonemarrow.review import SUFFIX, Case, CaseError, case_path_for
from napari_bonemarrow.slides import Scale, ScaleSource, Slide, open_slide

_SAME_SCALE = 1e-3
"""Relative difference below which two scales are the same: files store them with few digits."""


def default_reviewer() -> str:
    """Return the name under which this person's acts are journalled unless another was set."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # this environment knows no user name
        return "reviewer"


def open_or_create_case(
    slide_path: Path,
    *,
    reviewer: str | None = None,
    microns_per_pixel: float | None = None,
    scale: Scale | None = None,
    case_path: Path | None = None,
) -> tuple[Slide, Case]:
    """Open a slide together with its case.

    Parameters
    ----------
    slide_path : Path
        A slide, or a ``.bmcase``, which then leads to its slide.
    reviewer : str, optional
        Who acts; by default `default_reviewer`.
    microns_per_pixel : float, optional
        What the user says of the slide's scale.
    scale : Scale, optional
        The same with its source, such as an accepted estimate.
    case_path : Path, optional
        Where the case is or shall be; by default beside its slide.

    Returns
    -------
    Slide, Case
        The slide's scale is the case's where the case has one. It stays None where nobody knows it.

    Raises
    ------
    SlideError, CaseError, ScaleError
        One line: also where the case belongs to another slide, or its cells were found at another scale.
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
    """Open the slide of a case at the case's scale.

    Raises
    ------
    CaseError
        It is neither where it was nor beside the case, or was changed.
    SlideError
        It cannot be read.
    """
    slide = open_slide(case.require_slide())
    case.check_slide(slide)
    return slide.with_scale(case.scale)


def case_of_slide(
    slide: Slide, case_path: Path, *, reviewer: str, scale: Scale | None = None, anonymous: bool = False
) -> tuple[Slide, Case]:
    """Open the case of an opened slide, or begin it; as `open_or_create_case`.

    With ``anonymous`` a case that is begun keeps no names.
    """
    if case_path.exists():
        return _joined(Case.open(case_path, reviewer=reviewer), slide, scale)
    if scale is not None:
        slide = slide.with_scale(scale)
    return slide, Case.create(case_path, slide, reviewer=reviewer, anonymous=anonymous)


def _joined(case: Case, slide: Slide, scale: Scale | None) -> tuple[Slide, Case]:
    """Put an opened case and its slide together, at one scale; the case is closed if that fails."""
    try:
        _check(case, slide, scale)
        if scale is not None and (case.scale is None or not _same(scale, case.scale)):
            case.confirm_scale(scale)
        known = case.slide_record
        if slide.path.name and not known.is_nameless and slide.path.absolute() != Path(known.path):
            case.slide_moved(slide.path)
    except Exception:
        case.close()
        raise
    return slide.with_scale(case.scale or slide.scale), case


def _check(case: Case, slide: Slide, scale: Scale | None) -> None:
    case.check_slide(slide)
    known = case.scale
    if scale is not None and known is not None and not _same(scale, known) and len(case.cells):
        raise CaseError(
            f"{case.path}: its cells were found at {known.microns_per_pixel:g} µm/px, not at "
            f"{scale.microns_per_pixel:g}: leave the scale out, or move the case away to begin anew"
        )


def _same(one: Scale, other: Scale) -> bool:
    return math.isclose(one.microns_per_pixel, other.microns_per_pixel, rel_tol=_SAME_SCALE)
