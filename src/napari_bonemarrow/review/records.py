"""The journal's JSON of slides, scales and frames."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from napari_bonemarrow.cytology import Frame, Region

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Scale


@dataclass(frozen=True, slots=True)
class SlideRecord:
    """What a case knows of its slide. Labels and free text of the file are never kept.

    Attributes
    ----------
    name : str
        The file's name.
    path : str
        Where it lay, absolute; empty for an image that was never a file.
    relative : str or None
        The same, seen from the case's folder.
    fingerprint : str
    width, height : int
        Level 0, px.
    vendor : str
    slide : int
        Number within the case.
    """

    name: str
    path: str
    relative: str | None
    fingerprint: str
    width: int
    height: int
    vendor: str
    slide: int = 1

    def to_json(self) -> dict[str, Any]:
        """Return it for the journal."""
        return asdict(self)


def scale_to_json(scale: Scale | None) -> dict[str, Any] | None:
    """Return a scale for the journal."""
    if scale is None:
        return None
    bounds = (None if bound is None else float(bound) for bound in (scale.low, scale.high))
    low, high = bounds
    return {
        "microns_per_pixel": float(scale.microns_per_pixel),
        "source": str(scale.source),
        "low": low,
        "high": high,
        "basis": scale.basis,
    }


def scale_from_json(value: dict[str, Any] | None) -> Scale | None:
    """Read a scale back."""
    from napari_bonemarrow.slides import (
        Scale,
        ScaleSource,
    )  # loads scikit-image, which an empty window can do without

    return None if value is None else Scale(**{**value, "source": ScaleSource(value["source"])})


def frame_to_json(frame: Frame | None, target: int) -> dict[str, Any] | None:
    """Return a frame and its target for the journal."""
    if frame is None:
        return None
    return {
        "regions": [[float(v) for v in (r.x, r.y, r.width, r.height)] for r in frame.regions],
        "margin_um": float(frame.margin_um),
        "width": int(frame.width),
        "height": int(frame.height),
        "target": target,
    }


def frame_from_json(value: dict[str, Any]) -> tuple[Frame, int]:
    """Read a frame and its target back."""
    regions = tuple(Region(*region) for region in value["regions"])
    return Frame(regions, value["margin_um"], value["width"], value["height"]), int(value["target"])
