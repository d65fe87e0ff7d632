"""Levels of tiled or very large TIFF and OME-TIFF, decoded a tile or a strip at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_bonemarrow.slides.formats.colour_modes import significant_bits
from napari_bonemarrow.slides.formats.limits import PIECE_BYTES, check_extent
from napari_bonemarrow.slides.formats.opened_image import Opened
from napari_bonemarrow.slides.formats.reopening_file import FileBytes
from napari_bonemarrow.slides.formats.tiff import tiff_image, tiff_pieces
from napari_bonemarrow.slides.pixels.extra_levels import belongs
from napari_bonemarrow.slides.pixels.tiled import BLANK, ReadTile, TiledLevel
from napari_bonemarrow.slides.slide import SlideError

_RAW_TILE = 512
_SAMPLED_TILES = 16


def pages_of(series: tifffile.TiffPageSeries) -> list[list[Any]]:
    """Return the levels of a series that show the same image, finest first, each as one or three pages."""
    found: list[list[Any]] = []
    first = series.keyframe
    finer = int(first.imagewidth) + 1
    for level in series.levels:
        page = level.keyframe
        width, height = int(page.imagewidth), int(page.imagelength)
        if not found or belongs(width, height, int(first.imagewidth), int(first.imagelength), finer):
            found.append(tiff_image.colour_planes(level) or [page])
            finer = width
    return found


def is_pyramid(levels: Sequence[Sequence[Any]]) -> bool:
    """Return whether levels can be read a tile at a time."""
    return len(levels) > 1 and bool(levels[0][0].is_tiled)


def read(file: tifffile.TiffFile, levels: Sequence[Sequence[Any]], path: Path) -> Opened:
    """Return a TIFF's levels for lazy reading.

    Parameters
    ----------
    file : tifffile.TiffFile
        It may be closed afterwards.
    levels : sequence of sequence of pages
        As `pages_of` lists them.
    path : Path

    Returns
    -------
    Opened

    Raises
    ------
    SlideError
        If a level is one compressed piece too large to decode, or its compression has no decoder.
    """
    first = levels[0][0]
    width, height = int(first.imagewidth), int(first.imagelength)
    check_extent(path, width, height)
    source = FileBytes(path)
    readers = [_Pieces(path, source, pages) for pages in levels]
    check_extent(path, width, height, path.stat().st_size)
    if first.dtype != np.uint8:
        bits = readers[-1].measure_bits()
        for each in readers:
            each.bits = bits
    tiled = tuple(
        TiledLevel(path.name, index, each.shape, each.tile, each.reader())
        for index, each in enumerate(readers)
    )
    properties = {**tiff_image.facts(file, levels[0][0]), "levels in file": str(len(levels))}
    return Opened(tiled, tiff_image.scale_of(file, levels[0][0]), "tiff", properties)


class _Pieces:
    """The tiles or strips of one level, with the places of their bytes and the conversion to RGB."""

    def __init__(self, path: Path, source: FileBytes, pages: Sequence[Any]) -> None:
        self.source = source
        self.page = page = pages[0].keyframe
        tiff_image.check_decoder(page, path)
        self.shape = (int(page.imagelength), int(page.imagewidth))
        self.bits: int | None = None
        # Made while the file is open: for JPEG tifffile reads the first tile.
        self.decoder = page.decode
        # Pages of later channels share the first one's decoder and tables, not its offsets.
        self.places = [tuple(zip(each.dataoffsets, each.databytecounts, strict=True)) for each in pages]
        self.separate = (
            tiff_image.name_of(page.planarconfig) in ("SEPARATE", "2") and page.samplesperpixel > 1
        )
        whole = self.shape[1], int(page.rowsperstrip)
        width, height = (page.tilewidth, page.tilelength) if page.is_tiled else whole
        self.tile = (min(int(height), self.shape[0]), int(width) if page.is_tiled else self.shape[1])
        self.raw = False
        if _piece_bytes(page, self.tile) > PIECE_BYTES:
            self.raw = _is_raw(page) and len(pages) == 1
            if not self.raw:
                raise SlideError(
                    f"{path}: {self.shape[1]}×{self.shape[0]} px in pieces of {self.tile[1]}×{self.tile[0]} "
                    "px cannot be read in parts; export it as a tiled TIFF"
                )
            self.strip, self.tile = self.tile[0], (_RAW_TILE, _RAW_TILE)
        self.across = -(-self.shape[1] // self.tile[1])
        self.down = -(-self.shape[0] // self.tile[0])

    def reader(self) -> ReadTile:
        """Return the function that reads a tile as RGB."""
        return self._read_raw if self.raw else self._read

    def measure_bits(self) -> int:
        """Return the bits of the brightest sample in evenly spread tiles, which hold for every tile."""
        count = self.across * self.down
        if self.raw:
            return 8
        places = sorted({count * i // _SAMPLED_TILES for i in range(_SAMPLED_TILES)})
        return max(significant_bits(self._samples(place)) for place in places)

    def _read(self, row: int, column: int) -> NDArray[np.uint8]:
        place = row * self.across + column
        if all(count == 0 for places in self.places for _, count in places[place : place + 1]):
            return np.full((*self.tile, 3), BLANK, np.uint8)  # never scanned, left out by the writer
        return tiff_image.samples_to_rgb(self.page, self._samples(place), self.bits)

    def _samples(self, place: int) -> NDArray[Any]:
        """Return a tile with every plane and channel: shape (h, w) or (h, w, samples)."""
        step = self.across * self.down
        number = int(self.page.samplesperpixel) if self.separate else 1
        wanted = [(places, place + step * k) for places in self.places for k in range(number)]
        parts = [self._decode(places[index], index) for places, index in wanted]
        return parts[0] if len(parts) == 1 else np.stack([part[..., 0] for part in parts], axis=-1)

    def _decode(self, where: tuple[int, int], index: int) -> NDArray[Any]:
        extra: dict[str, Any] = {}
        if int(self.page.compression) in (6, 7, 33007, 34892):  # JPEG stores its tables separately
            extra = {"jpegtables": self.page.jpegtables, "jpegheader": self.page.jpegheader}
        data = self.source.read(*where) if where[1] else b""
        if not data:
            raise ValueError("part of its image data is missing")
        tiff_pieces.check(self.page, data)
        decoded, _, shape = self.decoder(data, index, **extra)
        if decoded is None:
            raise ValueError("part of its image data is missing")
        return np.asarray(decoded)[0, : shape[1], : shape[2]]

    def _read_raw(self, row: int, column: int) -> NDArray[np.uint8]:
        """Return a square of uncompressed strips, row by row."""
        height, width = self.shape
        top, left = row * self.tile[0], column * self.tile[1]
        samples = int(self.page.samplesperpixel)
        right = min(left + self.tile[1], width)
        rows = []
        for y in range(top, min(top + self.tile[0], height)):
            start = self.places[0][y // self.strip][0] + ((y % self.strip) * width + left) * samples
            rows.append(self.source.read(start, (right - left) * samples))
        pixels = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), right - left, samples)
        return tiff_image.samples_to_rgb(self.page, pixels, None)


def _piece_bytes(page: Any, tile: tuple[int, int]) -> int:
    samples = max(1, int(page.samplesperpixel)) * max(1, int(page.tiledepth or 1))
    return math.prod(tile) * samples * int(page.dtype.itemsize)


def _is_raw(page: Any) -> bool:
    return (
        int(page.compression) == 1
        and page.dtype == np.uint8
        and int(page.bitspersample) == 8
        and tiff_image.name_of(page.planarconfig) in ("CONTIG", "1")
        and int(page.fillorder) == 1
        and not page.is_tiled
    )
