"""Findings in words: kept with the case, taken back like any act, and never a patient's name."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import Cells, Frame
from napari_bonemarrow.review import Case, CaseError
from napari_bonemarrow.review.journal.line_schema import read_line
from napari_bonemarrow.slides import slide_from_array

CELLS = Cells(*(np.array([value]) for value in (1, 150.0, 150.0, np.float32(8), np.float32(1), True)))


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    slide = slide_from_array(np.zeros((300, 300, 3), np.uint8), 0.1, tmp_path / "a.png")
    with Case.create(tmp_path / "a.bmcase", slide, reviewer="Ada") as made:
        made.sampling.set_frame(Frame.whole_field(300, 300))
        made.detection.record(CELLS)
        yield made


def reopened(case: Case) -> dict[str, str]:
    with Case.open(case.path, read_only=True) as again:
        return dict(again.findings.values)


def test_findings_are_kept_and_undone_together(case: Case) -> None:
    case.findings.set({"site": "iliac crest", "comment": "  #let x\n<b>„ü“ "})
    case.findings.set({"site": "", "cellularity": "high"})
    assert reopened(case) == {"comment": "#let x\n<b>„ü“", "cellularity": "high"}
    case.undo()
    assert reopened(case) == {"site": "iliac crest", "comment": "#let x\n<b>„ü“"}
    case.undo()
    assert reopened(case) == {}
    case.redo()
    assert reopened(case)["site"] == "iliac crest"
    assert case.verify().ok


def test_what_stands_already_is_no_act(case: Case) -> None:
    case.findings.set({"site": "sternum"})
    lines = case.history.last.seq
    assert case.findings.set({"site": " sternum ", "comment": ""}) is None
    assert case.history.last.seq == lines


@pytest.mark.parametrize("key", ["patient", "sample_number", "requester"])
def test_who_a_sample_is_of_is_refused(case: Case, key: str) -> None:
    with pytest.raises(CaseError, match="never keeps"):
        case.findings.set({key: "Anna Muster"})
    assert b"Muster" not in case.path.read_bytes()


@pytest.mark.parametrize("key", ["", "Site", "a b", "../x", "x" * 41])
def test_a_key_is_a_plain_word(case: Case, key: str) -> None:
    with pytest.raises(CaseError, match="no key"):
        case.findings.set({key: "x"})


def test_a_text_has_a_largest_length(case: Case) -> None:
    with pytest.raises(CaseError, match="too many"):
        case.findings.set({"comment": "x" * 20_001})


def test_a_signed_case_refuses_them(case: Case) -> None:
    case.set_label(1, "BLA")
    case.sign("Ada")
    with pytest.raises(CaseError, match="was signed"):
        case.findings.set({"site": "sternum"})


def test_a_blind_reading_has_its_own_and_settling_has_both(case: Case) -> None:
    case.set_label(1, "BLA")
    case.findings.set({"site": "sternum", "comment": "blasts"})
    case.readings.begin_second("Ben")
    assert dict(case.findings.values) == {}
    case.findings.set({"comment": "none", "quality": "thick"})
    case.set_label(1, "LYT")
    case.readings.end()
    case.readings.begin_settling("Cem")
    assert dict(case.findings.values) == {"site": "sternum", "comment": "blasts", "quality": "thick"}


def test_a_line_that_names_a_patient_is_rejected(case: Case) -> None:
    case.findings.set({"site": "sternum"})
    with sqlite3.connect(case.path) as base:
        (body,) = base.execute("SELECT body FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    assert read_line(body.encode())[1] == ""
    assert read_line(body.replace('"site"', '"patient"').encode())[1] != ""
    assert read_line(body.replace("sternum", "x" * 20_001).encode())[1] != ""
