"""Search a slide tile by tile: which tiles, and how their cells become one list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells, Frame, Region
from napari_bonemarrow.slides.finding import OpenSides, find_nuclei
from napari_bonemarrow.slides.profile import StainProfile
from napari_bonemarrow.slides.slide import Slide, SlideError
from napari_bonemarrow.slides.working import (
    BLOCK,
    WORKING_MICRONS,
    to_level_zero,
    working_box,
    working_image,
)

TILE_UM = 256.0
"""Side of a tile, µm. Measured: with the 30 µm that are looked at around it, tiles of 384 and 512 µm took
1.3 and 1.7 times as long on the same slide, as their arrays outgrow a core's cache, and twice the memory."""

HALO_UM = 30.0
"""What a tile sees around itself: more than a cell's width, so that no cell of its own is cut."""

RIM_UM = 10.0
"""How far around a wanted region cells are sought, so that a reviewer sees which lie just outside."""

METHOD = 2
"""Raised when the same slide and plan would give other cells, so that the two are never mixed."""

_FINEST = 2.0**-10
"""Centres are rounded to this part of a working pixel (0.25 nm), so that a position does not carry the
rounding of where its tile began."""

Box = tuple[int, int, int, int]
"""First row and column and the ones after the last, working pixels."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One piece of a plan, with all that it takes to search it.

    Attributes
    ----------
    number : int
        From 0, in the order of the plan's areas.
    core : Box
        Cells whose centre lies here belong to this tile; half-open, working pixels.
    image : Box
        The photographed border around it, working pixels.
    profile : StainProfile or None
        Of that image; None while the plan is but a layout.
    """

    number: int
    core: Box
    image: Box
    profile: StainProfile | None

    @property
    def area_mm2(self) -> float:
        """Area of the core, mm²."""
        i0, j0, i1, j1 = self.core
        return (i1 - i0) * (j1 - j0) * (WORKING_MICRONS / 1000) ** 2


