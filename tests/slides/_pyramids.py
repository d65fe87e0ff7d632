"""Write small whole slides of known pixels, as scanners and converters lay them out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import zarr
from PIL import Image


def picture(height: int = 500, width: int = 700, seed: int = 0) -> np.ndarray:
    """Smooth blotches with no symmetry, so that levels and places can be told apart."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 50 + 2, width // 50 + 2, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def halved(rgb: np.ndarray, factor: int = 2) -> np.ndarray:
    """The means of squares of pixels."""
    height, width = (side // factor * factor for side in rgb.shape[:2])
    return np.asarray(Image.fromarray(rgb[:height, :width]).reduce(factor))


def write_ome(path: Path, levels: list[np.ndarray], tile: int = 128, **options: Any) -> None:
    """OME-TIFF, the coarser levels as SubIFDs of the first."""
    metadata = {"axes": "YXS", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25}
    with tifffile.TiffWriter(path, bigtiff=options.pop("bigtiff", False), ome=True) as writer:
        same = {"photometric": "rgb", "tile": (tile, tile), **options}
        writer.write(levels[0], subifds=len(levels) - 1, metadata=metadata, **same)
        for level in levels[1:]:
            writer.write(level, subfiletype=1, **same)


def write_pages(path: Path, levels: list[np.ndarray], tile: int = 128, **options: Any) -> None:
    """Tiled TIFF, a page a level, as libvips writes it."""
    same = {"photometric": "rgb", "tile": (tile, tile), "metadata": None, **options}
    with tifffile.TiffWriter(path) as writer:
        for number, level in enumerate(levels):
            writer.write(level, subfiletype=1 if number else 0, **same)


def write_zarr(path: Path, levels: list[np.ndarray], version: int, chunk: int = 128) -> None:
    """OME-Zarr 0.4 (Zarr 2) or 0.5 (Zarr 3) with axes c, y, x."""
    group = zarr.open_group(path, mode="w", zarr_format=version)
    datasets = []
    for number, level in enumerate(levels):
        channels_first = np.ascontiguousarray(np.moveaxis(level, -1, 0))
        options: dict[str, Any] = (
            {"chunk_key_encoding": {"name": "v2", "separator": "/"}} if version == 2 else {}
        )
        array = group.create_array(
            str(number), shape=channels_first.shape, chunks=(3, chunk, chunk), dtype=level.dtype, **options
        )
        array[:] = channels_first
        scale = [1.0, 0.25 * 2**number, 0.25 * 2**number]
        datasets.append(
            {"path": str(number), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        )
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": axis, "type": "space", "unit": "micrometer"} for axis in "yx"]
    multiscales = [{"axes": axes, "datasets": datasets, "name": "PATIENT^JANE"}]
    if version == 2:
        group.attrs["multiscales"] = [{**multiscales[0], "version": "0.4"}]
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": multiscales}
    json.dumps(dict(group.attrs))
