"""Levels of OME-Zarr images (NGFF 0.4 and 0.5), decoded a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.file_scale import MICRONS, FileScale, from_sizes
from napari_bonemarrow.slides.formats.colour_modes import significant_bits, to_rgb, to_uint8
from napari_bonemarrow.slides.formats.limits import check_extent
from napari_bonemarrow.slides.formats.opened_image import Opened
from napari_bonemarrow.slides.formats.zarr import zarr_chunks, zarr_metadata
from napari_bonemarrow.slides.formats.zarr.zarr_metadata import Layout
from napari_bonemarrow.slides.library_messages import reason
from napari_bonemarrow.slides.pixels.extra_levels import belongs
from napari_bonemarrow.slides.pixels.tiled import ReadTile, TiledLevel
from napari_bonemarrow.slides.slide import SlideError

_SMALLEST_TILE = 64
_SAMPLES_ALONG = 4
_WITNESS = 8
"""Longest side of the area checked in another level around the middle of a chunk, px."""


def read(path: Path) -> Opened:
    """Return the first image of an OME-Zarr folder.

    The first plane of time and depth is read; three channels are red, green and blue, one is grey.

    Parameters
    ----------
    path : Path
        The folder.

    Returns
    -------
    Opened

    Raises
    ------
    SlideError
        If it is not such an image.
    """
    try:
        folder, multiscale = _multiscale(path)
        names = [str(axis["name"]).lower() for axis in multiscale["axes"]]
        datasets = [_below(folder, dataset["path"]) for dataset in multiscale["datasets"]]
        planes = [_opened(path, each, names) for each in datasets]
    except (SlideError, OSError):
        raise
    # Metadata outside the specification fails at its first use, with any error.
    except Exception as error:
        why = reason(error)
        raise SlideError(f"{path}: is not a readable OME-Zarr image ({why}); export it again") from error
    if not planes:
        raise SlideError(f"{path}: is an OME-Zarr without a level; export it again")
    check_extent(path, *reversed(planes[0].shape))
    levels = _levels(path, planes)
    properties = {
        "format": "OME-Zarr",
        "bits": str(8 * planes[0].layout.itemsize),
        "levels in file": str(len(planes)),
    }
    return Opened(levels, _scale(multiscale, names), "ome-zarr", properties)


def _multiscale(path: Path) -> tuple[Path, Mapping[str, Any]]:
    """Return the image's description, one folder deeper where several images share a container."""
    attributes = zarr_metadata.attributes(path)
    series = [] if "multiscales" in attributes.get("ome", attributes) else zarr_metadata.groups(path)[:1]
    for folder, told in ((path, attributes), *((each, zarr_metadata.attributes(each)) for each in series)):
        told = told.get("ome", told)
        if told.get("multiscales"):
            return folder, told["multiscales"][0]
        if "plate" in told:
            raise SlideError(f"{path}: is a plate of many images; open one of its fields")
    raise SlideError(f"{path}: is a Zarr folder without an OME image; export it as OME-Zarr")


def _below(folder: Path, name: Any) -> Path:
    """Return the folder of an array, which must lie inside the image's folder."""
    parts = PurePosixPath(str(name)).parts
    array = folder.joinpath(*parts)
    if not parts or ".." in parts or not array.resolve().is_relative_to(folder.resolve()):
        raise ValueError("an array lies outside of its folder")
    return array


def _opened(path: Path, folder: Path, names: list[str]) -> _Plane:
    """Return an opened array, with exactly the metadata that was checked."""
    layout = zarr_metadata.layout(path, folder)
    if not {"y", "x"} <= set(names) or len(layout.shape) != len(names):
        raise SlideError(f"{path}: the axes of this OME-Zarr do not fit its arrays; export it again")
    import zarr

    return _Plane(zarr.open_array(folder, mode="r", zarr_format=layout.version), names, folder, layout)


def _levels(path: Path, planes: Sequence[_Plane]) -> tuple[TiledLevel, ...]:
    levels: list[TiledLevel] = []
    height0, width0 = planes[0].shape
    kept: list[_Plane] = []
    for plane in planes:
        height, width = plane.shape
        if not kept or belongs(width, height, width0, height0, kept[-1].shape[1]):
            kept.append(plane)
    for number, plane in enumerate(kept):
        plane.witnesses = (*kept[number + 1 :], *reversed(kept[:number]))
    bits = None if kept[0].array.dtype == np.uint8 else kept[-1].measure_bits()
    for plane in kept:
        levels.append(TiledLevel(path.name, len(levels), plane.shape, plane.tile, plane.reader(bits)))
    return tuple(levels)


