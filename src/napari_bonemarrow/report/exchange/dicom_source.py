"""The DICOM whole-slide image that a case's cells lie on, and what is copied from its header."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_bonemarrow.report.files import ReportError
from napari_bonemarrow.review import Case

SCHEME = "99NBM"
"""Designator of the codes of this program: DICOM PS3.16, 8.2 leaves those that begin with 99 to anyone."""
_EMPTY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)
"""Attributes of patient and study that every DICOM object has, with or without a value (type 2)."""
_TECHNICAL = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "Modality",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "TotalPixelMatrixRows",
    "TotalPixelMatrixColumns",
)
"""Attributes that refer to the image and name nobody."""
_LONG_STRING, _PERSON = 64, 60


def dicom_source(case: Case, *, anonymous: bool) -> Any:
    """Return the header of the finest level of a case's slide, to refer to and to copy from.

    Parameters
    ----------
    case : Case
    anonymous : bool
        Keep only what refers to the image. Patient and study are then empty, and container and specimen are
        named by the slide's fingerprint. The UIDs stay: without them nothing refers to the slide.

    Returns
    -------
    pydicom.Dataset

    Raises
    ------
    ReportError
        If the slide is not DICOM, or has no level of the case's size.
    CaseError, SlideError
        If the slide cannot be found or read.
    """
    record = case.slide_record
    if record.vendor != "dicom":
        raise ReportError(
            f"{case.path}: its slide is not DICOM, which these objects refer to: export geojson or fhir"
        )
    header = _finest(case.slide_file.require(), record.width, record.height)
    if header is None:
        raise ReportError(
            f"{case.path}: the DICOM level of {record.width}×{record.height} pixels cannot be read: copy the "
            "whole series again"
        )
    return _completed(_without_names(header, record.fingerprint) if anonymous else header)


def uid(case: Case, what: str) -> str:
    """Return a UID (PS3.5, B.2) that is the same for each export of a case's state."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_URL, f'urn:uuid:{case.case_id}#{what}').int}"


def long_string(text: str) -> str:
    """Return a text for a value of up to 64 bytes, without backslashes and control characters.

    The standard means characters (PS3.5, 6.2), which some readers count as bytes.
    """
    plain = "".join(letter if letter.isprintable() and letter != "\\" else " " for letter in text)
    if len(plain.encode()) <= _LONG_STRING:
        return plain
    return plain.encode()[: _LONG_STRING - len("...")].decode(errors="ignore") + "..."


def person_name(text: str) -> str:
    """Return a name as DICOM writes it, all in the first component, since its parts are not known."""
    return "".join(letter if letter.isalnum() or letter in " .-'" else " " for letter in text)[:_PERSON] + "^"


def _finest(path: Path, width: int, height: int) -> Any:
    from napari_bonemarrow.slides.formats import dicom_series

    sizes = ("ImageType", "TotalPixelMatrixColumns", "TotalPixelMatrixRows")
    for _name, file in dicom_series.parts(path):
        found = _header(file, sizes)
        if found is None or "VOLUME" not in found.get("ImageType", ()):
            continue
        if (found.get(sizes[1]), found.get(sizes[2])) == (width, height):
            return _header(file, None)
    return None


def _header(file: Path, tags: Sequence[str] | None) -> Any:
    """Return a file's header, None where it is damaged."""
    from napari_bonemarrow.slides.formats import dicom_header

    try:
        return dicom_header.read(file, tags)
    except OSError:
        raise
    except Exception:  # pydicom raises any error on damaged bytes
        return None


def _without_names(header: Any, fingerprint: str) -> Any:
    from pydicom.dataset import Dataset
    from pydicom.uid import generate_uid

    kept = Dataset()
    for name in _TECHNICAL:
        if name in header:
            setattr(kept, name, header.get(name))
    specimen = Dataset()
    specimen.SpecimenIdentifier = fingerprint[:12]
    specimen.SpecimenUID = generate_uid(entropy_srcs=[fingerprint])
    specimen.IssuerOfTheSpecimenIdentifierSequence = []
    specimen.SpecimenPreparationSequence = []
    kept.ContainerIdentifier = fingerprint[:12]
    kept.IssuerOfTheContainerIdentifierSequence = []
    kept.ContainerTypeCodeSequence = []
    kept.SpecimenDescriptionSequence = [specimen]
    return kept


def _completed(header: Any) -> Any:
    """Return a header with every attribute that must be there, empty where it has none."""
    for name in _EMPTY:
        if name not in header or header.get(name) is None:
            setattr(header, name, "")
    name = str(header.PatientName)
    if name and "^" not in name:
        header.PatientName = f"{name}^"  # the same name, written so that no reader mistakes it
    return header
