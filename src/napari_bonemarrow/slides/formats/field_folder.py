"""A folder of fields: its readable files, their sizes and scales."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.slides.formats import raster_files
from napari_bonemarrow.slides.formats.folders import visible_files
from napari_bonemarrow.slides.formats.limits import check_size
from napari_bonemarrow.slides.formats.opened_image import Opened
from napari_bonemarrow.slides.formats.registry import IMAGE_SUFFIXES, SCANNER_SUFFIXES, format_of
from napari_bonemarrow.slides.formats.vms import parts_within
from napari_bonemarrow.slides.library_messages import reason
from napari_bonemarrow.slides.pixels import mosaic
from napari_bonemarrow.slides.pixels.mosaic import FieldFile
from napari_bonemarrow.slides.slide import SlideError

_ROTATED = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap width and height."""


def read(folder: Path) -> Opened:
    """Return the images of a folder side by side; each is decoded on first use.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Opened
        It has a warning for each image that cannot be read.

    Raises
    ------
    SlideError
        If no image can be read, or their scales differ.
    """
    paths = images(folder)
    if not paths:
        raise SlideError(f"{folder}: {_why_empty(folder)}")
    files, warnings = _files(paths)
    if not files:
        raise SlideError(
            f"{folder}: none of its {count_of(len(paths), 'image')} can be read; the first: {warnings[0]}"
        )
    scale = mosaic.shared_scale(files)
    fields = mosaic.lay_out(files)
    properties = {"format": "folder of fields", "fields": str(len(fields)), "left_out": str(len(warnings))}
    level = mosaic.level(folder, files, fields)
    return Opened((level,), scale, "fields", properties, fields, tuple(warnings))


def images(folder: Path) -> list[Path]:
    """Return the images of a folder of fields, by suffix, without parts of a whole slide."""
    others = parts_within(folder)
    return [
        file
        for file in visible_files(folder)
        if file.suffix.lower() in IMAGE_SUFFIXES and file.name not in others
    ]


def parts(folder: Path) -> list[tuple[str, Path]]:
    """Return the names and files of the fields."""
    return [(file.name, file) for file in images(folder)]


def _why_empty(folder: Path) -> str:
    if (folder / "Slidedat.ini").is_file():
        return f"holds the data of a MIRAX slide; open {folder.name}.mrxs next to it"
    for file in visible_files(folder):
        if file.suffix.lower() in SCANNER_SUFFIXES:
            return f"holds whole slides and no fields; open one of them, such as {file.name}"
    return f"is a folder without images; choose one with {', '.join(IMAGE_SUFFIXES)}"


def _files(paths: Sequence[Path]) -> tuple[list[FieldFile], list[str]]:
    files, warnings = [], []
    for path in paths:
        try:
            files.append(_measure(path))
        except SlideError as error:
            warnings.append(str(error))
        # As for a single image, any error of a decoder is the file's fault.
        except Exception as error:
            warnings.append(f"{path}: cannot be read ({reason(error)}); copy or export it again")
    return files, warnings


def _measure(path: Path) -> FieldFile:
    """Return a field's upright size and scale from its header."""
    stamp = _stamp(path)
    image = raster_files.open_lazily(path)
    if image is None:
        return _measure_tiff(path, stamp)
    with image:
        turned = int(image.getexif().get(274, 1)) in _ROTATED
        width, height = image.size[::-1] if turned else image.size
        check_size(path, width, height)
        return FieldFile(path, width, height, raster_files.scale_of(image), lambda: _decode(path, stamp))


def _measure_tiff(path: Path, stamp: tuple[int, int]) -> FieldFile:
    import tifffile

    from napari_bonemarrow.slides.formats.tiff import tiff_image, tiff_pyramid

    with tifffile.TiffFile(path) as file:
        series = tiff_image.choose(file)
        levels = tiff_pyramid.pages_of(series)
        if tiff_pyramid.is_pyramid(levels) or tiff_image.put_together_by(file) is not None:
            raise SlideError(f"{path}: is a whole slide, not a field; open it alone")
        width, height = tiff_image.size(series)
        if int(tiff_image.facts(file, series.keyframe)["orientation"]) in _ROTATED:
            width, height = height, width
        check_size(path, width, height)
        scale = tiff_image.scale_of(file, series.keyframe)
    return FieldFile(path, width, height, scale, lambda: _decode(path, stamp))


def _stamp(path: Path) -> tuple[int, int]:
    """Return size and time of the last change, which reveal a replaced file."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _decode(path: Path, stamp: tuple[int, int]) -> NDArray[np.uint8]:
    if _stamp(path) != stamp:
        raise ValueError("it was changed since its folder was opened")
    return np.asarray(format_of(path).read(path).levels[0])
