"""Images whose pixels say where they are, in files and folders of every kind that can be opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.slides._pyramids import halved, write_ome, write_pages, write_zarr
from tests.slides.vendors import WRITERS

MPP = 0.1
"""That of a crop of the starter bundle, so that a crop shows the file's own pixels."""

_ORIENTATION = 274


def coded(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """Draw an image no part of which is like any other, or like any of another seed."""
    coarse = np.random.default_rng(seed).integers(60, 256, (height // 12 + 2, width // 12 + 2, 3), np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    y, x = np.mgrid[:height, :width]
    marked = smooth.copy()
    marked[..., 2] = (7 * x + 11 * y + 53 * seed) % 199 + 40
    return marked


@dataclass(frozen=True)
class Input:
    """What is opened and what its pixels are.

    Attributes
    ----------
    path : Path
    images : tuple of ndarray of uint8, shape (h, w, 3)
        Upright, one a field; one of any other input.
    stated : bool
        Whether it says its scale, `MPP`.
    lossy : bool
        Whether it is stored as JPEG.
    """

    path: Path
    images: tuple[NDArray[np.uint8], ...]
    stated: bool
    lossy: bool = False


def _save(rgb: NDArray[np.uint8], path: Path, stated: bool, orientation: int = 1) -> None:
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    # What is stored is turned, so that it is upright once the orientation is applied.
    stored = {1: rgb, 6: np.rot90(rgb, 1), 8: np.rot90(rgb, -1)}[orientation]
    options = {"dpi": (25_400 / MPP, 25_400 / MPP)} if stated else {}
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif, **options)


def _photograph(stated: bool) -> Callable[[Path], Input]:
    def write(at: Path) -> Input:
        image = coded(300, 420, 1)
        _save(image, at / "field.png", stated)
        return Input(at / "field.png", (image,), stated)

    return write


def _folder(
    stated: bool, sizes: Sequence[tuple[int, int]], orientations: Sequence[int] = (1,)
) -> Callable[[Path], Input]:
    def write(at: Path) -> Input:
        folder = at / "photographs"
        folder.mkdir()
        images = [coded(*size, seed) for seed, size in enumerate(sizes, start=1)]
        for number, image in enumerate(images):
            turned = orientations[number % len(orientations)]
            _save(image, folder / f"photograph {number + 1}.png", stated, turned)
        return Input(folder, tuple(images), stated)

    return write


def _pyramid(
    write_levels: Callable[[Path, list[NDArray[np.uint8]]], None], name: str
) -> Callable[[Path], Input]:
    def write(at: Path) -> Input:
        image = coded(512, 640, 3)
        write_levels(at / name, [image, halved(image)])
        return Input(at / name, (image,), stated=False)

    return write


def _scanner(name: str) -> Callable[[Path], Input]:
    def write(at: Path) -> Input:
        image = coded(512, 640, 4)
        written = WRITERS[name][1](at, [image, halved(image)], (MPP, MPP))
        return Input(written.path, (written.levels[0],), True, name != "dicom")

    return write


SAME, MIXED = [(300, 420)] * 5, [(300, 420), (260, 300), (420, 300), (511, 513), (300, 420), (64, 700)]

INPUTS: dict[str, Callable[[Path], Input]] = {
    "photograph": _photograph(stated=False),
    "photograph with scale": _photograph(stated=True),
    "folder": _folder(False, SAME),
    "folder with scale": _folder(True, SAME),
    "folder of one": _folder(False, SAME[:1]),
    "folder of mixed sizes": _folder(False, MIXED),
    "folder of mixed sizes with scale": _folder(True, MIXED),
    "folder of turned fields": _folder(False, MIXED, (1, 6, 8)),
    "pyramidal TIFF": _pyramid(write_pages, "slide.tif"),
    "OME-TIFF": _pyramid(write_ome, "slide.ome.tif"),
    "OME-Zarr": _pyramid(lambda path, levels: write_zarr(path, levels, 3), "slide.zarr"),
    "Aperio SVS": _scanner("aperio"),
    "DICOM": _scanner("dicom"),
}
"""Each writes into an empty folder."""


def window(
    image: NDArray[np.uint8], x: float, y: float, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Cut a square around a point of an image by indexing alone.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w, 3)
    x, y : float
        Whole numbers for an odd size, halves for an even one.
    size : int

    Returns
    -------
    pixels : ndarray of uint8, shape (size, size, 3)
        0 beyond the image.
    inside : ndarray of bool, shape (size, size)
    """
    left, top = round(x - (size - 1) / 2), round(y - (size - 1) / 2)
    rows, columns = np.mgrid[top : top + size, left : left + size]
    inside = (rows >= 0) & (rows < image.shape[0]) & (columns >= 0) & (columns < image.shape[1])
    pixels = np.zeros((size, size, 3), np.uint8)
    pixels[inside] = image[rows[inside], columns[inside]]
    return pixels, inside


def places(image: NDArray[np.uint8]) -> list[tuple[float, float]]:
    """Give points of an image: its middle, and one 3.5 px from both borders in each corner."""
    height, width = image.shape[:2]
    corners = [(x, y) for y in (3.5, height - 4.5) for x in (3.5, width - 4.5)]
    return [(width // 2 + 0.5, height // 2 + 0.5), *corners]


def assert_shows(crop: NDArray[np.uint8], given: Input, number: int, at: tuple[float, float]) -> None:
    """See that a crop at the file's own scale shows a point of one image, and nothing of another."""
    wanted, inside = window(given.images[number], *at, crop.shape[0])
    apart = np.abs(crop.astype(int) - wanted)[inside]
    assert apart.mean() < 12 if given.lossy else apart.max() == 0
    beyond = crop[~inside]
    assert (beyond == beyond[:1]).all()  # one colour
