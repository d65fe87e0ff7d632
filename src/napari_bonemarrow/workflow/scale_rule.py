"""Rule for the physical scale of a slide without user interaction."""

from __future__ import annotations

from napari_bonemarrow.cytology import ScaleError
from napari_bonemarrow.slides import Scale, ScaleSource, Slide, estimate_scale

WIDEST_TAKEN = 0.25
"""Widest half-interval, relative to the estimate, of an estimate accepted without a check. With a scale 25 %
off, a lymphocyte is as large as a blast."""


def settle_scale(
    slide: Slide, *, microns_per_pixel: float | None = None, accept_estimate: bool = False
) -> Scale:
    """Return the scale for counting a slide: the user's, else the file's, else the estimate.

    Parameters
    ----------
    slide : Slide
    microns_per_pixel : float, optional
        The user's scale.
    accept_estimate : bool
        Accept the estimate from red cells where user and file give no scale.

    Raises
    ------
    ScaleError
        If it is unknown; the text has the estimate and how to pass it.
    """
    if microns_per_pixel is not None:
        return Scale(microns_per_pixel, ScaleSource.USER, basis="given")
    if slide.scale is not None:
        return slide.scale
    estimate = estimate_scale(slide)
    if estimate is None:
        raise ScaleError(
            f"{slide.path}: its scale is unknown and cannot be estimated: pass --microns-per-pixel F"
        )
    if accept_estimate and _is_narrow(estimate):
        return estimate
    value = f"{estimate.microns_per_pixel:.3g}"
    interval = ""
    if estimate.low is not None and estimate.high is not None:
        interval = f" ({estimate.low:.3g} to {estimate.high:.3g})"
    raise ScaleError(
        f"{slide.path}: its scale is unknown; its cells suggest {value} µm/px{interval}: "
        + (
            f"pass --microns-per-pixel {value}, or accept the estimate with --estimate-scale"
            if _is_narrow(estimate)
            else "too uncertain to accept without a check: measure it and pass --microns-per-pixel F"
        )
    )


def _is_narrow(estimate: Scale) -> bool:
    """Return whether an estimate may be accepted without a check."""
    if estimate.low is None or estimate.high is None:
        return False
    return (estimate.high - estimate.low) / 2 <= WIDEST_TAKEN * estimate.microns_per_pixel
