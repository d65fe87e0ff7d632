from __future__ import annotations

import re

import pytest

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.report.exchange import codes

ALL = [*(each for row in codes.ROWS.values() for each in row), codes.PANEL, codes.REPORT]
ALL += [codes.COUNTED, codes.M_TO_E]


@pytest.mark.parametrize("code", ALL, ids=lambda code: code.code)
def test_the_check_digit_of_each_code_is_right(code: codes.LoincCode) -> None:
    number, digit = re.fullmatch(r"(\d{1,7})-(\d)", code.code).groups()  # type: ignore[union-attr]
    assert codes.check_digit(number) == int(digit)
    for at, wrong in ((at, wrong) for at in range(len(number)) for wrong in "0123456789"):
        if wrong != number[at]:
            assert codes.check_digit(number[:at] + wrong + number[at + 1 :]) != int(digit)


def test_a_code_means_one_thing() -> None:
    assert len({each.code for each in ALL}) == len(ALL)
    assert set(codes.ROWS) <= {*CLASSES, "erythroid"}
    assert set(codes.CELL_ONTOLOGY) <= set(CLASSES)
    assert all(re.fullmatch(r"CL:\d{7}", each) for each in codes.CELL_ONTOLOGY.values())


@pytest.mark.parametrize("code", ["FGC", "LYI", "HAC", "ABE", "KSC", "ART", "EBO"])
def test_what_has_no_code_is_given_none(code: str) -> None:
    assert codes.loinc_of(code, by_eye=True) is None


def test_by_manual_count_is_said_only_of_what_was_counted_by_eye() -> None:
    for row in codes.ROWS:
        assert codes.loinc_of(row, by_eye=True).manual  # type: ignore[union-attr]
        unseen = codes.loinc_of(row, by_eye=False)
        assert unseen is None or not unseen.manual
    assert codes.loinc_of("EOS", by_eye=False).code == "11152-6"  # type: ignore[union-attr]


def test_a_display_name_says_whether_it_was_counted_by_eye() -> None:
    assert all(each.manual == each.display.endswith("by Manual count") for each in ALL if each.display)
