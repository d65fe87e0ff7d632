"""The rules of FHIR R4 that a bundle of ours must keep (hl7.org/fhir/R4).

`fhirclient` checks types and required elements; this checks value sets that are required, identifiers,
references, invariants and the text for people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from fhirclient.models.bundle import Bundle

_BOTH = {"registered", "preliminary", "final", "amended", "corrected", "cancelled"}
_BOTH |= {"entered-in-error", "unknown"}
STATUS = {"DiagnosticReport": _BOTH | {"partial", "appended"}, "Observation": _BOTH}
ABSENT = {"unknown", "asked-unknown", "temp-unknown", "not-asked", "asked-declined", "masked"}
ABSENT |= {"as-text", "error"}
ABSENT |= {"not-applicable", "unsupported", "not-a-number", "not-performed", "not-permitted"}
ABSENT |= {"negative-infinity", "positive-infinity"}
DEVICE_NAMES = {"udi-label-name", "user-friendly-name", "patient-reported-name", "manufacturer-name"}
DEVICE_NAMES |= {"model-name", "other"}
BUNDLES = {"document", "message", "transaction", "transaction-response", "batch", "batch-response", "history"}
BUNDLES |= {"searchset", "collection"}
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_CODE = re.compile(r"\S+( \S+)*")
_XHTML = "{http://www.w3.org/1999/xhtml}"
_ALLOWED = {"div", "p", "table", "thead", "tbody", "tr", "th", "td"}


def walk(part: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a resource."""
    if isinstance(part, dict):
        yield part
        for value in part.values():
            yield from walk(value)
    elif isinstance(part, list):
        for each in part:
            yield from walk(each)


def check(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    """Check a bundle, and return its resources."""
    assert Bundle(bundle, strict=True).as_json() == bundle
    assert bundle["type"] in BUNDLES
    assert {"total", "link"} & bundle.keys() == set()  # bdl-1
    assert _INSTANT.fullmatch(bundle["timestamp"])
    places = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(places)) == len(places)  # bdl-7
    assert not {"search", "request", "response"} & {name for entry in bundle["entry"] for name in entry}
    resources = [entry["resource"] for entry in bundle["entry"]]
    for place, resource in zip(places, resources, strict=True):
        assert _UUID.fullmatch(place), place
        assert place == f"urn:uuid:{resource['id']}"
        check_resource(resource, set(places))
    return resources


def check_resource(resource: dict[str, Any], places: set[str]) -> None:
    kind = resource["resourceType"]
    assert _ID.fullmatch(resource["id"])
    if kind in STATUS:
        assert resource["status"] in STATUS[kind]
        assert _INSTANT.fullmatch(resource["issued"])
    check_narrative(resource["text"])  # dom-6
    for part in walk(resource):
        assert all(value not in ("", [], {}, None) for value in part.values()), part  # ele-1
        if "reference" in part:
            assert part["reference"] in places
        if "comparator" in part:
            assert part["comparator"] in ("<", "<=", ">=", ">")
        if "value" in part and "unit" in part:
            assert part["system"] == "http://unitsofmeasure.org"
            assert part["code"]  # qty-3
        if part.get("system") == "http://terminology.hl7.org/CodeSystem/data-absent-reason":
            assert part["code"] in ABSENT
        if "code" in part and isinstance(part["code"], str):
            assert _CODE.fullmatch(part["code"])
        if "low" in part and "high" in part:
            assert part["low"]["value"] <= part["high"]["value"]  # rng-2
            assert part["low"]["code"] == part["high"]["code"]
    if kind == "Observation":
        check_observation(resource)
    for name in resource.get("deviceName", ()):
        assert name["type"] in DEVICE_NAMES


def check_observation(resource: dict[str, Any]) -> None:
    values = [name for name in resource if name.startswith("value")]
    assert len(values) <= 1
    if "dataAbsentReason" in resource:
        assert not values  # obs-6
    if values:  # obs-7
        assert resource["code"] not in [each["code"] for each in resource.get("component", ())]
    assert values or "dataAbsentReason" in resource or "hasMember" in resource
    for component in resource.get("component", ()):
        assert len([name for name in component if name.startswith("value")]) == 1
    for each in resource.get("interpretation", ()):
        assert each["coding"][0]["code"] in ("L", "N", "H")
    for range_ in resource.get("referenceRange", ()):
        assert {"low", "high", "text"} & range_.keys()  # obs-3


def check_narrative(text: dict[str, str]) -> None:
    assert text["status"] in ("generated", "extensions", "additional", "empty")
    found = ElementTree.fromstring(text["div"])
    assert found.tag == f"{_XHTML}div"
    for element in found.iter():
        assert element.tag.removeprefix(_XHTML) in _ALLOWED  # txt-1
        assert not element.attrib
    assert "".join(found.itertext()).strip()  # txt-2
