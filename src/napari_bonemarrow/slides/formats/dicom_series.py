"""Completeness of a DICOM series of whole-slide images."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from napari_bonemarrow.slides.formats import dicom_header, folders

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
    files = [each for _name, each in folders.dicom_series(file.parent, like=file)]
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
