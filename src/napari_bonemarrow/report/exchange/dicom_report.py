"""The count as a DICOM structured report (TID 1500, Measurement Report)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from napari_bonemarrow.cytology import CLASSES, ClassCount, Differential
from napari_bonemarrow.cytology.statements import RESEARCH_USE
from napari_bonemarrow.report.exchange import codes as loinc
from napari_bonemarrow.report.exchange.dicom_annotations import MAKER
from napari_bonemarrow.report.exchange.dicom_source import SCHEME, long_string, person_name, uid
from napari_bonemarrow.report.exchange.status import counting_method, shown_signature, status_of
from napari_bonemarrow.review import Case
from napari_bonemarrow.review.journal.program import program_name

_LOINC = "LN"


def structured_report(case: Case, source: Any, *, anonymous: bool) -> Any:
    """Return the count of a case as a comprehensive structured report.

    For each class, group and M:E: the number of cells, the percentage or ratio where it may be told, and
    the limits of its 95 % interval. Names are LOINC's where there is one, otherwise codes of this program.

    Parameters
    ----------
    case : Case
    source : pydicom.Dataset
        Of `dicom_source`.
    anonymous : bool
        Do not name the signer.

    Returns
    -------
    highdicom.sr.ComprehensiveSR
        Complete once every cell is reviewed and final once signed. It is never verified: that needs an
        organization which answers for it.
    """
    from highdicom.sr import ComprehensiveSR, MeasurementReport
    from highdicom.sr.coding import CodedConcept

    count, state = case.differential(), f"report {case.history.last.hash} {anonymous}"
    report = MeasurementReport(
        observation_context=_context(case, anonymous),
        procedure_reported=CodedConcept(loinc.PANEL.code, _LOINC, loinc.PANEL.display),
        imaging_measurements=[_measurement_group(case, count)],
        referenced_images=[source],
    )
    return ComprehensiveSR(
        evidence=[source],
        content=report[0],
        series_instance_uid=uid(case, f"{state} series"),
        series_number=9002,
        sop_instance_uid=uid(case, state),
        instance_number=1,
        manufacturer=MAKER,
        is_complete=count.fully_reviewed,
        is_final=status_of(case) in ("final", "amended", "corrected"),
        specific_character_set="ISO_IR 192",
        series_description=long_string(case.distrust or "Differential count, research use only"),
        software_versions=program_name().split(" ")[-1],
        manufacturer_model_name=MAKER,
        device_serial_number="0",
    )


def _context(case: Case, anonymous: bool) -> Any:
    """Return who observed: the program with its model, and the signer."""
    from highdicom.sr import (
        DeviceObserverIdentifyingAttributes,
        ObservationContext,
        ObserverContext,
        PersonObserverIdentifyingAttributes,
    )
    from pydicom.sr.codedict import codes

    predictions, signature = case.predictions, shown_signature(case)
    device = DeviceObserverIdentifyingAttributes(
        uid=uid(case, "device"),
        name=program_name(),
        manufacturer_name=MAKER,
        model_name=None if predictions is None else long_string(predictions.model.name),
        serial_number=None if predictions is None else predictions.model.sha256,
    )
    person = None
    if signature is not None and not anonymous:
        attributes = PersonObserverIdentifyingAttributes(name=person_name(signature.name))
        person = ObserverContext(codes.DCM.Person, attributes)
    return ObservationContext(person, ObserverContext(codes.DCM.Device, device))


def _measurement_group(case: Case, count: Differential) -> Any:
    from highdicom.sr import (
        FindingSite,
        MeasurementsAndQualitativeEvaluations,
        QualitativeEvaluation,
        RelationshipTypeValues,
        TextContentItem,
        TrackingIdentifier,
    )
    from highdicom.sr.coding import CodedConcept
    from pydicom.sr.codedict import codes

    status = status_of(case)
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=uid(case, "count"), identifier="Differential count"),
        finding_type=CodedConcept(loinc.REPORT.code, _LOINC, loinc.REPORT.display),
        finding_sites=[FindingSite(codes.SCT.BoneMarrow)],
        measurements=[*_measurements(count)],
        qualitative_evaluations=[
            QualitativeEvaluation(
                CodedConcept("STATUS", SCHEME, "Status of the count"),
                CodedConcept(status.upper(), SCHEME, status),
            )
        ],
    )
    texts = [case.distrust, counting_method(case, count), f"{RESEARCH_USE}."]
    texts += [str(note.text) for note in (*count.flags, *count.notes)]
    group[0].ContentSequence.extend(
        TextContentItem(codes.DCM.Comment, text, RelationshipTypeValues.CONTAINS) for text in texts if text
    )
    return group


def _measurements(count: Differential) -> Iterator[Any]:
    from highdicom.sr import Measurement
    from highdicom.sr.coding import CodedConcept
    from pydicom.sr.codedict import codes

    cells, percent = CodedConcept("{cells}", "UCUM", "cells"), codes.UCUM.Percent
    total = CodedConcept(loinc.COUNTED.code, _LOINC, loinc.COUNTED.display)
    yield Measurement(total, count.counted, cells)
    for code, number in count.excluded.items():
        name = CodedConcept(f"{code}-N", SCHEME, f"{CLASSES[code].name}, cells left out of the count")
        yield Measurement(name, number, cells)
    for row in (*count.classes, *count.groups):
        if row.known_count is not None:
            yield Measurement(_own(row, "N", "cells"), row.known_count, cells)
        if row.reliable and row.percent is not None:
            yield Measurement(_share_name(row, count.fully_reviewed), row.percent, percent)
        for letter, bound in zip(("LOW", "HIGH"), row.ci95 or (), strict=False):
            limit = f"{'lower' if letter == 'LOW' else 'upper'} limit, 95 % interval"
            yield Measurement(_own(row, letter, limit), round(bound, 2), percent)
    ratio = count.ratios["m_to_e"]
    if ratio.value is not None and math.isfinite(ratio.value):
        name = CodedConcept(loinc.M_TO_E.code, _LOINC, loinc.M_TO_E.display)
        yield Measurement(name, round(ratio.value, 2), CodedConcept("{ratio}", "UCUM", "ratio"))
    for letter, what, bound in zip(("LOW", "HIGH"), ("lower", "upper"), ratio.ci95 or (), strict=False):
        if math.isfinite(bound):
            name = CodedConcept(f"M2E-{letter}", SCHEME, f"M:E, {what} limit, 95 % interval")
            yield Measurement(name, round(bound, 2), CodedConcept("{ratio}", "UCUM", "ratio"))


def _own(row: ClassCount, letter: str, what: str) -> Any:
    from highdicom.sr.coding import CodedConcept

    code = row.code if row.code in CLASSES else row.code[:6].upper()
    return CodedConcept(f"{code}-{letter}", SCHEME, long_string(f"{row.name}, {what}"))


def _share_name(row: ClassCount, by_eye: bool) -> Any:
    """Return the name of a percentage: LOINC's where it is true, otherwise one of this program."""
    from highdicom.sr.coding import CodedConcept

    code = loinc.loinc_of(row.code, by_eye=by_eye)
    if code is None:
        return _own(row, "P", "percent of counted cells")
    return CodedConcept(code.code, _LOINC, code.display or f"{row.name}, percent of counted cells")
