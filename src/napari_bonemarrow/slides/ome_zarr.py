"""OME-Zarr images (NGFF 0.4 and 0.5): their levels, decoded a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

    def samples(self, top: int, left: int, height: int, width: int) -> NDArray[Any]:
        """Read a part, shape (h, w, channels)."""
        part = {"y": slice(top, top + height), "x": slice(left, left + width), "c": slice(self.channels)}
        found = np.asarray(self.array[tuple(part.get(name, 0) for name in self.names)])
        left_over = [name for name in self.names if name in part]
        if "c" not in left_over:
            found, left_over = found[..., None], [*left_over, "c"]
        found = found.transpose([left_over.index(name) for name in "yxc"])
        # A store takes a chunk that it does not find for an empty one: is the disk still there?
        if not found.any() or (found == self.array.fill_value).all():
            self._check_there()
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
            return to_rgb(to_uint8(samples(row * height, column * width, height, width), bits))

        return read_tile

    def _check_there(self) -> None:
        for name in ("zarr.json", ".zarray"):
            if (self.folder / name).exists():
                return
        (self.folder / "zarr.json").stat()  # tells what is wrong with it


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
