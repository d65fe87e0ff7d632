"""A count as a FHIR R4 bundle: the report, its panel, an observation per class, group and ratio.

R4 (hl7.org/fhir/R4) has no guide for a marrow differential, so base resources are used: a `DiagnosticReport`
whose result is a panel `Observation` with a member per figure. The bundle is a ``collection``: a ``document``
would need a Composition with a known patient and author, and a ``transaction`` would tell a server to store
it before somebody has assigned it to a patient.

Cells are not exported one by one: R4 has no resource for a cell, and an Observation each would be 100,000
resources of which none is a result. They are in GeoJSON, COCO, DICOM and CSV.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari_bonemarrow.cytology import CLASSES, ClassCount, Differential, Ratio
from napari_bonemarrow.cytology.profiles import ReferenceRange
from napari_bonemarrow.cytology.rows import ADJUSTED_FROM, OF_NAMED_TEXT, AdjustedCount
from napari_bonemarrow.cytology.statements import RESEARCH_USE
from napari_bonemarrow.report.exchange import codes, fhir_parts
from napari_bonemarrow.report.exchange.fhir_parts import Part, concept, identity, reference
from napari_bonemarrow.report.exchange.status import counting_method, shown_signature, status_of
from napari_bonemarrow.report.files import ReportError, write_text
from napari_bonemarrow.report.page.options import ReportOptions
from napari_bonemarrow.review import Case
from napari_bonemarrow.review.journal.program import program_name
from napari_bonemarrow.review.report_fields import FIELDS

_IDENTITY = ("patient", "sample_number")
"""Fields with a place of their own; all others are notes."""


def write_fhir(
    case: Case, path: Path, *, anonymous: bool = False, options: ReportOptions | None = None
) -> None:
    """Write the count as a FHIR R4 bundle in JSON.

    Parameters
    ----------
    case : Case
    path : Path
    anonymous : bool
        Name neither the slide's file nor a person.
    options : ReportOptions, optional
        Its identity fields: ``patient`` becomes the subject's name and ``sample_number`` the accession
        number; without them no resource has a subject. ``requester`` is a note of the panel.

    Raises
    ------
    ReportError
    """
    bundle = fhir_bundle(case, anonymous=anonymous, options=options)
    write_text(path, json.dumps(bundle, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def fhir_bundle(
    case: Case, *, anonymous: bool = False, options: ReportOptions | None = None
) -> dict[str, Any]:
    """Return the bundle as plain data, see `write_fhir`; the same for each export of the same state."""
    chosen = ReportOptions() if options is None or anonymous else options
    unknown = [key for key in chosen.fields if key not in FIELDS and key not in case.findings.values]
    if unknown and not chosen.layout:
        raise ReportError(f"{unknown[0]}: no such field: choose one of {', '.join(FIELDS)}")
    made = _Bundle(case, anonymous, chosen)
    entries = [
        {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource} for resource in made.resources()
    ]
    name = identity(case.case_id, "bundle")
    return {
        "resourceType": "Bundle",
        "id": name,
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{name}"},
        "type": "collection",
        "timestamp": case.history.last.at,
        "entry": entries,
    }


class _Bundle:
    """The resources of one case."""

    def __init__(self, case: Case, anonymous: bool, options: ReportOptions) -> None:
        self._case, self._anonymous, self._options = case, anonymous, options
        self._count: Differential = case.differential()
        self._status, self._method = status_of(case), counting_method(case, self._count)

    def resources(self) -> Iterator[Part]:
        """Yield the report first, then its panel and the panel's members, device and specimen."""
        members = [*self._members()]
        yield self._report()
        yield self._panel(members)
        yield from members
        yield from self._device()
        yield self._specimen()

    def _id(self, name: str) -> str:
        return identity(self._case.case_id, name)

    def _shared(self) -> Part:
        """Return what the report and each observation have in common."""
        shared: Part = {"status": self._status, "issued": self._case.history.last.at}
        if patient := self._options.fields.get("patient"):
            shared["subject"] = {"type": "Patient", "display": patient}
        signature = shown_signature(self._case)
        if signature is not None and not self._anonymous:
            shared["performer"] = [{"type": "Practitioner", "display": signature.name}]
        return shared

    def _report(self) -> Part:
        count = self._count
        rows = [
            (row.code, row.name, row.count_text, row.percent_text, row.ci_text)
            for row in (*count.classes, *count.groups)
        ]
        rows.append(("M:E", codes.M_TO_E.display, "", count.ratios["m_to_e"].text, ""))
        head = (f"{RESEARCH_USE}.", self._case.distrust, f"{count.counted} cells counted; {self._method}.")
        report: Part = {
            "resourceType": "DiagnosticReport",
            "id": self._id("report"),
            "text": fhir_parts.narrative_table(
                head, ("Code", "Class", "Cells", "Percent", "95 % interval"), rows, self._notes()
            ),
            "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{self._case.case_id}"}],
            "category": [fhir_parts.HAEMATOLOGY],
            "code": concept("Differential count of a bone-marrow smear", codes.REPORT),
            **self._shared(),
            "specimen": [reference(self._id("specimen"))],
            "result": [reference(self._id("panel"))],
        }
        told = (self._case.distrust, self._findings().get("conclusion", ""))
        if any(told):
            report["conclusion"] = "\n".join(filter(None, told))
        return report

    def _findings(self) -> dict[str, str]:
        """Return what the reviewer states in words, by key; who the sample is of is not among it."""
        known = self._case.findings.values
        replaced = {key: text for key, text in self._options.fields.items() if key not in _IDENTITY}
        return {key: text for key, text in {**known, **replaced}.items() if text}

    def _notes(self) -> list[str]:
        """Return the notes on the count, the case's own state first."""
        told = [self._case.distrust] if self._case.distrust else []
        signatures = self._case.sign_off.signatures
        if signatures and signatures[-1].amended is not None and not self._case.is_signed:
            told.append(f"An amendment is under way; not signed at present. Reason: {signatures[-1].amended}")
        told += [str(each.text) for each in (*self._count.flags, *self._count.notes)]
        return [*told, f"{RESEARCH_USE}."]

    def _observation(self, name: str, code: Part, text: str) -> Part:
        observation: Part = {
            "resourceType": "Observation",
            "id": self._id(name),
            "text": fhir_parts.narrative(text, self._case.distrust),
            "category": [fhir_parts.LABORATORY],
            "code": code,
            **self._shared(),
            "method": {"text": self._method},
            "specimen": reference(self._id("specimen")),
        }
        if self._case.predictions is not None:
            observation["device"] = reference(self._id("device"))
        if self._case.distrust:
            observation["note"] = [{"text": self._case.distrust}]
        return observation

    def _panel(self, members: list[Part]) -> Part:
        count = self._count
        text = f"{count.counted} of {count.target} cells counted, {count.reviewed} reviewed"
        panel = self._observation("panel", concept("Differential count, bone marrow", codes.PANEL), text)
        said = [
            f"{key.replace('_', ' ').capitalize()}: {text}"
            for key, text in self._findings().items()
            if key != "conclusion"
        ]
        panel["note"] = [{"text": text} for text in (*self._notes(), *said)]
        panel["hasMember"] = [reference(member["id"]) for member in members]
        panel["component"] = [
            fhir_parts.number("cells counted", count.counted, codes.COUNTED),
            fhir_parts.number("cells to count", count.target),
            fhir_parts.number("cells reviewed, counted or not", count.reviewed),
            fhir_parts.number("cells not reviewed", count.unreviewed),
            *(
                fhir_parts.number(f"{CLASSES[code].name} ({code}), left out of the count", cells)
                for code, cells in count.excluded.items()
            ),
        ]
        return panel

    def _members(self) -> Iterator[Part]:
        by_eye, adjusted = self._count.fully_reviewed, self._count.adjusted
        for row in (*self._count.classes, *self._count.groups):
            label = f"{row.name} ({row.code}), of counted cells"
            code = concept(label, codes.loinc_of(row.code, by_eye=by_eye))
            cells = "" if row.known_count is None else f" ({row.known_count} cells)"
            text = f"{row.name}: {row.percent_text}{cells}"
            found = {**self._observation(f"row {row.code}", code, text), **_share(row, self._count.counted)}
            _add(found, _adjusted_share(adjusted, row.code))
            exact = 100 * row.count / max(self._count.counted, 1)
            yield {**found, **self._references(found, exact, row.references, "%")}
        ratio = self._count.ratios["m_to_e"]
        found = self._observation("m_to_e", concept("M:E", codes.M_TO_E), f"M:E {ratio.text}")
        note = [*found.get("note", ()), {"text": f"M:E = {ratio.definition}"}]
        found = {**found, "note": note, **_ratio(ratio)}
        _add(found, _adjusted_ratio(adjusted))
        yield {**found, **self._references(found, ratio.value, ratio.references, "{ratio}")}

    def _references(
        self, observation: Part, exact: float | None, ranges: tuple[ReferenceRange, ...], unit: str
    ) -> Part:
        """Return the ranges of healthy people, and where a reviewed value lies in them, unrounded."""
        found = fhir_parts.reference_ranges(ranges, unit)
        if exact is not None and "valueQuantity" in observation and self._count.fully_reviewed:
            found |= fhir_parts.interpretation(exact, ranges)
        return found

    def _device(self) -> Iterator[Part]:
        """Yield the model, unless the reading is blind to it."""
        predictions = self._case.predictions
        if predictions is None:
            return
        model, program = predictions.model, program_name()
        yield {
            "resourceType": "Device",
            "id": self._id("device"),
            "text": fhir_parts.narrative(f"Model {model.name} in {program}. {RESEARCH_USE}."),
            "identifier": [{"type": {"text": "SHA-256 of the model bundle"}, "value": model.sha256}],
            "deviceName": [{"name": model.name, "type": "model-name"}],
            "version": [{"type": {"text": "program"}, "value": program}],
            "note": [{"text": f"{RESEARCH_USE}."}],
        }

    def _specimen(self) -> Part:
        record = self._case.slide_record
        specimen: Part = {
            "resourceType": "Specimen",
            "id": self._id("specimen"),
            "text": fhir_parts.narrative("Bone-marrow smear"),
            "identifier": [{"type": {"text": "fingerprint of the slide"}, "value": record.fingerprint}],
            "type": fhir_parts.MARROW,
        }
        if not self._anonymous and record.name and not record.is_nameless:
            specimen["note"] = [{"text": f"Slide: {record.name}"}]
        if number := self._options.fields.get("sample_number"):
            specimen["accessionIdentifier"] = {"value": number}
        return specimen


