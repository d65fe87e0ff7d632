"""The FHIR R4 bundle by R4's own rules, and what it says of a count at each stage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_bonemarrow.report import ReportError, export
from napari_bonemarrow.report.exchange.fhir import fhir_bundle
from napari_bonemarrow.report.page.options import ReportOptions
from napari_bonemarrow.review import Case
from tests.report.test_record import review_all

from .r4 import check


def resources(case: Case, **options: object) -> dict[str, dict]:
    """Return the checked resources by a name: report, panel, device, specimen, and rows by code."""
    found = check(fhir_bundle(case, **options))  # type: ignore[arg-type]
    named = {each["resourceType"]: each for each in found if each["resourceType"] != "Observation"}
    observations = [each for each in found if each["resourceType"] == "Observation"]
    named["panel"] = observations[0]
    for each in observations[1:]:
        text = each["code"]["text"]
        named[text.partition("(")[2].partition(")")[0] or text] = each
    return named


def code_of(observation: dict) -> str:
    return next((coding["code"] for coding in observation["code"].get("coding", ())), "")


def component(observation: dict, start: str) -> dict:
    (found,) = [each for each in observation["component"] if each["code"]["text"].startswith(start)]
    return found


def test_the_file_is_the_bundle(case: Case, tmp_path: Path) -> None:
    export(case, "fhir", tmp_path / "fhir.json")
    assert json.loads((tmp_path / "fhir.json").read_text("utf-8")) == fhir_bundle(case)


def test_an_unreviewed_count_is_preliminary_without_codes_of_a_count_by_eye(case: Case) -> None:
    found = resources(case)
    assert found["DiagnosticReport"]["status"] == "preliminary"
    assert found["DiagnosticReport"]["code"]["coding"][0]["code"] == "48807-2"
    assert code_of(found["panel"]) == "47286-0"
    assert code_of(found["BLA"]) == ""
    assert code_of(found["EOS"]) == "11152-6"
    assert found["BLA"]["method"]["text"].startswith("classification by the model tiny")
    assert found["PLM"]["dataAbsentReason"]["coding"][0]["code"] == "temp-unknown"
    assert "valueQuantity" not in found["PLM"]
    assert component(found["PLM"], "cells")["valueInteger"] == 2
    assert component(found["panel"], "artefact")["valueInteger"] == 3
    assert found["Device"]["deviceName"] == [{"name": "tiny", "type": "model-name"}]
    assert "performer" not in found["panel"]
    assert "subject" not in found["panel"]


def test_a_reviewed_count_has_codes_values_and_intervals(case: Case) -> None:
    review_all(case)
    found, count = resources(case), case.differential()
    assert code_of(found["BLA"]) == "11150-0"
    assert code_of(found["erythroid"]) == "40689-2"
    assert found["BLA"]["valueQuantity"] == {
        "value": count.row("BLA").percent,
        "unit": "%",
        "system": "http://unitsofmeasure.org",
        "code": "%",
    }
    values = [found[row.code]["valueQuantity"]["value"] for row in count.classes]
    assert sum(values) == pytest.approx(100)
    low, high = count.row("BLA").ci95  # type: ignore[misc]
    bounds = component(found["BLA"], "95 % interval")["valueRange"]
    assert (bounds["low"]["value"], bounds["high"]["value"]) == (round(low, 2), round(high, 2))
    assert found["M:E"]["dataAbsentReason"]["coding"][0]["code"] == "positive-infinity"
    assert set(component(found["M:E"], "95 %")["valueRange"]) == {"low"}


def test_ranges_have_their_source_and_only_a_reviewed_value_is_held_against_them(case: Case) -> None:
    ranges = case.differential().row("LYT").references
    assert ranges
    before = resources(case)["LYT"]
    assert [each["text"] for each in before["referenceRange"]] == [each.source for each in ranges]
    assert "interpretation" not in before
    review_all(case)
    after = resources(case)["LYT"]
    value, first = after["valueQuantity"]["value"], ranges[0]
    expected = "L" if value < first.low else "H" if value > first.high else "N"
    assert after["interpretation"][0]["coding"][0]["code"] == expected
    assert first.source in after["interpretation"][0]["text"]


def test_an_adjusted_count_stands_beside_the_raw_one(by_model: Case) -> None:
    found, adjusted = resources(by_model), by_model.differential().adjusted
    assert adjusted is not None
    share = adjusted.row("NGS")
    assert share is not None
    assert found["NGS"]["valueQuantity"]["value"] == 36.4
    told = [each for each in found["NGS"]["component"] if each["code"]["text"].startswith("adjusted")]
    assert all(each["code"]["text"].endswith("from held-out cells, not this smear") for each in told)
    assert told[0]["valueQuantity"]["value"] == round(share.percent, 1)
    limits = told[1]["valueRange"]
    assert (limits["low"]["value"], limits["high"]["value"]) == tuple(round(each, 2) for each in share.ci95)
    (ratio, _limits) = [each for each in found["M:E"]["component"] if "adjusted" in each["code"]["text"]]
    assert ratio["valueQuantity"]["value"] == round(adjusted.m_to_e, 2)
    assert not any("adjusted" in each["code"]["text"] for each in found["PRM"].get("component", ()))
    review_all(by_model)
    assert "adjusted" not in str(resources(by_model))


def test_a_value_is_held_against_its_range_before_it_is_rounded(make_case: Callable[..., Case]) -> None:
    case = make_case(["PMO"] * 49 + ["NGS"] * 2401)  # the range begins at 2 %
    review_all(case)
    assert case.differential().row("PMO").references[0].low == 2
    found = resources(case)["PMO"]
    assert found["valueQuantity"]["value"] == 2.0
    assert found["interpretation"][0]["coding"][0]["code"] == "N"
    case.set_label(case.cells.cell_id[48:49], "NGS")
    found = resources(case)["PMO"]
    assert found["valueQuantity"]["value"] == 2.0
    assert found["interpretation"][0]["coding"][0]["code"] == "L"


def test_a_requester_is_a_note_and_an_unknown_field_is_refused(case: Case, tmp_path: Path) -> None:
    found = resources(case, options=ReportOptions(fields={"requester": "Ward 3"}))
    assert {"text": "Requester: Ward 3"} in found["panel"]["note"]
    with pytest.raises(ReportError, match="patent: no such field: choose one of patient, "):
        fhir_bundle(case, options=ReportOptions(fields={"patent": "Jane"}))


@pytest.mark.parametrize(
    ("text", "says"),
    [("\ud800", "patient: holds bytes that are not text"), ("x" * 20_001, "20001 characters")],
)
@pytest.mark.parametrize("name", ["fhir", "pdf"])
def test_a_field_that_no_file_can_hold_is_refused(
    case: Case, tmp_path: Path, name: str, text: str, says: str
) -> None:
    options = ReportOptions(montage=False, fields={"patient": text})
    with pytest.raises(ReportError, match=says):
        export(case, name, tmp_path / "out", options=options)
    assert not (tmp_path / "out").exists()


def test_findings_in_words_are_told(case: Case) -> None:
    case.findings.set({"conclusion": "normal <marrow>", "site": "sternum"})
    found = resources(case)
    assert found["DiagnosticReport"]["conclusion"] == "normal <marrow>"
    assert "Site: sternum" in [note["text"] for note in found["panel"]["note"]]


def test_the_status_follows_the_signatures(case: Case) -> None:
    review_all(case)
    case.sign("Dr Ada")
    found = resources(case)
    assert {found[name]["status"] for name in ("DiagnosticReport", "panel", "BLA")} == {"final"}
    assert found["BLA"]["performer"] == [{"type": "Practitioner", "display": "Dr Ada"}]
    case.sign_off.begin_amendment("typing error")
    found = resources(case)
    assert found["DiagnosticReport"]["status"] == "preliminary"
    assert "performer" not in found["DiagnosticReport"]
    assert found["panel"]["note"][0]["text"].startswith("An amendment is under way")
    case.sign("Dr Ada")
    assert resources(case)["panel"]["status"] == "amended"
    case.sign_off.begin_amendment("a cell was missed")
    case.set_label(5, "PLM")
    case.sign("Dr Bea")
    assert resources(case)["panel"]["status"] == "corrected"


def test_an_anonymous_bundle_names_nobody_and_no_file(case: Case) -> None:
    case.sign("Dr Ada", "only part")
    options = ReportOptions(fields={"patient": "Jane <Doe>", "sample_number": "B-17"})
    named = json.dumps(fhir_bundle(case, options=options), ensure_ascii=False)
    assert all(name in named for name in ("Müller <4711>", "Dr Ada", "Jane <Doe>", "B-17"))
    hidden = json.dumps(fhir_bundle(case, anonymous=True, options=options), ensure_ascii=False)
    assert not any(name in hidden for name in ("4711", "Müller", "Ada", "Jane", "B-17"))
    assert resources(case, options=options)["panel"]["subject"]["display"] == "Jane <Doe>"


def test_a_blind_reading_tells_nothing_of_the_model_and_the_first_reader(case: Case) -> None:
    review_all(case)
    case.readings.begin_second("Dr B")
    found = resources(case)
    assert "Device" not in found
    assert component(found["panel"], "cells counted")["valueInteger"] == 0
    text = json.dumps(found)
    assert "tiny" not in text
    assert "Dr A" not in text


@pytest.mark.parametrize(
    "codes", [[], ["ART"] * 5, ["LYT"] * 7], ids=("no cell", "none counted", "one class")
)
def test_counts_of_nothing_and_of_one_class_are_valid(
    make_case: Callable[..., Case], codes: list[str]
) -> None:
    case = make_case(codes)
    found = resources(case)
    if codes != ["LYT"] * 7:
        assert found["LYT"]["dataAbsentReason"]["coding"][0]["code"] == "not-performed"
    review_all(case)
    found = resources(case)
    if "LYT" in codes:
        assert found["LYT"]["valueQuantity"]["value"] == 100.0
        assert found["BLA"]["valueQuantity"]["value"] == 0.0


def test_a_name_with_markup_stays_text(make_case: Callable[..., Case]) -> None:
    case = make_case(["LYT"] * 3, name='a <b> & "c".png')
    review_all(case)
    case.sign("<script>alert(1)</script>\x07")
    text = resources(case)["DiagnosticReport"]["text"]["div"]
    assert "<script" not in text


def test_a_bundle_of_the_same_state_is_the_same(case: Case) -> None:
    assert fhir_bundle(case) == fhir_bundle(case)
    before = {entry["fullUrl"] for entry in fhir_bundle(case)["entry"]}
    case.set_label(7, "BLA")
    assert {entry["fullUrl"] for entry in fhir_bundle(case)["entry"]} == before
