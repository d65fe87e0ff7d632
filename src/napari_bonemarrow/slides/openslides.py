"""Whole slides that OpenSlide reads: SVS, NDPI, MIRAX, SCN, BIF, Philips, Trestle, CZI, DICOM and others."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.opened import Opened
from napari_bonemarrow.slides.pixels import over_white
from napari_bonemarrow.slides.scales import from_sizes
from napari_bonemarrow.slides.slide import SlideError
from napari_bonemarrow.slides.tiled import ReadTile, TiledLevel
from napari_bonemarrow.slides.virtual import belongs

if TYPE_CHECKING:
    from openslide import OpenSlide

_TILE = 512
"""Side of a tile where the file does not say its own (MIRAX, some NDPI): px."""
_LARGEST_TILE = 2048
_MOST_PIXELS = 2**28
"""Of the file's own tiles, which OpenSlide decodes as a whole: 1 GiB."""

_QUOTED = re.compile(r"[“\"‘][^”\"’]*[”\"’]?")
"""Lines and values of the file's own texts, which OpenSlide quotes where it cannot read them."""

GENERIC = "generic-tiff"
"""How OpenSlide calls a tiled TIFF of no known scanner, which is read without it."""


NEEDED = "needs OpenSlide: pip install openslide-python openslide-bin"


class DamagedError(SlideError):
    """A slide that OpenSlide knows and whose parts are damaged or missing."""


def is_installed() -> bool:
    """Tell whether OpenSlide can be used."""
    try:
        _library()
    except ImportError:
        return False
    return True


def vendor_of(path: Path) -> str | None:
    """Name the scanner's format, or None where OpenSlide does not know it or is not installed."""
    try:
        vendor = _library().OpenSlide.detect_format(path)
    except ImportError:
        return None
    return None if vendor is None else str(vendor)


def read(path: Path) -> Opened:
    """Open a slide's levels. Its label, macro image and free text are never touched.

    Parameters
    ----------
    path : Path
        The file; of a DICOM series any one.

    Returns
    -------
    Opened

    Raises
    ------
    DamagedError
        Where parts of it are damaged or missing.
    SlideError
        Where OpenSlide is not installed, or does not read slides of that kind.
    """
    try:
        library = _library()
    except ImportError as error:
        raise SlideError(f"{path}: is a whole slide, which {NEEDED}") from error
    try:
        handle = _Handle(path)
        slide = handle.slide
    except library.OpenSlideError as error:
        missing = _lacking(path, vendor_of(path) or "")
        if missing:
            raise SlideError(missing[0]) from error
        reason = _QUOTED.sub("…", " ".join(str(error).split()))[:160]
        known = not isinstance(error, library.OpenSlideUnsupportedFormatError)
        if known and "support" in reason.lower():  # pixels or a compression that OpenSlide does not read
            raise SlideError(
                f"{path}: OpenSlide cannot read it ({reason}); export it as a tiled TIFF or OME-TIFF"
            ) from error
        raise DamagedError(f"{path}: the slide is damaged or incomplete ({reason}); copy it again") from error
    told: Mapping[str, str] = slide.properties
    vendor = str(told.get("openslide.vendor", "openslide"))
    levels = _levels(path, handle, slide)
    properties = {"format": vendor, "levels in file": str(slide.level_count)}
    power = _number(told, "openslide.objective-power")
    if power > 0:
        properties["objective"] = f"{power:g}"
    scale = from_sizes(
        _number(told, "openslide.mpp-x"), _number(told, "openslide.mpp-y"), f"{vendor} pixel size"
    )
    return Opened(levels, scale, vendor, properties, warnings=_lacking(path, vendor))


def _lacking(path: Path, vendor: str) -> tuple[str, ...]:
    """Say what is missing of a slide of several files, where they tell."""
    if vendor != "dicom":
        return ()
    from napari_bonemarrow.slides.dicom_series import lacking

    return lacking(path)


def _library() -> ModuleType:
    """Import OpenSlide where it is used: its wrapper without its library raises too."""
    try:
        import openslide
    except (ImportError, OSError) as error:
        raise ImportError(str(error)) from error
    module: ModuleType = openslide
    return module


