"""A folder of fields as one slide: the images side by side with a gap, each read on demand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Field, Region
from napari_bonemarrow.slides.file_scale import FileScale
from napari_bonemarrow.slides.pixels.colour import background_colour
from napari_bonemarrow.slides.pixels.tiled import BLANK, ReadTile, TiledLevel, TileError
from napari_bonemarrow.slides.slide import SlideError

LAYOUT = 2
"""Version of the layout, raised when fields move, so that older cases are recognised. Layout 1 left 40 µm
between fields, or a tenth of a field where the scale was unknown."""

_SAME_SCALE = 0.02
_TILE = 512
GAP_PX = _TILE
"""Least gap between fields, px. It does not depend on the scale, which may become known later. At the finest
plausible scale it is 5 µm, more than the distance between two centres of one cell; everything else around a
cell is read in its own field only (`photographs.photograph`)."""


@dataclass(frozen=True)
class FieldFile:
    """A field before it is decoded.

    Attributes
    ----------
    path : Path
    width, height : int
        Upright, px.
    scale : FileScale or None
    decode : callable
        Returns its pixels, uint8 of shape (height, width, 3); called from any thread.
    """

    path: Path
    width: int
    height: int
    scale: FileScale | None
    decode: Callable[[], NDArray[np.uint8]]


def shared_scale(fields: Sequence[FieldFile]) -> FileScale | None:
    """Return the common scale of all fields, None where one states none.

    Raises
    ------
    SlideError
        If two differ by more than 2 %.
    """
    stated = [(each, each.scale) for each in fields if each.scale is not None]
    if not stated:
        return None
    (finest, low), (coarsest, high) = (
        pick(stated, key=lambda pair: pair[1].microns_per_pixel) for pick in (min, max)
    )
    if high.microns_per_pixel > low.microns_per_pixel * (1 + _SAME_SCALE):
        raise SlideError(
            f"{finest.path.parent}: fields of different scales ({finest.path.name} "
            f"{low.microns_per_pixel:.4g}, {coarsest.path.name} {high.microns_per_pixel:.4g} µm per pixel) "
            "cannot be one slide; keep each magnification in a folder of its own"
        )
    return low if len(stated) == len(fields) else None


def lay_out(fields: Sequence[FieldFile]) -> tuple[Field, ...]:
    """Return fields in a nearly square grid, row by row in their order, from their sizes in pixels only.

    Parameters
    ----------
    fields : sequence of FieldFile

    Returns
    -------
    tuple of Field
        Fields with their regions, level-0 pixels.
    """
    columns = math.ceil(math.sqrt(len(fields)))
    lefts = _starts([max(each.width for each in fields[i::columns]) for i in range(columns)])
    rows = [fields[i : i + columns] for i in range(0, len(fields), columns)]
    tops = _starts([max(each.height for each in row) for row in rows])
    return tuple(
        Field(each.path.name, Region(lefts[i % columns], tops[i // columns], each.width, each.height))
        for i, each in enumerate(fields)
    )


def _starts(lengths: Sequence[int]) -> list[int]:
    """Return starts at tile edges, so that a field that fails leaves the others whole."""
    whole_tiles = [_TILE * -(-(length + GAP_PX) // _TILE) for length in lengths]
    return [0, *accumulate(whole_tiles)][:-1]


class Mosaic(TiledLevel):
    """Fields side by side on a canvas, half of each gap in the nearer field's background.

    Parameters
    ----------
    name : str
        The folder.
    sources : sequence of TiledLevel
        The fields, each one tile.
    boxes : sequence of (int, int, int, int)
        Left, top, right and bottom of each on the canvas, px.
    """

    def __init__(
        self, name: str, sources: Sequence[TiledLevel], boxes: Sequence[tuple[int, int, int, int]]
    ) -> None:
        self.sources = tuple(sources)
        height, width = max(box[3] for box in boxes), max(box[2] for box in boxes)
        painted = _Canvas(sources, boxes).tile(height, width)
        super().__init__(name, 0, (height, width), (_TILE, _TILE), painted)


def level(folder: Path, files: Sequence[FieldFile], fields: Sequence[Field]) -> Mosaic:
    """Return the level with fields side by side.

    Parameters
    ----------
    folder : Path
    files : sequence of FieldFile
    fields : sequence of Field
        Their places, in the same order.

    Returns
    -------
    Mosaic
    """
    sources = [
        TiledLevel(
            f"{folder.name}/{file.path.name}",
            0,
            (file.height, file.width),
            (file.height, file.width),
            _whole(file),
        )
        for file in files
    ]
    return Mosaic(folder.name, sources, [_box(each.region) for each in fields])


def _box(region: Region) -> tuple[int, int, int, int]:
    left, top = round(region.x), round(region.y)
    return left, top, left + round(region.width), top + round(region.height)


def _whole(file: FieldFile) -> ReadTile:
    return lambda row, column: file.decode()


class _Canvas:
    def __init__(self, sources: Sequence[TiledLevel], boxes: Sequence[tuple[int, int, int, int]]) -> None:
        self._sources, self._boxes = sources, boxes
        self._backgrounds: dict[int, NDArray[np.uint8]] = {}
        xs, ys = sorted({box[0] for box in boxes}), sorted({box[1] for box in boxes})
        # The gap is the least distance; half of it on each side belongs to the field.
        self._halves = (_half_gap(boxes, xs, 0), _half_gap(boxes, ys, 1))

    def tile(self, height: int, width: int) -> ReadTile:
        """Return the function that composes a tile of a canvas of this size."""

        def read_tile(row: int, column: int) -> NDArray[np.uint8]:
            top, left = row * _TILE, column * _TILE
            bottom, right = min(top + _TILE, height), min(left + _TILE, width)
            pixels = np.full((bottom - top, right - left, 3), BLANK, np.uint8)
            for number, box in enumerate(self._boxes):
                self._paint(pixels, (left, top, right, bottom), number, box)
            return pixels

        return read_tile

    def _paint(
        self,
        pixels: NDArray[np.uint8],
        tile: tuple[int, int, int, int],
        number: int,
        box: tuple[int, int, int, int],
    ) -> None:
        across, down = self._halves
        around = _common(tile, (box[0] - across, box[1] - down, box[2] + across, box[3] + down))
        if around is None:
            return
        inside = _common(tile, box)
        left, top = tile[:2]
        window = pixels[around[1] - top : around[3] - top, around[0] - left : around[2] - left]
        if inside is None:
            window[:] = self._background(number)
            return
        field = self._sources[number]
        shown = field[inside[1] - box[1] : inside[3] - box[1], inside[0] - box[0] : inside[2] - box[0]]
        if inside != around:
            window[:] = self._background(number)
        pixels[inside[1] - top : inside[3] - top, inside[0] - left : inside[2] - left] = shown

    def _background(self, number: int) -> NDArray[np.uint8]:
        """Return a field's background colour, white where the field cannot be read."""
        if number not in self._backgrounds:
            try:
                self._backgrounds[number] = background_colour(self._sources[number].tile(0, 0))
            except TileError:
                return np.full(3, BLANK, np.uint8)
        return self._backgrounds[number]


def _half_gap(boxes: Sequence[tuple[int, int, int, int]], starts: Sequence[int], axis: int) -> int:
    gaps = [start - max(box[axis + 2] for box in boxes if box[axis] < start) for start in starts[1:]]
    return min(gaps, default=0) // 2


def _common(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> tuple[int, int, int, int] | None:
    found = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return found if found[0] < found[2] and found[1] < found[3] else None
