"""OME-Zarr images (NGFF 0.4 and 0.5): their levels, decoded a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.opened import Opened
from napari_bonemarrow.slides.pixels import significant_bits, to_rgb, to_uint8
from napari_bonemarrow.slides.scales import MICRONS, FileScale, from_sizes
from napari_bonemarrow.slides.slide import SlideError
from napari_bonemarrow.slides.tiled import ReadTile, TiledLevel
from napari_bonemarrow.slides.virtual import belongs

_LARGEST_CHUNK = 64 * 2**20
_SAMPLES_ALONG = 4
_WITNESS = 8
"""Longest side of what is looked at in another level about the middle of a chunk, px."""


def read(path: Path) -> Opened:
    """Open the first image of an OME-Zarr folder.

    Time and depth are read at their first plane; three channels are red, green and blue, one is grey.

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
        Where it is no image of that kind.
    """
    import zarr

    try:
        group = zarr.open_group(path, mode="r")
        folder, multiscale = _multiscale(path, group)
        names = [str(axis["name"]).lower() for axis in multiscale["axes"]]
        datasets = multiscale["datasets"]
        arrays = [zarr.open_array(folder / dataset["path"], mode="r") for dataset in datasets]
    except SlideError:
        raise
    # Metadata that is not as the specification says fails wherever it is first used.
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise SlideError(f"{path}: is no readable OME-Zarr image ({reason}); export it again") from error
    if not {"y", "x"} <= set(names) or any(array.ndim != len(names) for array in arrays):
        raise SlideError(f"{path}: the axes of this OME-Zarr do not fit its arrays; export it again")
    planes = [
        _Plane(array, names, folder / str(dataset["path"]))
        for array, dataset in zip(arrays, datasets, strict=True)
    ]
    levels = _levels(path, planes)
    properties = {
        "format": "OME-Zarr",
        "bits": str(8 * arrays[0].dtype.itemsize),
        "levels in file": str(len(arrays)),
    }
    return Opened(levels, _scale(multiscale, names), "ome-zarr", properties)


def _multiscale(path: Path, group: Any) -> tuple[Path, Mapping[str, Any]]:
    """Find the image's description, one folder deeper where several images share a container."""
    for folder, attributes in ((path, dict(group.attrs)), *_first_series(path, group)):
        told = attributes.get("ome", attributes)
        if told.get("multiscales"):
            return folder, told["multiscales"][0]
        if "plate" in told:
            raise SlideError(f"{path}: is a plate of many images; open one of its fields")
    raise SlideError(f"{path}: is a Zarr folder without an OME image; export it as OME-Zarr")


def _first_series(path: Path, group: Any) -> list[tuple[Path, dict[str, Any]]]:
    names = sorted(name for name, _ in group.groups())
    return [(path / names[0], dict(group[names[0]].attrs))] if names else []


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


class _Plane:
    """The first plane of one array."""

    def __init__(self, array: Any, names: list[str], folder: Path) -> None:
        self.array, self.names, self.folder = array, names, folder
        self.shape = (int(array.shape[names.index("y")]), int(array.shape[names.index("x")]))
        chunk = (int(array.chunks[names.index("y")]), int(array.chunks[names.index("x")]))
        too_large = chunk[0] * chunk[1] * 3 * array.dtype.itemsize > _LARGEST_CHUNK
        self.tile = (512, 512) if too_large else chunk
        channels = int(array.shape[names.index("c")]) if "c" in names else 1
        self.channels = 1 if channels < 3 else 3
        self.witnesses: tuple[_Plane, ...] = ()
        """The other levels, coarser ones first: they tell a chunk that was lost from an empty one."""

    def samples(self, top: int, left: int, height: int, width: int) -> NDArray[Any]:
        """Read a part, shape (h, w, channels)."""
        part = {"y": slice(top, top + height), "x": slice(left, left + width), "c": slice(self.channels)}
        found = np.asarray(self.array[tuple(part.get(name, 0) for name in self.names)])
        left_over = [name for name in self.names if name in part]
        if "c" not in left_over:
            found, left_over = found[..., None], [*left_over, "c"]
        found = found.transpose([left_over.index(name) for name in "yxc"])
        return found

    def measure_bits(self) -> int:
        """Return how many bits the brightest sample needs of some parts that are evenly spread."""
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
        """Raise where chunks of a tile are lost: a store takes one that it does not find for an empty one.

        Writers leave empty chunks out too. One is lost if another level shows something there.
        """
        lost = [key for key in self._keys(top, left, height, width) if not (self.folder / key).exists()]
        if not lost:
            return
        if not any((self.folder / name).exists() for name in ("zarr.json", ".zarray")):
            (self.folder / "zarr.json").stat()  # tells what is wrong with the disk or network
        high, wide = self.shape
        bottom, right = min(top + height, high), min(left + width, wide)
        middle = ((top + bottom) / 2 / high, (left + right) / 2 / wide)
        span = ((bottom - top) / high, (right - left) / wide)
        for witness in self.witnesses:
            if witness.shows(middle, span):
                raise ValueError(f"its chunk {self.folder.name}/{lost[0]} is missing")

    def shows(self, middle: tuple[float, float], span: tuple[float, float]) -> bool:
        """Tell whether there is anything about a place.

        Parameters
        ----------
        middle, span : tuple of float
            Of what is asked about, as parts of height and width: no more than half of it is looked at, as
            coarser levels mix what lies side by side.
        """
        sides = [
            max(1, min(_WITNESS, int(part * side / 2))) for part, side in zip(span, self.shape, strict=True)
        ]
        top, left = (
            min(max(0, int(part * length) - side // 2), length - 1)
            for part, length, side in zip(middle, self.shape, sides, strict=True)
        )
        return bool((self.samples(top, left, *sides) != self.array.fill_value).any())

    def _keys(self, top: int, left: int, height: int, width: int) -> list[str]:
        """Return the files that hold a part, relative to the array's folder."""
        pieces = self.array.shards or self.array.chunks
        ends = {"y": min(top + height, self.shape[0]), "x": min(left + width, self.shape[1])}
        part = {
            "y": range(top, ends["y"]),
            "x": range(left, ends["x"]),
            "c": range(self.channels),
        }
        spans = [
            range(places[0] // piece, places[-1] // piece + 1)
            for places, piece in (
                (part.get(name, range(1)), at) for name, at in zip(self.names, pieces, strict=True)
            )
        ]
        return [self.array.metadata.encode_chunk_key(place) for place in product(*spans)]


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
"""µm in a unit as NGFF spells it (UDUNITS-2 names)."""