def _tile_side(chunk: int) -> int:
    """Return the tile side: one chunk, or several small ones to keep the number of tiles low."""
    return chunk * -(-_SMALLEST_TILE // chunk)


class _Plane:
    """The first plane of one array."""

    def __init__(self, array: Any, names: list[str], folder: Path, layout: Layout) -> None:
        self.array, self.names, self.folder, self.layout = array, names, folder, layout
        self.shape = (layout.shape[names.index("y")], layout.shape[names.index("x")])
        down, across = (_tile_side(layout.chunk[names.index(axis)]) for axis in "yx")
        self.tile = (down, across)
        channels = int(array.shape[names.index("c")]) if "c" in names else 1
        self.channels = 1 if channels < 3 else 3
        self.witnesses: tuple[_Plane, ...] = ()
        """The other levels, coarser ones first: they distinguish a lost chunk from an empty one."""

    def samples(self, top: int, left: int, height: int, width: int) -> NDArray[Any]:
        """Return a part, shape (h, w, channels)."""
        self._check_sizes(top, left, height, width)
        part = {"y": slice(top, top + height), "x": slice(left, left + width), "c": slice(self.channels)}
        found = np.asarray(self.array[tuple(part.get(name, 0) for name in self.names)])
        left_over = [name for name in self.names if name in part]
        if "c" not in left_over:
            found, left_over = found[..., None], [*left_over, "c"]
        found = found.transpose([left_over.index(name) for name in "yxc"])
        return found

    def measure_bits(self) -> int:
        """Return the bits of the brightest sample in evenly spread parts."""
        height, width = self.shape
        return max(
            significant_bits(
                self.samples(height * y // _SAMPLES_ALONG, width * x // _SAMPLES_ALONG, 256, 256)
            )
            for y in range(_SAMPLES_ALONG)
            for x in range(_SAMPLES_ALONG)
        )

    def reader(self, bits: int | None) -> ReadTile:
        """Return the function that reads a tile as RGB."""
        height, width = self.tile
        samples: Callable[[int, int, int, int], NDArray[Any]] = self.samples

        def read_tile(row: int, column: int) -> NDArray[np.uint8]:
            place = (row * height, column * width, height, width)
            found = samples(*place)
            self._check_stored(*place)
            return to_rgb(to_uint8(found, bits))

        return read_tile

    def _check_stored(self, top: int, left: int, height: int, width: int) -> None:
        """Raise an error where chunks of a tile are lost: a store reads a missing chunk as an empty one.

        Writers also leave out empty chunks. A chunk is lost if another level is not empty there.
        """
        lost = [
            key for key, _inner in self._files(top, left, height, width) if not (self.folder / key).exists()
        ]
        if not lost:
            return
        if not any((self.folder / name).exists() for name in ("zarr.json", ".zarray")):
            (self.folder / "zarr.json").stat()  # raises the error of the disk or network
        high, wide = self.shape
        bottom, right = min(top + height, high), min(left + width, wide)
        middle = ((top + bottom) / 2 / high, (left + right) / 2 / wide)
        span = ((bottom - top) / high, (right - left) / wide)
        for witness in self.witnesses:
            if witness.shows(middle, span):
                raise ValueError(f"its chunk {self.folder.name}/{lost[0]} is missing")

    def shows(self, middle: tuple[float, float], span: tuple[float, float]) -> bool:
        """Return whether the area around a place has content.

        Parameters
        ----------
        middle, span : tuple of float
            Middle and size of the area, relative to height and width: at most half of it is read, since
            coarser levels mix neighbouring pixels.
        """
        sides = [
            max(1, min(_WITNESS, int(part * side / 2))) for part, side in zip(span, self.shape, strict=True)
        ]
        top, left = (
            min(max(0, int(part * length) - side // 2), length - 1)
            for part, length, side in zip(middle, self.shape, sides, strict=True)
        )
        return bool((self.samples(top, left, *sides) != self.array.fill_value).any())

    def _check_sizes(self, top: int, left: int, height: int, width: int) -> None:
        for key, inner in self._files(top, left, height, width):
            zarr_chunks.check(self.layout, self.folder / key, product(*inner))

    def _files(self, top: int, left: int, height: int, width: int) -> Iterator[tuple[str, tuple[range, ...]]]:
        """Yield the files of a part, relative to the array's folder, and the chunks in a shard."""
        ends = {"y": min(top + height, self.shape[0]), "x": min(left + width, self.shape[1])}
        part = {"y": range(top, ends["y"]), "x": range(left, ends["x"]), "c": range(self.channels)}
        places = [part.get(name, range(1)) for name in self.names]
        pieces, chunks = self.layout.piece, self.layout.chunk
        for key in product(
            *(range(at[0] // side, at[-1] // side + 1) for at, side in zip(places, pieces, strict=True))
        ):
            inner = tuple(
                range(
                    (max(at[0], number * piece) - number * piece) // chunk,
                    (min(at[-1], (number + 1) * piece - 1) - number * piece) // chunk + 1,
                )
                for at, number, piece, chunk in zip(places, key, pieces, chunks, strict=True)
            )
            yield self.array.metadata.encode_chunk_key(key), inner


def _scale(multiscale: Mapping[str, Any], names: list[str]) -> FileScale | None:
    try:
        sizes = [1.0] * len(names)
        for owner in (multiscale["datasets"][0], multiscale):
            for step in owner.get("coordinateTransformations", ()):
                if step.get("type") == "scale":
                    sizes = [size * float(by) for size, by in zip(sizes, step["scale"], strict=True)]
        along = {axis: names.index(axis) for axis in "xy"}
        units = {
            axis: _UNITS.get(str(multiscale["axes"][at].get("unit", "")).lower(), float("nan"))
            for axis, at in along.items()
        }
    except (KeyError, TypeError, ValueError):
        return None
    return from_sizes(sizes[along["x"]] * units["x"], sizes[along["y"]] * units["y"], "OME-Zarr scale")


_UNITS = MICRONS | {
    "micrometer": 1.0,
    "nanometer": 1e-3,
    "millimeter": 1e3,
    "centimeter": 1e4,
    "meter": 1e6,
    "angstrom": 1e-4,
}
"""µm per unit, as NGFF spells units (UDUNITS-2 names)."""
