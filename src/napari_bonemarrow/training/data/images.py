"""Crops from files and cases, at one scale and size (no torch)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.models.crops import fit_crop
from napari_bonemarrow.review import SUFFIX
from napari_bonemarrow.slides import Slide, cut_crops, open_slide
from napari_bonemarrow.system.cores import usable_cores
from napari_bonemarrow.training.data.case_crops import CaseCells, read_cases
from napari_bonemarrow.training.data.crop_index import Source

_PLAIN = frozenset({"RGB", "L", "1", "P", "CMYK", "YCbCr"})
_AT_ONCE = 256
_DAMAGED = 10.0  # of 255

T = TypeVar("T")


def read_image(
    source: Source, file: Path, size: int, microns_per_pixel: float | None = None
) -> NDArray[np.uint8] | None:
    """Return one crop of a source at a scale.

    Parameters
    ----------
    source : Source
    file : Path
        One of its files.
    size : int
        Wanted side, px.
    microns_per_pixel : float, optional
        Wanted scale. A file of known scale is resampled to it; others stay unchanged.

    Returns
    -------
    ndarray of uint8, shape (size, size, 3), or None
        None where it cannot be decoded.
    """
    if file.parent.suffix == SUFFIX:
        return _cut_cell(file, size, microns_per_pixel or 0.1)
    own = source.scale_of(file)
    return read_crop(file, size, own / microns_per_pixel if own and microns_per_pixel else 1.0)


def read_crop(file: Path, size: int, enlarge: float = 1.0) -> NDArray[np.uint8] | None:
    """Return one crop as RGB at the given side, None where it cannot be decoded.

    Parameters
    ----------
    file : Path
        Any mode and depth; transparency becomes white.
    size : int
        Wanted side, px; larger images are cut to their centre, smaller ones padded with the median of
        their border.
    enlarge : float
        Resample by this factor first.
    """
    rgb = read_rgb(file)
    if rgb is None:
        return None
    return fit_crop(_resampled(rgb, enlarge), size)


def read_rgb(file: Path) -> NDArray[np.uint8] | None:
    """Return an image of any mode and depth as RGB, None where it cannot be decoded."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            if image.mode in _PLAIN and "transparency" not in image.info:
                return np.asarray(image.convert("RGB"))
    except UnidentifiedImageError:
        if file.suffix.lower() not in (".tif", ".tiff"):
            return None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return _read_unusual(file)


def looks_damaged(rgb: NDArray[np.uint8]) -> bool:
    """Return whether a JPEG has a bit error, which shifts all blocks from some row of 8 px on.

    Decoders report no error. The step between two rows of blocks is compared with the steps one row above
    and below, averaged over the columns. On eight damaged crops it was 15 to 143 levels greater, on 4,500
    intact ones at most 6; the threshold is 10.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (h, w, 3)
        The whole image of the file.
    """
    steps = np.abs(np.diff(rgb.astype(np.int16), axis=0)).max(axis=2)
    borders = np.arange(8, rgb.shape[0] - 2, 8)
    if not len(borders):
        return False
    beside = np.maximum(steps[borders - 2], steps[borders])
    return bool((steps[borders - 1] - beside).mean(axis=1).max() > _DAMAGED)


def _read_unusual(file: Path) -> NDArray[np.uint8] | None:
    """Return an image of more than 8 bits, with transparency, or a TIFF unknown to Pillow."""
    from napari_bonemarrow.cytology import BoneMarrowError

    try:
        return np.asarray(open_slide(file).levels[0])
    except BoneMarrowError:
        return None


def _resampled(rgb: NDArray[np.uint8], enlarge: float) -> NDArray[np.uint8]:
    from PIL import Image

    if abs(enlarge - 1) < 0.005:  # less than a pixel over a cell
        return rgb
    height, width = (max(1, round(side * enlarge)) for side in rgb.shape[:2])
    kernel = Image.Resampling.HAMMING if enlarge < 1 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(rgb).resize((width, height), kernel))


@lru_cache(maxsize=4)
def _opened(case: Path, _changed: int) -> tuple[CaseCells, Slide]:
    cells = read_cases([case]).cases[0]
    return cells, open_slide(cells.slide).with_scale(cells.scale)


def _cut_cell(file: Path, size: int, microns_per_pixel: float) -> NDArray[np.uint8]:
    cells, slide = _opened(file.parent, file.parent.stat().st_mtime_ns)
    row = int(np.flatnonzero(cells.cell_id == int(file.name))[0])
    where = slice(row, row + 1)
    crops = cut_crops(slide, cells.x[where], cells.y[where], microns_per_pixel=microns_per_pixel, size=size)
    crop: NDArray[np.uint8] = crops[0]
    return crop


def in_order(read: Callable[[int], T], count: int) -> Iterator[T]:
    """Yield a reader's results for 0, 1, 2, … in order, from several threads.

    Decoders release the interpreter's lock, so this scales with the cores; a few hundred results are in
    memory at a time.
    """
    with ThreadPoolExecutor(threads()) as pool:
        for start in range(0, count, _AT_ONCE):
            yield from pool.map(read, range(start, min(start + _AT_ONCE, count)))


def threads() -> int:
    """Return the number of decoding threads: the cores of this process, at most eight."""
    return min(8, usable_cores())


def all_images(sources: Sequence[Source]) -> list[tuple[Source, int]]:
    """Return every image of some sources, in order."""
    return [(source, index) for source in sources for index in range(len(source.files))]
