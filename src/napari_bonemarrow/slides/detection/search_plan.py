"""The plan of a search: the tiles of a slide to be searched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from napari_bonemarrow.cytology import Region
from napari_bonemarrow.slides.detection.stain_profile import StainProfile
from napari_bonemarrow.slides.pixels.photographs import photograph
from napari_bonemarrow.slides.pixels.working_grid import WORKING_MICRONS, working_box
from napari_bonemarrow.slides.slide import Slide, SlideError

TILE_UM = 256.0
"""Side of a tile, µm. Measured with the 30 µm margin: tiles of 384 and 512 µm took 1.3 and 1.7 times as long
on the same slide, as their arrays outgrow a core's cache, and twice the memory."""

RIM_UM = 10.0
"""Margin around a region that is also searched, so that a reviewer sees cells just outside."""

METHOD = 3
"""Version of the method, raised when the same slide and plan give other cells, so that the two are never
mixed."""

Box = tuple[int, int, int, int]
"""First row and column, and those after the last, working pixels."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile of a plan, with everything needed to search it.

    Attributes
    ----------
    number : int
        Number from 0, in the order of the plan's areas.
    core : Box
        Cells whose centre lies here belong to this tile; half-open, working pixels.
    image : Box
        The image around it, up to the photographed border, working pixels.
    profile : StainProfile or None
        Stain profile of that image; None in a plan that is only a layout.
    image_number : int
        Index in `Slide.images`; boxes are in that image's own working pixels.
    """

    number: int
    core: Box
    image: Box
    profile: StainProfile | None
    image_number: int = 0

    @property
    def area_mm2(self) -> float:
        """Return the area of the core, mm²."""
        i0, j0, i1, j1 = self.core
        return (i1 - i0) * (j1 - j0) * (WORKING_MICRONS / 1000) ** 2


