"""Whole slides read by OpenSlide: SVS, NDPI, MIRAX, SCN, BIF, Philips, Trestle, CZI, DICOM and others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.file_scale import from_sizes
from napari_bonemarrow.slides.formats.colour_modes import over_white
from napari_bonemarrow.slides.formats.limits import PIECE_BYTES, check_extent
from napari_bonemarrow.slides.formats.opened_image import Opened
from napari_bonemarrow.slides.formats.openslide.openslide_process import ReadingError, readers
from napari_bonemarrow.slides.library_messages import reason
from napari_bonemarrow.slides.pixels.extra_levels import belongs
from napari_bonemarrow.slides.pixels.tiled import ReadTile, TiledLevel
from napari_bonemarrow.slides.slide import SlideError

_TILE = 512
"""Side of a tile where the file states none (MIRAX, some NDPI): px."""
_LARGEST_TILE = 2048
_MOST_PIXELS = PIECE_BYTES
"""Largest tile of a file in px, which OpenSlide decodes as a whole, four bytes each: 256 MB."""

GENERIC = "generic-tiff"
"""OpenSlide's name for a tiled TIFF of an unknown scanner, which is read without OpenSlide."""


NEEDED = "needs OpenSlide: pip install openslide-python openslide-bin"


class DamagedError(SlideError):
    """A slide in a known format with damaged or missing parts."""


def is_installed() -> bool:
    """Return whether OpenSlide can be used."""
    try:
        _ask("vendor", path=__file__)
    except (ImportError, ReadingError):
        return False
    return True


def vendor_of(path: Path) -> str | None:
    """Return the scanner's format, None where OpenSlide does not know it or is not installed."""
    try:
        vendor = _ask("vendor", path=str(path))[0]["vendor"]
    except (ImportError, ReadingError):
        return None
    return None if vendor is None else str(vendor)


def _ask(do: str, **request: Any) -> tuple[dict[str, Any], bytes]:
    return readers.ask(do, **request)


def read(path: Path) -> Opened:
    """Return a slide's levels. Its label, macro image and free text are never read.

    Parameters
    ----------
    path : Path
        The file, any one in a DICOM series.

    Returns
    -------
    Opened

    Raises
    ------
    DamagedError
        If parts of it are damaged or missing.
    SlideError
        If OpenSlide is not installed or does not read this kind of slide.
    """
    handle = _Handle(path)
    try:
        told = handle.open()
    except ImportError as error:
        raise SlideError(f"{path}: is a whole slide, which {NEEDED}") from error
    except ReadingError as error:
        raise _refusal(path, error) from error
    values: Mapping[str, str] = told["properties"]
    vendor = str(values.get("openslide.vendor", "openslide"))
    levels = _levels(path, handle, told["levels"], told["downsamples"], values)
    properties = {"format": vendor, "levels in file": str(len(told["levels"]))}
    power = _number(values, "openslide.objective-power")
    if power > 0:
        properties["objective"] = f"{power:g}"
    scale = from_sizes(
        _number(values, "openslide.mpp-x"), _number(values, "openslide.mpp-y"), f"{vendor} pixel size"
    )
    return Opened(levels, scale, vendor, properties)


def _refusal(path: Path, error: ReadingError) -> SlideError:
    """Return the reason why OpenSlide cannot open a slide, one line without quoted texts of the file."""
    why = reason(error, path)
    if error.kind == "openslide" and "support" in why.lower():  # pixels or a compression
        return SlideError(f"{path}: OpenSlide cannot read it ({why}); export it as a tiled TIFF or OME-TIFF")
    return DamagedError(f"{path}: the slide is damaged or incomplete ({why}); copy it again")


def _number(told: Mapping[str, str], name: str) -> float:
    try:
        return float(told.get(name, "nan").replace(",", "."))
    except ValueError:
        return float("nan")


def _levels(
    path: Path,
    handle: _Handle,
    sizes: Sequence[Sequence[int]],
    downsamples: Sequence[float],
    told: Mapping[str, str],
) -> tuple[TiledLevel, ...]:
    levels: list[TiledLevel] = []
    if not sizes or any(min(size) < 1 for size in sizes):
        raise DamagedError(f"{path}: the slide is damaged or incomplete (it has no pixels); copy it again")
    width0, height0 = sizes[0]
    check_extent(path, width0, height0)
    finer = width0 + 1
    for number, (width, height) in enumerate(sizes):
        if number and not belongs(width, height, width0, height0, finer):
            continue
        finer = width
        sides = [
            int(_number(told, f"openslide.level[{number}].tile-{side}") or 0)
            if f"openslide.level[{number}].tile-{side}" in told
            else _TILE
            for side in ("height", "width")
        ]
        if sides[0] * sides[1] > _MOST_PIXELS:  # out of memory, OpenSlide would end the process
            raise SlideError(
                f"{path}: level {number} is in pieces of {sides[1]}×{sides[0]} px, which cannot be read in "
                "parts; copy it again, or export it as a tiled TIFF"
            )
        tile = (_tile_side(sides[0], height), _tile_side(sides[1], width))
        read_tile = _tile_reader(handle, number, (height, width), tile, float(downsamples[number]))
        levels.append(TiledLevel(path.name, len(levels), (height, width), tile, read_tile))
    return tuple(levels)


def _tile_side(stated: int, length: int) -> int:
    """Return the file's tile side, unless it is useless (strips of one row, an image in one piece)."""
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
    """A slide that is open in the reading processes; safe for several threads."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._number = readers.number_for(self)

    def open(self) -> dict[str, Any]:
        """Return levels and properties."""
        return _ask("open", path=self._path, number=self._number)[0]

    def read(self, place: tuple[int, int], level: int, size: tuple[int, int]) -> NDArray[np.uint8]:
        """Read a region; what was not scanned is white.

        OpenSlide takes positions in level-0 pixels, which seldom match a level's pixels, so the last row or
        column of a level can be covered in part. It is not lighter, so alpha selects and does not mix.
        """
        try:
            _answer, data = _ask(
                "read", path=self._path, number=self._number, place=place, level=level, size=size
            )
        except ReadingError as error:
            raise ValueError(reason(error, Path(self._path))) from None
        rgba = np.frombuffer(data, np.uint8).reshape(size[1], size[0], 4)
        return over_white(rgba[..., :3], np.where(rgba[..., 3] >= 128, np.uint8(255), np.uint8(0)))
