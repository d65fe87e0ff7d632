"""Whether a smear looks like what its model was taught with: the rule and what is made of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from napari_bonemarrow.cytology import BMC21, Differential, DomainCheck, Support
from napari_bonemarrow.cytology.domain import FEWEST, LEVEL, UNLIKE_TEXT, USUAL_DOUBTFUL, USUAL_STRANGE
from napari_bonemarrow.cytology.intervals import binomial_tail

LACKING = {**dict.fromkeys(BMC21, Support.TRAINED), "PLM": Support.NONE}


@given(st.integers(0, 2000), st.integers(1, 2000), st.floats(0.01, 0.99))
def test_the_binomial_tail_is_scipys(count: int, total: int, share: float) -> None:
    count = min(count, total)
    expected = stats.binom.sf(count - 1, total, share)
    assert binomial_tail(count, total, share) == pytest.approx(expected, rel=1e-6, abs=1e-13)


@pytest.mark.parametrize("cells", [FEWEST, 25, 50, 100, 300, 500, 3000])
def test_a_smear_with_the_usual_share_alarms_in_one_of_a_hundred_at_most(cells: int) -> None:
    first = next(n for n in range(cells + 1) if DomainCheck(cells, n, 0).unlike)
    assert stats.binom.sf(first - 1, cells, USUAL_STRANGE) <= LEVEL
    doubted = next(n for n in range(cells + 1) if DomainCheck(cells, 0, n).unlike)
    assert stats.binom.sf(doubted - 1, cells, USUAL_DOUBTFUL) <= LEVEL
    assert DomainCheck(cells, 0, 0).to_dict()["false_alarm_rate"] == 2 * LEVEL == 0.01
    # Nor is the rule idle: three in five strange cells are enough in any number of cells.
    assert DomainCheck(cells, round(0.6 * cells)).unlike


def test_few_cells_tell_nothing() -> None:
    check = DomainCheck(FEWEST - 1, FEWEST - 1, FEWEST - 1)
    assert not check.unlike
    assert "Too few cells" in check.text


def test_only_cells_that_were_measured_are_looked_at() -> None:
    strangeness = np.array([0.99] * 20 + [0.5] * 10 + [np.nan] * 5, np.float32)
    confidence = np.linspace(0, 1, 35, dtype=np.float32)
    check = DomainCheck.of_cells(strangeness, confidence, 0.5)
    assert check == DomainCheck(30, 20, 17)
    assert DomainCheck.of_cells(strangeness, confidence) == DomainCheck(30, 20, None)
    assert DomainCheck.of_cells(np.full(5, np.nan, np.float32), confidence[:5], 0.5) is None


def count(waiting: int, domain: DomainCheck | None) -> Differential:
    codes = ["BLA"] * 10 + ["LYT"] * 30
    marks = [True] * (40 - waiting) + [False] * waiting
    return Differential.compute(codes, marks, LACKING, domain=domain)


def test_an_unlike_smear_is_said_before_any_other_note_until_all_is_reviewed() -> None:
    foreign = DomainCheck(40, 31, 22)
    note = count(40, foreign)
    assert note.flags[0].code == "unlike_training"
    assert note.unlike_text.startswith(UNLIKE_TEXT)
    assert "31 of 40 cells (78 %)" in note.unlike_text
    assert "22 of 40 cells (55 %)" in note.unlike_text
    assert count(1, foreign).unlike_text
    assert not count(0, foreign).unlike_text
    assert not count(40, DomainCheck(40, 3, 4)).unlike_text


def test_a_bundle_without_statistics_says_that_nothing_was_checked() -> None:
    assert "domain_unchecked" in {flag.code for flag in count(40, None).flags}
    assert "domain_unchecked" not in {flag.code for flag in count(0, None).flags}
    assert "domain_unchecked" not in {flag.code for flag in count(40, DomainCheck(40, 3)).flags}
    assert count(40, None).to_dict()["domain"] is None


def test_json_has_the_figures_and_the_rule() -> None:
    document = json.loads(json.dumps(count(40, DomainCheck(40, 31, 22)).to_dict(), allow_nan=False))
    domain = document["domain"]
    assert (domain["unlike_training"], domain["cells"], domain["strange"], domain["doubtful"]) == (
        True,
        40,
        31,
        22,
    )
    assert (domain["strange_limit"], domain["usual_strange"], domain["usual_doubtful"]) == (0.95, 0.2, 0.25)