@dataclass(frozen=True)
class DetectionPlan:
    """The tiles of a slide to be searched, with their stain profiles.

    Equal plans find the same cells, tile by tile. A plan is stored with its cells, so that an interrupted
    search can continue.

    Attributes
    ----------
    microns_per_pixel : float
        Scale of level 0.
    images : tuple of Box
        The searched images, up to their photographed borders, each in its own working pixels.
    areas : tuple of Box
        Areas to search, in order of preference, each within one image.
    area_images : tuple of int
        The image of each area.
    tile_px : int
        Approximate side of a tile, working pixels.
    profiles : tuple of StainProfile
        One per image; empty in a layout, which is made without reading pixels.
    method : int
        `METHOD` of the program that made it.
    image_numbers : tuple of int
        Index of each image in `Slide.images`.
    """

    microns_per_pixel: float
    images: tuple[Box, ...]
    areas: tuple[Box, ...]
    area_images: tuple[int, ...]
    tile_px: int
    profiles: tuple[StainProfile, ...] = ()
    method: int = METHOD
    image_numbers: tuple[int, ...] = (0,)

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """Return every tile, area by area, from top to bottom."""
        pieces = [
            (core, image)
            for area, image in zip(self.areas, self.area_images, strict=True)
            for core in _cut(area, self.tile_px)
        ]
        profiles = self.profiles or (None,) * len(self.images)
        return tuple(
            Tile(number, core, self.images[image], profiles[image], self.image_numbers[image])
            for number, (core, image) in enumerate(pieces)
        )

    def with_profiles(self, profiles: Sequence[StainProfile]) -> DetectionPlan:
        """Return the layout with the stain profiles of its images."""
        return replace(self, profiles=tuple(profiles))

    def continues(self, written: Mapping[str, Any]) -> DetectionPlan | None:
        """Return a stored plan if it was made from this layout."""
        try:
            before = DetectionPlan.from_json(written)
        except SlideError:
            return None
        return (
            before if before.profiles and replace(before, profiles=()) == replace(self, profiles=()) else None
        )

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON values, for `from_json`."""
        return {
            "microns_per_pixel": self.microns_per_pixel,
            "images": [[*box, which] for box, which in zip(self.images, self.image_numbers, strict=True)],
            "areas": [list(box) for box in self.areas],
            "area_images": list(self.area_images),
            "tile_px": self.tile_px,
            "profiles": [profile.to_json() for profile in self.profiles],
            "method": self.method,
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> DetectionPlan:
        """Return the plan of JSON values from `to_json`.

        Raises
        ------
        SlideError
            If it is not a plan.
        """
        try:
            plan = cls(
                float(written["microns_per_pixel"]),
                tuple(_box(box[:4]) for box in written["images"]),
                tuple(_box(box) for box in written["areas"]),
                tuple(int(image) for image in written["area_images"]),
                int(written["tile_px"]),
                tuple(StainProfile.from_json(profile) for profile in written["profiles"]),
                int(written["method"]),
                # Plans of older versions have no image numbers: they are of one image.
                tuple(int(box[4]) if len(box) > 4 else at for at, box in enumerate(written["images"])),
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise SlideError(f"plan of a search: cannot be read ({problem!r}); search again") from problem
        if len(plan.areas) != len(plan.area_images) or len(plan.profiles) not in (0, len(plan.images)):
            raise SlideError("plan of a search: its lists differ in length; search again")
        return plan


def _box(values: Sequence[int]) -> Box:
    i0, j0, i1, j1 = (int(value) for value in values)
    return i0, j0, i1, j1


def _cut(area: Box, side: int) -> Iterable[Box]:
    """Return an area cut into tiles of similar size."""
    i0, j0, i1, j1 = area
    rows, columns = (max(1, round(length / side)) for length in (i1 - i0, j1 - j0))
    for top, bottom in pairwise(i0 + (i1 - i0) * k // rows for k in range(rows + 1)):
        for left, right in pairwise(j0 + (j1 - j0) * k // columns for k in range(columns + 1)):
            yield top, left, bottom, right


def lay_out(
    slide: Slide, regions: Sequence[Region] | None = None, *, tile_um: float = TILE_UM
) -> DetectionPlan:
    """Return the tiles of the wanted regions of a slide, without reading it.

    Parameters
    ----------
    slide : Slide
        With a known scale.
    regions : sequence of Region, optional
        Regions to search, level-0 pixels, in order of preference; the whole slide by default.
    tile_um : float
        Approximate side of a tile. It changes the time for a tile, never its cells.

    Returns
    -------
    DetectionPlan
        Without profiles.

    Raises
    ------
    ScaleError
        If the slide's scale is unknown.
    """
    alone = [photograph(slide, number) for number in range(len(slide.images))]
    wholes = [Region(0, 0, each.width, each.height) for each in alone]
    images = [working_box(*pair) for pair in zip(alone, wholes, strict=True)]
    whole = Region(0, 0, slide.width, slide.height)
    wanted = [whole] if regions is None else list(regions)
    rim = RIM_UM / slide.known_scale()
    areas: list[Box] = []
    which: list[int] = []
    for region in wanted:
        grown = region.shrunk(-rim).within(whole)
        for index, image in enumerate(images):
            at = slide.images[index]
            shifted = Region(grown.x - at.x, grown.y - at.y, grown.width, grown.height)
            part = within(working_box(alone[index], shifted.within(wholes[index])), image)
            inside_another = any(
                within(part, area) == part for area, other in zip(areas, which, strict=True) if other == index
            )
            if part[0] < part[2] and part[1] < part[3] and not inside_another:
                areas.append(part)
                which.append(index)
    used = sorted(set(which))
    return DetectionPlan(
        slide.known_scale(),
        tuple(images[index] for index in used),
        tuple(areas),
        tuple(used.index(index) for index in which),
        max(1, round(tile_um / WORKING_MICRONS)),
        image_numbers=tuple(used),
    )


def within(box: Box, image: Box) -> Box:
    """Return the intersection of two boxes."""
    return max(box[0], image[0]), max(box[1], image[1]), min(box[2], image[2]), min(box[3], image[3])