def _number(told: Mapping[str, str], name: str) -> float:
    try:
        return float(told.get(name, "nan").replace(",", "."))
    except ValueError:
        return float("nan")


def _levels(path: Path, handle: _Handle, slide: OpenSlide) -> tuple[TiledLevel, ...]:
    levels: list[TiledLevel] = []
    width0, height0 = slide.level_dimensions[0]
    finer = width0 + 1
    for number, (width, height) in enumerate(slide.level_dimensions):
        if number and not belongs(width, height, width0, height0, finer):
            continue
        finer = width
        sides = [
            int(_number(slide.properties, f"openslide.level[{number}].tile-{side}") or 0)
            if f"openslide.level[{number}].tile-{side}" in slide.properties
            else _TILE
            for side in ("height", "width")
        ]
        if sides[0] * sides[1] > _MOST_PIXELS:  # OpenSlide would end the process for want of memory
            raise SlideError(
                f"{path}: level {number} is in pieces of {sides[1]}×{sides[0]} px, which cannot be read in "
                "parts; copy it again, or export it as a tiled TIFF"
            )
        tile = (_tile_side(sides[0], height), _tile_side(sides[1], width))
        read_tile = _tile_reader(
            handle, number, (height, width), tile, float(slide.level_downsamples[number])
        )
        levels.append(TiledLevel(path.name, len(levels), (height, width), tile, read_tile))
    return tuple(levels)


def _tile_side(stated: int, length: int) -> int:
    """Take the file's own tile, unless it is as good as none (strips of one row, an image in one piece)."""
    side = stated if 64 <= stated <= _LARGEST_TILE else _TILE
    return min(side, length)


def _tile_reader(
    handle: _Handle, number: int, shape: tuple[int, int], tile: tuple[int, int], downsample: float
) -> ReadTile:
    def read_tile(row: int, column: int) -> NDArray[np.uint8]:
        top, left = row * tile[0], column * tile[1]
        size = (min(tile[1], shape[1] - left), min(tile[0], shape[0] - top))
        return handle.read((round(left * downsample), round(top * downsample)), number, size)

    return read_tile


class _Handle:
    """An open slide for several threads, opened again where it failed.

    OpenSlide reads from any thread, but after its first error a handle fails for good, also for threads
    that ask for other tiles. What failed is therefore read once more through a handle of its own: it
    succeeds where another thread's tile, or a network drive that is back, was to blame.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._library = _library()
        self._lock = threading.Lock()
        self._slide: OpenSlide | None = self._library.OpenSlide(path)

    @property
    def slide(self) -> OpenSlide:
        """The handle that is shared by all threads, opened if need be."""
        with self._lock:
            if self._slide is None:
                self._slide = self._open()
            return self._slide

    def read(self, place: tuple[int, int], level: int, size: tuple[int, int]) -> NDArray[np.uint8]:
        shared = self.slide
        try:
            return _rgb(shared, place, level, size)
        except self._library.OpenSlideError:
            self._forget(shared)
        own = self._open()
        pixels = _rgb(own, place, level, size)
        with self._lock:
            self._slide = self._slide or own
        return pixels

    def _forget(self, failed: OpenSlide) -> None:
        with self._lock:
            if self._slide is failed:
                self._slide = None

    def _open(self) -> OpenSlide:
        with self._path.open(
            "rb"
        ) as file:  # says what is wrong with a disk or network, which OpenSlide does not
            file.read(1)
        slide: OpenSlide = self._library.OpenSlide(self._path)
        return slide


def _rgb(slide: OpenSlide, place: tuple[int, int], level: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Read a region; what was not scanned is white.

    A level's pixels seldom lie on whole pixels of level 0, by which OpenSlide is asked: the last row or
    column of a level is then covered in part. It is no lighter for that, so alpha decides and does not mix.
    """
    rgba = np.asarray(slide.read_region(place, level, size))
    return over_white(rgba[..., :3], np.where(rgba[..., 3] >= 128, np.uint8(255), np.uint8(0)))
