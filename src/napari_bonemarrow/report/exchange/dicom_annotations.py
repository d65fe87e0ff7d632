"""Cells as DICOM Microscopy Bulk Simple Annotations: points, a group per class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.report.exchange.dicom_source import SCHEME, long_string, uid
from napari_bonemarrow.report.exchange.exchanged_cells import ExchangedCells, exchanged_cells
from napari_bonemarrow.report.exchange.geojson import HALF_PIXEL
from napari_bonemarrow.review import Case
from napari_bonemarrow.review.journal.program import program_name

MAKER = "napari-bonemarrow"
UNCLASSIFIED = "NONE"
"""Code of cells without a class."""


def bulk_annotations(case: Case, source: Any) -> Any:
    """Return the cells of a case as annotations of its slide.

    Coordinates are pixels of the total pixel matrix from its corner (PS3.3, C.37.1.2). Each cell has its
    diameter in µm and, where there is a prediction, the confidence of the first guess.

    Parameters
    ----------
    case : Case
    source : pydicom.Dataset
        Of `dicom_source`.

    Returns
    -------
    highdicom.ann.MicroscopyBulkSimpleAnnotations or None
        None without cells, since such an object cannot be empty.
    """
    from highdicom.ann import AnnotationCoordinateTypeValues, MicroscopyBulkSimpleAnnotations

    cells = exchanged_cells(case)
    if not len(cells):
        return None
    codes, version = np.array(cells.code), program_name().split(" ")[-1]
    found = [code for code in (*CLASSES, "") if (codes == code).any()]
    state = f"annotations {case.history.last.hash}"
    return MicroscopyBulkSimpleAnnotations(
        source_images=[source],
        annotation_coordinate_type=AnnotationCoordinateTypeValues.SCOORD,
        annotation_groups=[
            _group(case, cells, code, np.flatnonzero(codes == code), number)
            for number, code in enumerate(found, start=1)
        ],
        series_instance_uid=uid(case, f"{state} series"),
        series_number=9001,
        sop_instance_uid=uid(case, state),
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=MAKER,
        software_versions=version,
        device_serial_number="0",
        content_label="CELLS",
        content_description=long_string(case.distrust or "Cells of a bone-marrow smear, research use only"),
        specific_character_set="ISO_IR 192",
        series_description=long_string(case.distrust or "Cells by class, research use only"),
    )


def _group(case: Case, cells: ExchangedCells, code: str, rows: NDArray[np.intp], number: int) -> Any:
    from highdicom.ann import (
        AnnotationGroup,
        AnnotationGroupGenerationTypeValues,
        GraphicTypeValues,
    )
    from highdicom.color import CIELabColor
    from highdicom.sr.coding import CodedConcept
    from pydicom.sr.codedict import codes

    reviewed = int(cells.reviewed[rows].sum())
    made_by = AnnotationGroupGenerationTypeValues.SEMIAUTOMATIC
    if reviewed in (0, len(rows)):
        kinds = AnnotationGroupGenerationTypeValues
        made_by = kinds.MANUAL if reviewed else kinds.AUTOMATIC
    name = CLASSES[code].name if code else "cell without a class"
    points = np.column_stack([cells.x[rows], cells.y[rows]]).astype(np.float32) + np.float32(HALF_PIXEL)
    return AnnotationGroup(
        number=number,
        uid=uid(case, f"group {code} {case.history.last.hash}"),
        label=code or UNCLASSIFIED,
        annotated_property_category=codes.SCT.Cell,
        annotated_property_type=CodedConcept(code or UNCLASSIFIED, SCHEME, name),
        graphic_type=GraphicTypeValues.POINT,
        graphic_data=list(points[:, None, :]),
        algorithm_type=made_by,
        algorithm_identification=_algorithm(case) if made_by.value != "MANUAL" else None,
        measurements=_measurements(cells, rows),
        description=f"{name}: {reviewed} of {len(rows)} reviewed",
        display_color=CIELabColor.from_string(CLASSES[code].color) if code else None,
    )


def _algorithm(case: Case) -> Any:
    """Return what found and classified the cells; in a blind reading the program alone."""
    from highdicom import AlgorithmIdentificationSequence
    from pydicom.sr.codedict import codes

    name, version = program_name().rsplit(" ", 1)
    if case.predictions is not None:
        model = case.predictions.model
        name, version = f"{name}, model {model.name}", f"{version}, {model.sha256[:12]}"
    return AlgorithmIdentificationSequence(
        name=long_string(name), family=codes.DCM.ArtificialIntelligence, version=long_string(version)
    )


def _measurements(cells: ExchangedCells, rows: NDArray[np.intp]) -> list[Any]:
    from highdicom.ann import Measurements
    from highdicom.sr.coding import CodedConcept
    from pydicom.sr.codedict import codes

    made = [Measurements(codes.SCT.Diameter, cells.diameter_um[rows], codes.UCUM.Micrometer)]
    confidence = cells.confidence[rows].astype(np.float32)
    confidence[confidence == 0] = np.nan
    if np.isfinite(confidence).any():
        name = CodedConcept("CONFIDENCE", SCHEME, "Confidence of the first guess")
        made.append(Measurements(name, confidence, codes.UCUM.NoUnits))
    return made
