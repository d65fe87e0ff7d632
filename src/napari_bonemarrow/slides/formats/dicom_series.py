"""A DICOM series of whole-slide images: its files and its completeness."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_bonemarrow.slides.formats import dicom_header
from napari_bonemarrow.slides.formats.folders import visible_files
from napari_bonemarrow.slides.formats.opened_image import Opened
from napari_bonemarrow.slides.formats.openslide import openslide_image
from napari_bonemarrow.slides.formats.registry import head_of, is_dicom
from napari_bonemarrow.slides.slide import SlideError

_TAGS = [
    "ImageType",
    "ConcatenationUID",
    "InConcatenationNumber",
    "InConcatenationTotalNumber",
]

_MOST_PARTS, _NAMED = 10_000, 10


def lacking(file: Path) -> tuple[str, ...]:
    """Return what is missing in the series of a file.

    The finest level is the one not marked as resampled (DICOM PS3.3, C.8.12.4.1.1: value 4 of Image Type),
    and a level in several files states their number (PS3.3, C.7.6.16.1.1). A missing level between two
    others cannot be detected. Nothing about the patient is read.

    Parameters
    ----------
    file : Path
        Any file of the series.

    Returns
    -------
    tuple of str
        One line for each missing part.
    """
    return tuple(_told(file))


def _told(file: Path) -> list[str]:
    files = [each for _name, each in series_of(file.parent, like=file)]
    headers = [dicom_header.read(each, _TAGS) for each in files]
    slides = [header for header in headers if "VOLUME" in header.get("ImageType", ())]
    where, advice = file.parent.name or str(file.parent), "copy the whole series again"
    told = []
    if slides and all("RESAMPLED" in header.ImageType for header in slides):
        told.append(
            f"{where}: the file with the finest level of this DICOM series is missing: only coarser ones "
            f"can be shown; {advice}"
        )
    for parts, total in _concatenations(slides):
        lost = [number for number in range(1, min(total, _MOST_PARTS) + 1) if number not in parts]
        if lost:
            missing = ", ".join(map(str, lost[:_NAMED])) + (" and others" if len(lost) > _NAMED else "")
            told.append(f"{where}: of a level in {total} files, part {missing} is missing; {advice}")
    return told


def _concatenations(headers: Iterable[Any]) -> list[tuple[set[int], int]]:
    """Return the present parts and their expected number for each image in several files."""
    found: dict[str, tuple[set[int], int]] = {}
    for header in headers:
        uid, total = str(header.get("ConcatenationUID", "")), header.get("InConcatenationTotalNumber")
        if uid and total:
            parts, _total = found.setdefault(uid, (set(), int(total)))
            parts.add(int(header.get("InConcatenationNumber", 0)))
    return list(found.values())


def read(path: Path) -> Opened:
    """Return the slide of a series, given its folder or any of its files.

    Raises
    ------
    SlideError
        As `series_of`, or if OpenSlide cannot read it.
    """
    file = series_of(path)[0][1] if path.is_dir() else path
    try:
        opened = openslide_image.read(file)
    except SlideError as error:
        missing = lacking(file) if openslide_image.vendor_of(file) == "dicom" else ()
        if missing:
            raise SlideError(missing[0]) from error
        raise
    return replace(opened, warnings=lacking(file))


def parts(path: Path) -> list[tuple[str, Path]]:
    """Return the names and files of the series in a folder or around a file."""
    return series_of(path) if path.is_dir() else series_of(path.parent, like=path)


def series_of(folder: Path, like: Path | None = None) -> list[tuple[str, Path]]:
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
        number = _number(file) if is_dicom(head_of(file)) else None
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


def _number(file: Path) -> str | None:
    names = ("SOPClassUID", "SeriesInstanceUID")
    try:
        header = dicom_header.read(file, names)
        kind, number = (str(header.get(name, "")) for name in names)
    except OSError:
        raise
    except Exception:  # pydicom raises any error on damaged bytes
        return None
    return number or None if kind == _WHOLE_SLIDE else None
