"""Kinds of image folders: an OME-Zarr, a DICOM series or fields."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

from napari_bonemarrow.slides.formats import vms
from napari_bonemarrow.slides.slide import SlideError

IMAGE_SUFFIXES: tuple[str, ...] = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
"""Suffixes of the images in a folder of fields, in lower case."""

_ZARR_MARKS = (".zattrs", ".zgroup", ".zarray", "zarr.json")

_VMS_SUFFIXES = (".vms", ".vmu")


class Kind(StrEnum):
    """The kind of an image folder."""

    ZARR = "zarr"
    DICOM = "dicom"
    FIELDS = "fields"


def kind_of(folder: Path) -> Kind:
    """Return the kind of a folder by its contents.

    Raises
    ------
    OSError
        If it cannot be listed.
    """
    if any((folder / mark).is_file() for mark in _ZARR_MARKS):
        return Kind.ZARR
    files = visible_files(folder)
    if not any(file.suffix.lower() in IMAGE_SUFFIXES for file in files) and any(map(is_dicom, files)):
        return Kind.DICOM
    return Kind.FIELDS


def visible_files(folder: Path) -> list[Path]:
    """Return a folder's visible files in natural order (field 2 before field 10)."""
    found = [file for file in folder.iterdir() if not file.name.startswith(".") and file.is_file()]
    return sorted(found, key=lambda file: natural(file.name))


def natural(name: str) -> list[tuple[bool, int, str]]:
    """Return a sort key in which runs of digits are numbers."""
    parts = re.findall(r"\d+|\D+", name.casefold())
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def images(folder: Path) -> list[Path]:
    """Return the images of a folder of fields, by suffix, without parts of a whole slide."""
    others = parts_within(folder)
    return [
        file
        for file in visible_files(folder)
        if file.suffix.lower() in IMAGE_SUFFIXES and file.name not in others
    ]


def parts_within(folder: Path) -> set[str]:
    """Return the names of files of a VMS or VMU slide, including its macro image with the label."""
    slides = [file for file in visible_files(folder) if file.suffix.lower() in _VMS_SUFFIXES]
    return {part.name for slide in slides if vms.is_vms(slide) for part in vms.parts(slide)}


def is_dicom(path: Path) -> bool:
    """Return whether a file is DICOM: ``DICM`` after a preamble of 128 bytes (PS3.10, 7.1)."""
    try:
        with path.open("rb") as file:
            file.seek(128)
            return file.read(4) == b"DICM"
    except OSError:
        return False


def dicom_series(folder: Path, like: Path | None = None) -> list[tuple[str, Path]]:
    """Return the DICOM files of the series of whole-slide images in a folder.

    Only the series' number and the kind of object are read from each file, nothing about the patient.

    Parameters
    ----------
    folder : Path
    like : Path, optional
        A file of the wanted series.

    Returns
    -------
    list of (str, Path)
        Names and files, sorted.

    Raises
    ------
    SlideError
        If there are several series and none was named, or no whole-slide image.
    """
    series: dict[str, list[tuple[str, Path]]] = {}
    meant = None
    for file in visible_files(folder):
        number = _series_of(file) if is_dicom(file) else None
        if number is None:
            continue
        series.setdefault(number, []).append((file.name, file))
        if like is not None and file.name == like.name:
            meant = number
    if meant is not None:
        return sorted(series[meant])
    if like is not None or not series:
        raise SlideError(f"{like or folder}: is DICOM, but no whole-slide image; choose a slide's series")
    if len(series) > 1:
        raise SlideError(f"{folder}: holds {len(series)} DICOM series; choose a file of one of them")
    return sorted(next(iter(series.values())))


_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
"""VL Whole Slide Microscopy Image Storage (DICOM PS3.4, B.5)."""


def _series_of(file: Path) -> str | None:
    from napari_bonemarrow.slides.formats import dicom_header

    names = ("SOPClassUID", "SeriesInstanceUID")
    try:
        header = dicom_header.read(file, names)
        kind, number = (str(header.get(name, "")) for name in names)
    except OSError:
        raise
    except Exception:  # pydicom raises any error on damaged bytes
        return None
    return number or None if kind == _WHOLE_SLIDE else None