@dataclass(frozen=True)
class DetectionPlan:
    """Which tiles of a slide are searched, and with what stain profile.

    Two plans that are equal find the same cells, tile by tile; so a plan is written down with what was
    found, and a search that was broken off goes on where it stopped.

    Attributes
    ----------
    microns_per_pixel : float
        Of level 0.
    images : tuple of Box
        The photographed borders of the images that are searched, working pixels.
    areas : tuple of Box
        Where cells are wanted, in order of preference, each within one image; `area_images` tells which.
    area_images : tuple of int
    tile_px : int
        About the side of a tile, working pixels.
    profiles : tuple of StainProfile
        One an image; empty while the plan is but a layout, which costs no reading of pixels.
    method : int
        `METHOD` of the program that made it.
    """

    microns_per_pixel: float
    images: tuple[Box, ...]
    areas: tuple[Box, ...]
    area_images: tuple[int, ...]
    tile_px: int
    profiles: tuple[StainProfile, ...] = ()
    method: int = METHOD

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """Every tile, area by area, from top to bottom."""
        pieces = [
            (core, image)
            for area, image in zip(self.areas, self.area_images, strict=True)
            for core in _cut(area, self.tile_px)
        ]
        return tuple(
            Tile(number, core, self.images[image], self.profiles[image] if self.profiles else None)
            for number, (core, image) in enumerate(pieces)
        )

    def with_profiles(self, profiles: Sequence[StainProfile]) -> DetectionPlan:
        """Return the plan that a layout becomes once the stain of its images is measured."""
        return replace(self, profiles=tuple(profiles))

    def continues(self, written: Mapping[str, Any]) -> DetectionPlan | None:
        """Return a plan that was written down earlier, if this is the layout that it was made of."""
        try:
            before = DetectionPlan.from_json(written)
        except SlideError:
            return None
        return (
            before if before.profiles and replace(before, profiles=()) == replace(self, profiles=()) else None
        )

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads: plain lists and numbers."""
        return {
            "microns_per_pixel": self.microns_per_pixel,
            "images": [list(box) for box in self.images],
            "areas": [list(box) for box in self.areas],
            "area_images": list(self.area_images),
            "tile_px": self.tile_px,
            "profiles": [profile.to_json() for profile in self.profiles],
            "method": self.method,
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> DetectionPlan:
        """Read what `to_json` wrote.

        Raises
        ------
        SlideError
            Where it is no plan.
        """
        try:
            plan = cls(
                float(written["microns_per_pixel"]),
                tuple(_box(box) for box in written["images"]),
                tuple(_box(box) for box in written["areas"]),
                tuple(int(image) for image in written["area_images"]),
                int(written["tile_px"]),
                tuple(StainProfile.from_json(profile) for profile in written["profiles"]),
                int(written["method"]),
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise SlideError(f"plan of a search: cannot be read ({problem!r}); search anew") from problem
        if len(plan.areas) != len(plan.area_images) or len(plan.profiles) not in (0, len(plan.images)):
            raise SlideError("plan of a search: its lists differ in length; search anew")
        return plan


def _box(values: Sequence[int]) -> Box:
    i0, j0, i1, j1 = (int(value) for value in values)
    return i0, j0, i1, j1


def _cut(area: Box, side: int) -> Iterable[Box]:
    """Cut an area into tiles of about one size."""
    i0, j0, i1, j1 = area
    rows, columns = (max(1, round(length / side)) for length in (i1 - i0, j1 - j0))
    for top, bottom in pairwise(i0 + (i1 - i0) * k // rows for k in range(rows + 1)):
        for left, right in pairwise(j0 + (j1 - j0) * k // columns for k in range(columns + 1)):
            yield top, left, bottom, right


def lay_out(
    slide: Slide, regions: Sequence[Region] | None = None, *, tile_um: float = TILE_UM
) -> DetectionPlan:
    """Cut what is wanted of a slide into tiles, without reading it.

    Parameters
    ----------
    slide : Slide
        With a known scale.
    regions : sequence of Region, optional
        Where cells are wanted, level-0 pixels, in order of preference; the whole slide by default.
    tile_um : float
        About the side of a tile. It changes how long a tile takes, never what is found.

    Returns
    -------
    DetectionPlan
        Without profiles.

    Raises
    ------
    ScaleError
        Where the slide's scale is unknown.
    """
    images = [working_box(slide, image) for image in slide.images]
    whole = Region(0, 0, slide.width, slide.height)
    wanted = [whole] if regions is None else list(regions)
    rim = RIM_UM / slide.known_scale()
    areas: list[Box] = []
    which: list[int] = []
    for region in wanted:
        box = working_box(slide, region.shrunk(-rim).within(whole))
        for index, image in enumerate(images):
            part = _within(box, image)
            inside_another = any(_within(part, area) == part for area in areas)
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
    )


def _within(box: Box, image: Box) -> Box:
    return max(box[0], image[0]), max(box[1], image[1]), min(box[2], image[2]), min(box[3], image[3])


def search_tile(slide: Slide, tile: Tile) -> Cells:
    """Find the cells whose centre lies in a tile's core.

    A tile in which nothing is stained is not read.

    Parameters
    ----------
    slide : Slide
        With a known scale.
    tile : Tile
        Of a plan with profiles.

    Returns
    -------
    Cells
        Numbered from 1 and not yet marked as in the frame.

    Raises
    ------
    TileError
        Where a tile of the file cannot be read.
    """
    # scipy.ndimage takes half a second to import, which opening a slide need not wait for.
    from napari_bonemarrow.slides.blank import blocks_at, stained_blocks

    stained = stained_blocks(slide)
    if tile.profile is None:
        raise ValueError("this plan is but a layout: measure the stain of its images first")
    if stained is not None and not stained[_blocks(tile.core)].any():
        return Cells.empty()
    halo = round(HALO_UM / WORKING_MICRONS)
    i0, j0, i1, j1 = tile.core
    image = tile.image
    around = _within((i0 - halo, j0 - halo, i1 + halo, j1 + halo), image)
    open_sides = OpenSides(
        around[1] > image[1], around[0] > image[0], around[3] < image[3], around[2] < image[2]
    )
    nuclei = find_nuclei(working_image(slide, *around), tile.profile, open_sides)
    x = np.rint(nuclei.x / _FINEST) * _FINEST + around[1]
    y = np.rint(nuclei.y / _FINEST) * _FINEST + around[0]
    # Centres of pixels are whole numbers, so that a tile's first pixel begins half a pixel before it.
    inside = (x >= j0 - 0.5) & (x < j1 - 0.5) & (y >= i0 - 0.5) & (y < i1 - 0.5)
    if stained is not None:
        inside &= stained[blocks_at(x, y)]
    return _numbered(
        to_level_zero(slide, x[inside]),
        to_level_zero(slide, y[inside]),
        nuclei.diameter_um[inside],
        nuclei.score[inside],
    )


def _blocks(core: Box) -> tuple[slice, slice]:
    """Return the blocks that a box meets."""
    return slice(core[0] // BLOCK, -(-core[2] // BLOCK)), slice(core[1] // BLOCK, -(-core[3] // BLOCK))


def stained_tiles(slide: Slide, plan: DetectionPlan) -> tuple[int, ...]:
    """Return the numbers of the tiles that have to be read; in the others there is nothing stained."""
    from napari_bonemarrow.slides.blank import stained_blocks

    stained = stained_blocks(slide)
    return tuple(tile.number for tile in plan.tiles if stained is None or stained[_blocks(tile.core)].any())


def _numbered(
    x: NDArray[np.float64], y: NDArray[np.float64], diameter: NDArray[Any], score: NDArray[Any]
) -> Cells:
    order = np.lexsort((x, y))
    return Cells(
        np.arange(1, len(order) + 1, dtype=np.int64),
        x[order],
        y[order],
        diameter[order].astype(np.float32),
        score[order].astype(np.float32),
        np.ones(len(order), bool),
    )


def merge_tiles(found: Iterable[Cells], frame: Frame, microns_per_pixel: float) -> Cells:
    """Make one list of the cells of several tiles.

    A cell that two areas share is the same to the last digit, and is kept once.

    Parameters
    ----------
    found : iterable of Cells
        In any order.
    frame : Frame
        Tells which cells count.
    microns_per_pixel : float
        Of level 0.

    Returns
    -------
    Cells
        Numbered from 1, from top to bottom.
    """
    parts = list(found) or [Cells.empty()]
    x, y = (np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "y"))
    diameter = np.concatenate([part.diameter_um for part in parts])
    score = np.concatenate([part.score for part in parts])
    _, first = np.unique(np.stack([y, x]), axis=1, return_index=True)
    cells = _numbered(x[first], y[first], diameter[first], score[first])
    inside = frame.contains(cells.x, cells.y, microns_per_pixel)
    return Cells(cells.cell_id, cells.x, cells.y, cells.diameter_um, cells.score, inside)
