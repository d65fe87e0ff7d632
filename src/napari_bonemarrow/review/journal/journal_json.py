"""The journal's JSON for slides, scales and frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_bonemarrow.cytology import Field, Frame, Region, RegionRanking
from napari_bonemarrow.review.journal.documents import (
    FramePayload,
    RankingPayload,
    ScalePayload,
    SlidePayload,
)

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Scale


_UNNUMBERED_LAYOUT = 1
"""The layout rule of fields in a record that names none."""


@dataclass(frozen=True, slots=True)
class SlideRecord:
    """The case's record of its slide. Labels and free text of the file are never kept.

    Attributes
    ----------
    name : str
        The file's name; the beginning of its fingerprint if no names are kept.
    path : str
        Its absolute path; empty for an image that was never a file, and if no names are kept.
    relative : str or None
        The path relative to the case's folder.
    fingerprint : str
    width, height : int
        Level 0, px.
    vendor : str
    slide : int
        Number within the case.
    fields : tuple of Field
        The images of a folder of fields; empty for one image. Positions in the case are those
        of this layout, so that each cell's field and place in it are always known.
    layout : int
        Number of the fields' layout rule (`slides.mosaic.LAYOUT`); 0 for one image.
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
        """Return whether the fields were laid out by an older rule: recorded fields of cells may be wrong.

        The first field has the same place by every rule.
        """
        from napari_bonemarrow.slides.pixels.mosaic import LAYOUT

        return len(self.fields) > 1 and self.layout != LAYOUT

    @property
    def is_nameless(self) -> bool:
        """Return whether no name of a file or folder is kept, since it may identify the patient."""
        return bool(self.name) and not self.path

    def without_names(self) -> SlideRecord:
        """Return the record with the slide's fingerprint as its name, and numbers as names of its fields."""
        fields = tuple(Field(str(number), field.region) for number, field in enumerate(self.fields, 1))
        return replace(self, name=self.fingerprint[:12], path="", relative=None, fields=fields)

    def to_json(self) -> SlidePayload:
        """Return the record as JSON."""
        value: SlidePayload = {
            "name": self.name,
            "path": self.path,
            "relative": self.relative,
            "fingerprint": self.fingerprint,
            "width": self.width,
            "height": self.height,
            "vendor": self.vendor,
            "slide": self.slide,
        }
        if self.fields:
            value["layout"] = self.layout
            regions = _regions_to_json(tuple(field.region for field in self.fields))
            value["fields"] = [[field.name, *box] for field, box in zip(self.fields, regions, strict=True)]
        return value

    @classmethod
    def from_json(cls, value: SlidePayload) -> SlideRecord:
        """Read a record back from JSON."""
        fields = tuple(Field(name, Region(*box)) for name, *box in value.get("fields", ()))
        return cls(
            value["name"],
            value["path"],
            value["relative"],
            value["fingerprint"],
            value["width"],
            value["height"],
            value["vendor"],
            value["slide"],
            fields,
            value.get("layout", _UNNUMBERED_LAYOUT if fields else 0),
        )


def scale_to_json(scale: Scale) -> ScalePayload:
    """Return a scale as JSON."""
    low, high = (None if bound is None else float(bound) for bound in (scale.low, scale.high))
    return {
        "microns_per_pixel": float(scale.microns_per_pixel),
        "source": scale.source.value,
        "low": low,
        "high": high,
        "basis": scale.basis,
    }


def scale_from_json(value: ScalePayload) -> Scale:
    """Read a scale back."""
    from napari_bonemarrow.slides import (
        Scale,
        ScaleSource,
    )  # loads scikit-image, which an empty window does not need

    source = ScaleSource(value["source"])
    return Scale(value["microns_per_pixel"], source, value["low"], value["high"], value["basis"])


def frame_to_json(frame: Frame, target: int) -> FramePayload:
    """Return a frame and its target as JSON."""
    value: FramePayload = {
        "regions": _regions_to_json(frame.regions),
        "margin_um": float(frame.margin_um),
        "width": int(frame.width),
        "height": int(frame.height),
        "target": target,
    }
    if frame.images:
        value["images"] = _regions_to_json(frame.images)
    return value


def frame_from_json(value: FramePayload) -> tuple[Frame, int]:
    """Read a frame and its target back."""
    regions = tuple(Region(*region) for region in value["regions"])
    images = tuple(Region(*region) for region in value.get("images", ()))
    frame = Frame(regions, value["margin_um"], value["width"], value["height"], images)
    return frame, int(value["target"])


def ranking_to_json(ranking: RegionRanking) -> RankingPayload:
    """Return a ranking as JSON."""
    return {
        "regions": _regions_to_json(ranking.regions),
        "scores": [float(score) for score in ranking.scores],
        "avoided": {reason: int(number) for reason, number in ranking.avoided.items()},
        "parameters": dict(ranking.parameters),
    }


def ranking_from_json(value: RankingPayload) -> RegionRanking:
    """Read a ranking back."""
    regions = tuple(Region(*region) for region in value["regions"])
    return RegionRanking(regions, tuple(value["scores"]), value["avoided"], value["parameters"])


def _regions_to_json(regions: tuple[Region, ...]) -> list[list[float]]:
    return [[float(v) for v in (r.x, r.y, r.width, r.height)] for r in regions]
