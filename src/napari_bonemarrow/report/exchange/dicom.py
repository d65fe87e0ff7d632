"""Cells and count of a DICOM slide as DICOM objects, for the archive in which the slide is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from napari_bonemarrow.report.exchange.dicom_annotations import bulk_annotations
from napari_bonemarrow.report.exchange.dicom_report import structured_report
from napari_bonemarrow.report.exchange.dicom_source import SCHEME, dicom_source
from napari_bonemarrow.report.files import ReportError, make_folder, write_bytes
from napari_bonemarrow.review import Case


def write_dicom(case: Case, path: Path, *, anonymous: bool = False) -> None:
    """Write ``annotations.dcm`` and ``differential.dcm`` into a folder.

    The first holds the cells as Microscopy Bulk Simple Annotations (PS3.3, A.87; a group per class), the
    second the count as a structured report by TID 1500. Both belong to the study of the slide and refer to
    its finest level.

    Parameters
    ----------
    case : Case
        Of a slide in DICOM.
    path : Path
        The folder, made if missing.
    anonymous : bool
        Leave patient, study and signer empty. The UIDs of study, series and image stay, since the objects
        refer to their slide by them.

    Raises
    ------
    ReportError, CaseError, SlideError
        If the slide is not DICOM, cannot be found or read, or nothing can be written.
    """
    source = dicom_source(case, anonymous=anonymous)
    made = _objects(case, source, anonymous)
    folder = make_folder(path)
    for name, data in made.items():
        write_bytes(folder / name, data)
    if "annotations.dcm" not in made:  # of an earlier export, when there were cells
        (folder / "annotations.dcm").unlink(missing_ok=True)


def _objects(case: Case, source: Any, anonymous: bool) -> dict[str, bytes]:
    """Return the files by their names."""
    try:
        objects = {
            "annotations.dcm": bulk_annotations(case, source),
            "differential.dcm": structured_report(case, source, anonymous=anonymous),
        }
        return {name: _encoded(each) for name, each in objects.items() if each is not None}
    except Exception as error:  # the libraries raise any error on a header that breaks the standard
        # Their messages quote its values, among them the patient's.
        raise ReportError(
            f"{case.path}: the DICOM header of its slide breaks the standard, so nothing can refer to it: "
            "export geojson or fhir"
        ) from error


def _encoded(made: Any) -> bytes:
    from pydicom.dataset import Dataset

    scheme = Dataset()
    scheme.CodingSchemeDesignator = SCHEME
    scheme.CodingSchemeName = "napari-bonemarrow cell classes"
    made.CodingSchemeIdentificationSequence = [scheme]
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    return file.getvalue()