def _add(observation: Part, components: list[Part]) -> None:
    """Add components to an observation; R4 allows no empty list."""
    if components:
        observation["component"] = [*observation.get("component", ()), *components]


def _adjusted_share(adjusted: AdjustedCount | None, code: str) -> list[Part]:
    """Return the share adjusted by the model's errors and its interval; nothing without one."""
    share = None if adjusted is None else adjusted.row(code)
    if share is None:
        return []
    return [
        fhir_parts.measure(f"adjusted, {ADJUSTED_FROM}", round(share.percent, 1)),
        fhir_parts.interval(f"adjusted, 95 % interval, {ADJUSTED_FROM}", *share.ci95),
    ]


def _adjusted_ratio(adjusted: AdjustedCount | None) -> list[Part]:
    """Return M:E adjusted by the model's errors and its interval; nothing without one."""
    if adjusted is None:
        return []
    unit, limits = "{ratio}", adjusted.m_to_e_ci95
    return [
        fhir_parts.measure(f"adjusted, {ADJUSTED_FROM}", round(adjusted.m_to_e, 2), unit),
        fhir_parts.interval(f"adjusted, 95 % interval, {ADJUSTED_FROM}", *limits, unit=unit),
    ]


def _share(row: ClassCount, counted: int) -> Part:
    """Return the value of a class or group, or why there is none, with its count and interval."""
    components: list[Part] = []
    if row.known_count is not None:
        components.append(fhir_parts.number("cells", row.known_count))
    if row.ci95 is not None:
        how = "random sample" if row.seen is not None else "Wilson, sampling error only"
        components.append(fhir_parts.interval(f"95 % interval ({how})", *row.ci95))
    found: Part = {"component": components} if components else {}  # R4 allows no empty list
    if row.reliable and row.percent is not None:
        rare = row.count and row.percent < 0.05
        value = fhir_parts.quantity(0.1, comparator="<") if rare else fhir_parts.quantity(row.percent)
        return {"valueQuantity": value, **found}
    if row.reliable and row.seen is not None and row.ci95 is not None:
        return {"valueQuantity": fhir_parts.quantity(round(row.ci95[1], 1), comparator="<="), **found}
    if not counted:
        return {"dataAbsentReason": fhir_parts.absent("not-performed", "no cell was counted"), **found}
    why = row.percent_text if OF_NAMED_TEXT not in row.percent_text else "not every class can be named"
    return {"dataAbsentReason": fhir_parts.absent("temp-unknown", why), **found}


def _ratio(ratio: Ratio) -> Part:
    found: Part = {}
    if ratio.ci95 is not None:
        how = "random sample" if ratio.sampled else "sampling error only"
        found["component"] = [fhir_parts.interval(f"95 % interval ({how})", *ratio.ci95, unit="{ratio}")]
    if ratio.value is not None and math.isfinite(ratio.value):
        return {"valueQuantity": fhir_parts.quantity(round(ratio.value, 2), "{ratio}"), **found}
    code = "positive-infinity" if ratio.ci95 is not None else "temp-unknown"
    return {"dataAbsentReason": fhir_parts.absent(code, ratio.text), **found}
