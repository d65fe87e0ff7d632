"""Texts of the Slide tab on the scale (no Qt)."""

from __future__ import annotations

from typing import Any

from napari_bonemarrow.cytology.lines import capital
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.setup.scale_text import figures
from napari_bonemarrow.gui.setup.slide_models import ScaleInfo, ScaleOffer
from napari_bonemarrow.slides import Scale, ScaleSource

_SOURCES = {
    ScaleSource.FILE: "from the file",
    ScaleSource.USER: "given by the reviewer",
    ScaleSource.ESTIMATE: "estimated and accepted",
}
ESTIMATE = "estimate"
GIVEN = "given in the window"
_PLAIN_BASES = frozenset({GIVEN, "given"})
"""Bases that add nothing to the source."""


def scale_info(session: Session) -> ScaleInfo:
    """Return the scale, known or requested, with the offers."""
    known, image = session.case.scale or session.slide.scale, session.slide.images[0]
    told: dict[str, Any] = {"width": image.width, "height": image.height, "nucleus_px": session.nucleus_px}
    if known is not None:
        text = _SOURCES[known.source]
        if known.basis and known.basis not in _PLAIN_BASES:
            text += f" ({known.basis})"
        text = f"{capital(text)}."
        return ScaleInfo(known.microns_per_pixel, str(known.source), True, text, **told)
    waiting = ""
    if session.estimating:
        waiting = "Estimating it from the red cells…"
    elif session.estimate is None:
        waiting = "No estimate: too few red cells that can be measured"
    text = "This image does not say its scale. Type it, measure a scale bar, or take what is offered."
    return ScaleInfo(None, "", False, text, scale_offers(session), waiting, **told)


def scale_offers(session: Session) -> tuple[ScaleOffer, ...]:
    """Return the offered scales: the estimate from the cells, and the last one of the camera."""
    offers = []
    estimate = session.estimate
    if estimate is not None:
        interval = ""
        if estimate.low is not None and estimate.high is not None:
            interval = f" ({estimate.low:.3f} to {estimate.high:.3f})"
        text = f"Use {estimate.microns_per_pixel:.3f}{interval}, estimated"
        tip = f"95 % interval; from {estimate.basis}" if estimate.basis else "95 % interval"
        offers.append(ScaleOffer(ESTIMATE, estimate.microns_per_pixel, text, tip))
    if session.camera_scale is not None:
        value, image = figures(session.camera_scale), session.slide.images[0]
        offers.append(
            ScaleOffer(
                "camera",
                session.camera_scale,
                f"Use {value}, the last of this camera",
                f"Confirmed last for images of {image.width:.0f} × {image.height:.0f} px of this camera",
                "as last confirmed for images of this camera",
            )
        )
    return tuple(offers)


def chosen_scale(session: Session, value: float, offer: ScaleOffer | None = None) -> Scale:
    """Return the scale that the user confirmed.

    Parameters
    ----------
    session : Session
    value : float
    offer : ScaleOffer, optional
        The accepted offer, if any. An estimate keeps its interval and its mark.

    Raises
    ------
    ScaleError
        If the value is absurd.
    """
    if offer is not None and offer.key == ESTIMATE and session.estimate is not None:
        return session.estimate
    return Scale(value, ScaleSource.USER, basis=(offer.basis if offer is not None else "") or GIVEN)
