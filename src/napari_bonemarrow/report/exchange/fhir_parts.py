"""Parts of FHIR R4 resources as plain data: concepts, quantities, references and narratives."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from napari_bonemarrow.cytology.profiles import ReferenceRange
from napari_bonemarrow.report.exchange.codes import LOINC, UCUM, LoincCode

Part = dict[str, Any]

_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_SECTION = "http://terminology.hl7.org/CodeSystem/v2-0074"
_SPECIMEN = "http://terminology.hl7.org/CodeSystem/v2-0487"
_INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_INTERPRETED = {"L": "Low", "H": "High", "N": "Normal"}
_XHTML = "http://www.w3.org/1999/xhtml"


def identity(case_id: str, name: str) -> str:
    """Return the UUID of a resource, the same for each export of a case."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:uuid:{case_id}#{name}"))


def reference(identifier: str) -> Part:
    """Return a reference to a resource of the same bundle."""
    return {"reference": f"urn:uuid:{identifier}"}


def concept(text: str, loinc: LoincCode | None = None) -> Part:
    """Return a concept: a text, with a LOINC code where there is one."""
    if loinc is None:
        return {"text": text}
    coding = {"system": LOINC, "code": loinc.code}
    if loinc.display:
        coding["display"] = loinc.display
    return {"coding": [coding], "text": text}


LABORATORY = {"coding": [{"system": _CATEGORY, "code": "laboratory", "display": "Laboratory"}]}
HAEMATOLOGY = {"coding": [{"system": _SECTION, "code": "HM", "display": "Hematology"}]}
MARROW = {"coding": [{"system": _SPECIMEN, "code": "MAR", "display": "Marrow"}], "text": "Bone marrow"}


def absent(code: str, why: str) -> Part:
    """Return the reason why there is no value, by its code in ``data-absent-reason``."""
    return {"coding": [{"system": _ABSENT, "code": code}], "text": why}


def quantity(value: float, unit: str = "%", comparator: str = "") -> Part:
    """Return a number with a UCUM unit; ``{ratio}`` is dimensionless."""
    part: Part = {"value": value, "unit": unit.strip("{}"), "system": UCUM, "code": unit}
    return {**part, "comparator": comparator} if comparator else part


def interval(text: str, low: float, high: float, unit: str = "%") -> Part:
    """Return a component with an interval; an infinite bound is left out."""
    bounds = {"low": low, "high": high}
    known = {name: quantity(round(bound, 2), unit) for name, bound in bounds.items() if abs(bound) < 1e9}
    return {"code": concept(text), "valueRange": known}


def measure(text: str, value: float, unit: str = "%") -> Part:
    """Return a component with a measured number."""
    return {"code": concept(text), "valueQuantity": quantity(value, unit)}


def number(text: str, value: int, loinc: LoincCode | None = None) -> Part:
    """Return a component with a whole number."""
    return {"code": concept(text, loinc), "valueInteger": value}


def reference_ranges(ranges: Sequence[ReferenceRange], unit: str = "%") -> Part:
    """Return the element with the ranges of healthy people, each with its source; empty without any."""
    listed = [
        {"low": quantity(each.low, unit), "high": quantity(each.high, unit), "text": each.source}
        for each in ranges
    ]
    return {"referenceRange": listed} if listed else {}


def interpretation(value: float, ranges: Sequence[ReferenceRange]) -> Part:
    """Return the element that says whether a value lies in the range of the profile's first source."""
    if not ranges:
        return {}
    first = ranges[0]
    code = "L" if value < first.low else "H" if value > first.high else "N"
    coding = {"system": _INTERPRETATION, "code": code, "display": _INTERPRETED[code]}
    return {"interpretation": [{"coding": [coding], "text": f"{_INTERPRETED[code]}, by {first.source}"}]}


def narrative(*lines: str) -> Part:
    """Return the text of a resource for people, a paragraph per line."""
    return _narrative("".join(f"<p>{escape(line)}</p>" for line in lines if line))


def narrative_table(
    lines: Iterable[str], head: Iterable[str], rows: Iterable[Iterable[str]], after: Iterable[str]
) -> Part:
    """Return the text of a resource for people: paragraphs, a table, and paragraphs."""
    before, behind = ("".join(f"<p>{escape(line)}</p>" for line in each if line) for each in (lines, after))
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    table = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return _narrative(before + table + behind)


def _narrative(content: str) -> Part:
    legal = "".join(letter for letter in content if letter in "\t\n\r" or letter >= " ")
    return {"status": "generated", "div": f'<div xmlns="{_XHTML}">{legal}</div>'}
