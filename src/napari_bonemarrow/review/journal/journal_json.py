"""The journal's JSON of slides, scales and frames."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_bonemarrow.cytology import Cells, Field, Frame, Region, RegionRanking

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Scale


_UNNUMBERED_LAYOUT = 1
"""Which rule laid out the fields of a record that names none."""


@dataclass(frozen=True, slots=True)
class SlideRecord:
    """What a case knows of its slide. Labels and free text of the file are never kept.

    Attributes
    ----------
    name : str
        The file's name; the beginning of its fingerprint where no names are kept.
    path : str
        Where it lay, absolute; empty for an image that was never a file, and where no names are kept.
    relative : str or None
        The same, seen from the case's folder.
    fingerprint : str
    width, height : int
        Level 0, px.
    vendor : str
    slide : int
        Number within the case.
    fields : tuple of Field
        The images that a folder of fields is made of; empty for one image. Positions in the case are those
        of this layout, so that field and place in it can always be told of a cell.
    layout : int
        Of fields, by which rule they were laid out (`slides.mosaic.LAYOUT`); 0 for one image.
    """

    name: str
    path: str
    relative: str | None
    fingerprint: str
    width: int
    height: int
    vendor: str
    slide: int = 1
    fields: tuple[Field, ...] = ()
    layout: int = 0

    @property
    def is_misplaced(self) -> bool:
        """Whether the fields were laid out by a rule of before: cells may lie in another field than told.

        The first field lies in the same place by every rule.
        """
        from napari_bonemarrow.slides.pixels.mosaic import LAYOUT

        return len(self.fields) > 1 and self.layout != LAYOUT

    @property
    def is_nameless(self) -> bool:
        """Whether no name of a file or folder is kept, since it may tell who the patient is."""
        return bool(self.name) and not self.path

    def without_names(self) -> SlideRecord:
        """Return it with the fingerprint for the slide's name, and numbers for those of its fields."""
        fields = tuple(Field(str(number), field.region) for number, field in enumerate(self.fields, 1))
        return replace(self, name=self.fingerprint[:12], path="", relative=None, fields=fields)

    def to_json(self) -> dict[str, Any]:
        """Return it for the journal."""
        value = asdict(self)
        del value["fields"], value["layout"]
        if self.fields:
            value["layout"] = self.layout
            regions = _regions_to_json(tuple(field.region for field in self.fields))
            value["fields"] = [[field.name, *box] for field, box in zip(self.fields, regions, strict=True)]
        return value

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> SlideRecord:
        """Read it back."""
        fields = tuple(Field(name, Region(*box)) for name, *box in value.get("fields", ()))
        layout = value.get("layout", _UNNUMBERED_LAYOUT if fields else 0)
        return cls(**{**value, "fields": fields, "layout": layout})


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
    value: dict[str, Any] = {
        "regions": _regions_to_json(frame.regions),
        "margin_um": float(frame.margin_um),
        "width": int(frame.width),
        "height": int(frame.height),
        "target": target,
    }
    if frame.images:
        value["images"] = _regions_to_json(frame.images)
    return value


def frame_from_json(value: dict[str, Any]) -> tuple[Frame, int]:
    """Read a frame and its target back."""
    regions, images = (
        tuple(Region(*region) for region in value.get(name, ())) for name in ("regions", "images")
    )
    frame = Frame(regions, value["margin_um"], value["width"], value["height"], images)
    return frame, int(value["target"])


def ranking_to_json(ranking: RegionRanking) -> dict[str, Any]:
    """Return a ranking for the journal."""
    return {
        "regions": _regions_to_json(ranking.regions),
        "scores": [float(score) for score in ranking.scores],
        "avoided": {reason: int(number) for reason, number in ranking.avoided.items()},
        "parameters": dict(ranking.parameters),
    }


def ranking_from_json(value: dict[str, Any]) -> RegionRanking:
    """Read a ranking back."""
    regions = tuple(Region(*region) for region in value["regions"])
    return RegionRanking(regions, tuple(value["scores"]), value["avoided"], value["parameters"])


def _regions_to_json(regions: tuple[Region, ...]) -> list[list[float]]:
    return [[float(v) for v in (r.x, r.y, r.width, r.height)] for r in regions]


@dataclass(frozen=True, slots=True)
class DetectionProgress:
    """A search that has not come to its end: what it was to do, and what is done of it.

    Attributes
    ----------
    plan : dict
        JSON of the plan that the tiles belong to.
    done : frozenset of int
        Tiles that were searched.
    failed : dict of int to str
        Tiles that could not be read, each with its line.
    cells : Cells
        What was found so far, numbered provisionally from 1 in the order in which the tiles came.
    """

    plan: dict[str, Any]
    done: frozenset[int]
    failed: dict[int, str]
    cells: Cells
