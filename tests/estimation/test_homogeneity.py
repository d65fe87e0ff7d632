"""The test of homogeneity, against the formula written out and by its false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from napari_bonemarrow.estimation.homogeneity import homogeneity


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(20, 400), min_size=4, max_size=4), min_size=2, max_size=3))
def test_it_equals_the_formula(rows: list[list[int]]) -> None:
    codes = ("BLA", "EBO", "LYT", "NGS")
    found = homogeneity([dict(zip(codes, row, strict=True)) for row in rows])
    assert found is not None
    table = np.array(rows, float)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    if expected.min() < 5:
        return
    statistic = ((table - expected) ** 2 / expected).sum()
    assert found.statistic == pytest.approx(statistic, rel=1e-9)
    assert found.p_value == pytest.approx(chi2.sf(statistic, found.degrees), rel=1e-9, abs=1e-12)
    assert found.degrees == (len(rows) - 1) * 3
    assert found.pooled == ()


def test_classes_with_few_expected_cells_are_pooled_and_named() -> None:
    found = homogeneity(
        [{"BLA": 3, "BAS": 1, "MON": 4, "NGS": 192}, {"BLA": 4, "BAS": 0, "MON": 5, "NGS": 191}]
    )
    assert found is not None
    assert set(found.pooled) == {"BAS", "BLA", "MON"}
    assert found.degrees == 1


def test_smears_of_one_patient_rarely_differ_and_different_ones_do() -> None:
    generator = np.random.default_rng(2)
    codes, shares = ("BLA", "EBO", "LYT", "NGS", "BAS"), [0.1, 0.25, 0.15, 0.495, 0.005]

    def smear(parts: list[float]) -> dict[str, int]:
        return dict(zip(codes, generator.multinomial(500, parts).tolist(), strict=True))

    alarms = [homogeneity([smear(shares), smear(shares)]) for _ in range(300)]
    assert 0.02 < np.mean([each is not None and each.differ for each in alarms]) < 0.09
    other = homogeneity([smear(shares), smear([0.3, 0.25, 0.15, 0.295, 0.005])])
    assert other is not None
    assert other.differ


def test_too_few_cells_are_not_tested() -> None:
    assert homogeneity([{"BLA": 3}, {"BLA": 2}]) is None
    assert homogeneity([{"BLA": 300, "NGS": 200}]) is None
    assert homogeneity([{"BLA": 300, "NGS": 200}, {}]) is None
