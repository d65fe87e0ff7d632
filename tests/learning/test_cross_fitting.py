"""Cross-fitting: no cell's own label changes what is predicted of it, and the rest is a pure function."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from napari_bonemarrow.learning.cross_fitting import FEWEST_LABELS, CrossFit, cross_fit
from napari_bonemarrow.learning.learner import LearningMemory, learn
from napari_bonemarrow.learning.records import LearningInput
from tests.learning.drawn import KNOWN, TRUTH, draw, share_right


def fitted(given: LearningInput) -> CrossFit:
    found = cross_fit(given)
    assert found is not None
    return found


def by_code(found: CrossFit, row: int) -> dict[str, float]:
    """Return what is predicted of a cell, without classes that are not."""
    pairs = zip(found.classes, found.probabilities[row].tolist(), strict=True)
    return {code: each for code, each in pairs if each > 0}


def assert_same(a: CrossFit, b: CrossFit) -> None:
    assert a.classes == b.classes
    np.testing.assert_array_equal(a.cell_id, b.cell_id)
    np.testing.assert_array_equal(a.probabilities, b.probabilities)


def test_few_labels_are_not_worth_it() -> None:
    assert cross_fit(draw(200, FEWEST_LABELS - 1)[0]) is None
    assert cross_fit(draw(200, FEWEST_LABELS)[0]) is not None


def test_labelled_and_other_cells_are_predicted_alike() -> None:
    given, truth = draw(1200, 400, spread=0.8)
    found = fitted(given)
    assert found.probabilities.shape == (1200, len(found.classes))
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    labelled = share_right(found.probabilities[:400], found.classes, truth[:400])
    others = share_right(found.probabilities[400:], found.classes, truth[400:])
    alone = share_right(given.bundle.probabilities[400:], KNOWN, truth[400:])
    assert others > alone + 0.15
    assert labelled == pytest.approx(others, abs=0.07)
    own = learn(given)
    assert share_right(own.probabilities[400:], own.classes, truth[400:]) == pytest.approx(others, abs=0.05)


@pytest.mark.parametrize("row", [0, 3, 17, 79])
@pytest.mark.parametrize("code", [*TRUTH, "ART"])
def test_no_cell_is_influenced_by_its_own_label(row: int, code: str) -> None:
    given, _ = draw(200, 80)
    codes = list(given.codes)
    codes[row] = code
    changed = fitted(replace(given, codes=tuple(codes)))
    assert by_code(changed, row) == by_code(fitted(given), row)


def test_other_labels_do_influence_it() -> None:
    given, _ = draw(200, 80)
    changed = fitted(replace(given, codes=("ART", "ART", "ART", *given.codes[3:])))
    assert by_code(changed, 10) != by_code(fitted(given), 10)
    assert by_code(changed, 150) != by_code(fitted(given), 150)


def test_the_order_of_labels_makes_no_difference() -> None:
    given, _ = draw(300, 90)
    turned = replace(given, cell_id=given.cell_id[::-1].copy(), codes=given.codes[::-1])
    assert_same(fitted(turned), fitted(given))


def test_a_memory_changes_no_number() -> None:
    given, _ = draw(300, 90)
    memory = LearningMemory()
    learn(replace(given, cell_id=given.cell_id[:70], codes=given.codes[:70]), memory)
    again = cross_fit(given, memory=memory)
    assert again is not None
    assert_same(again, fitted(given))
    before, after = learn(given), learn(given, memory)
    np.testing.assert_array_equal(before.probabilities, after.probabilities)


def test_some_cells_are_predicted_as_all_are() -> None:
    given, _ = draw(300, 90)
    whole = fitted(given)
    some = cross_fit(given, np.array([250, 3, 90, 999]))
    assert some is not None
    assert some.cell_id.tolist() == [3, 90, 250]
    np.testing.assert_allclose(some.probabilities, whole.probabilities[[2, 89, 249]], rtol=1e-9, atol=1e-12)


def test_one_class_only() -> None:
    for code in ("NGS", "PLM", "MAS"):
        found = fitted(draw(100, codes=(code,) * 60)[0])
        assert np.isfinite(found.probabilities).all()
        assert code in found.classes


@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_features_that_say_nothing(fill: float) -> None:
    given, _ = draw(100, 60)
    values = np.full_like(given.features.values, fill)
    found = fitted(replace(given, features=replace(given.features, values=values)))
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)


def test_five_thousand_cells_take_a_moment() -> None:
    given, _ = draw(5000, 200)
    memory = LearningMemory()
    learn(given, memory)
    started = time.process_time()
    cross_fit(given, memory=memory)
    assert time.process_time() - started < 2
