"""Laboratory heads: made of cases, extended, forgotten, kept on disk, refused where they do not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import ModelReference
from napari_bonemarrow.learning.cross_fitting import cross_fit
from napari_bonemarrow.learning.errors import LearningError
from napari_bonemarrow.learning.head_files import CARD, NUMBERS, list_heads, load_head, read_card, save_head
from napari_bonemarrow.learning.laboratory_fit import TaughtCase
from napari_bonemarrow.learning.laboratory_head import LaboratoryHead, learning_curve
from napari_bonemarrow.learning.learner import learn
from napari_bonemarrow.learning.records import LearningInput
from tests.learning.drawn import KNOWN, MODEL, WIDTH, draw, share_right


def taught(given: LearningInput, case_id: str) -> TaughtCase:
    return TaughtCase.of(case_id, "2026-11-30", given.features, given.bundle, given.cell_id, given.codes)


def case(seed: int) -> TaughtCase:
    return taught(draw(150, 80, seed=seed)[0], f"case-{seed}")


@pytest.fixture(scope="module")
def head() -> LaboratoryHead:
    return LaboratoryHead.make([case(1), case(2), case(3)], MODEL, KNOWN, {"stain": "Wright"})


def test_nothing_reviewed_yet_it_names_more_than_the_bundle(head: LaboratoryHead) -> None:
    given, truth = draw(300, seed=9, laboratory=head, shift=0.2)
    found = learn(given)
    assert found.serves
    assert share_right(found.probabilities, found.classes, truth) > 0.15 + share_right(
        given.bundle.probabilities, KNOWN, truth
    )
    assert found.classes == (*KNOWN, "MAS")


def test_cross_fitted_heads_start_from_it(head: LaboratoryHead) -> None:
    given, truth = draw(400, 60, seed=9, laboratory=head, shift=0.2)
    with_it, without = cross_fit(given), cross_fit(replace(given, laboratory=None))
    assert with_it is not None
    assert without is not None
    right, less = (
        share_right(each.probabilities[60:], each.classes, truth[60:]) for each in (with_it, without)
    )
    assert right > less
    np.testing.assert_allclose(with_it.probabilities.sum(axis=1), 1)


def test_leave_one_case_out_is_measured(head: LaboratoryHead) -> None:
    measured = head.left_out
    assert measured is not None
    assert (measured.cases, measured.cells, measured.classes) == (3, 240, 6)
    assert measured.head > measured.bundle + 0.1
    assert measured.head_balanced > measured.bundle_balanced + 0.1


def test_a_single_case_has_no_such_figures() -> None:
    assert LaboratoryHead.make([case(1)], MODEL, KNOWN).left_out is None


def test_a_head_that_is_worse_than_the_bundle_is_refused() -> None:
    """Features that say nothing, labels that turn with the case, and a bundle that is always right."""
    rng = np.random.default_rng(0)
    cases = []
    for seed, usual in enumerate(("BLA", "EOS", "LYT")):
        codes = tuple(rng.choice([usual, "NGS"], 80, p=[0.9, 0.1]).tolist())
        sure = np.full((80, 5), 0.2 - 0.001, np.float16)
        sure[np.arange(80), [KNOWN.index(code) for code in codes]] = 0.204
        values = rng.normal(size=(80, 12)).astype(np.float16)
        cases.append(replace(case(seed), values=values, codes=codes, bundle=sure))
    with pytest.raises(LearningError, match="in 3 cases left out one by one"):
        LaboratoryHead.make(cases, MODEL, KNOWN)


def test_a_case_is_learnt_once_and_forgotten(head: LaboratoryHead) -> None:
    again = head.with_case(case(2))
    assert again.case_ids == ("case-1", "case-3", "case-2")
    less = head.forget("case-2")
    assert less is not None
    fresh = LaboratoryHead.make([case(1), case(3)], MODEL, KNOWN)
    np.testing.assert_array_equal(less.fit.coefficients, fresh.fit.coefficients)
    assert less.notes == {"stain": "Wright"}
    with pytest.raises(LearningError, match="has not learnt from case other"):
        head.forget("other")
    assert LaboratoryHead.make([case(1)], MODEL, KNOWN).forget("case-1") is None


def test_what_does_not_go_together_is_refused() -> None:
    one = case(1)
    with pytest.raises(LearningError, match="at least one"):
        LaboratoryHead.make([], MODEL, KNOWN)
    with pytest.raises(LearningError, match="twice"):
        LaboratoryHead.make([one, one], MODEL, KNOWN)
    with pytest.raises(LearningError, match="other classes"):
        LaboratoryHead.make([one], MODEL, KNOWN[:3])
    short = replace(case(2), axes=np.zeros((12, 7), np.float16), mean=np.zeros(7, np.float32))
    with pytest.raises(LearningError, match="7 and 40 features"):
        LaboratoryHead.make([one, short], MODEL, KNOWN)
    with pytest.raises(LearningError, match="not a number"):
        replace(one, mean=np.full(WIDTH, np.nan, np.float32))
    given, _ = draw(20)
    with pytest.raises(LearningError, match="no reviewed cells"):
        taught(given, "x")


def test_on_disk_and_back_to_the_last_bit(head: LaboratoryHead, tmp_path: Path) -> None:
    save_head(head, tmp_path / "ours")
    back = load_head(tmp_path / "ours", MODEL, WIDTH)
    given, _ = draw(100, 10, seed=8)
    one = learn(replace(given, laboratory=head))
    other = learn(replace(given, laboratory=back))
    np.testing.assert_array_equal(one.probabilities, other.probabilities)
    assert back.left_out == head.left_out
    assert back.notes == head.notes
    assert dict(back.taught) == dict(head.taught)
    assert list_heads(tmp_path) == (tmp_path / "ours",)
    assert list_heads(tmp_path / "none") == ()
    assert {path.name for path in (tmp_path / "ours").iterdir()} == {CARD, NUMBERS}
    save_head(back.with_notes({"stain": "May-Grünwald-Giemsa"}), tmp_path / "ours")
    assert read_card(tmp_path / "ours").notes == {"stain": "May-Grünwald-Giemsa"}


def test_damage_is_one_clear_line(head: LaboratoryHead, tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    save_head(head, folder)
    numbers, card = (folder / NUMBERS).read_bytes(), (folder / CARD).read_text("utf-8")
    with pytest.raises(LearningError, match="belongs to the model drawn, not to other"):
        load_head(folder, ModelReference("other", "b" * 64))
    with pytest.raises(LearningError, match="takes 40 features"):
        load_head(folder, MODEL, 39)
    (folder / NUMBERS).write_bytes(numbers[:-1])
    with pytest.raises(LearningError, match="not the file that its card names") as caught:
        load_head(folder)
    assert "\n" not in str(caught.value)
    (folder / NUMBERS).write_bytes(numbers)
    said = json.loads(card)
    for change, match in (
        ({"left_out": said["left_out"] | {"head": 0.1, "head_balanced": 0.1}}, "worse than the model alone"),
        ({"features": 39}, "do not belong together"),
        ({"cases": said["cases"] * 2}, "do not belong together"),
        ({"classes": ["BLA"]}, "do not belong together"),
        ({"schema_version": 2}, "is damaged"),
        ({"sha256": "0" * 64}, "not the file"),
    ):
        (folder / CARD).write_text(json.dumps(said | change), "utf-8")
        with pytest.raises(LearningError, match=match):
            load_head(folder)
    (folder / CARD).write_text("{", "utf-8")
    with pytest.raises(LearningError, match="is damaged"):
        load_head(folder)
    (folder / CARD).unlink()
    with pytest.raises(LearningError, match="cannot be read"):
        load_head(folder)


def test_the_files_hold_no_names(head: LaboratoryHead, tmp_path: Path) -> None:
    save_head(head, tmp_path / "ours")
    card = json.loads((tmp_path / "ours" / CARD).read_text("utf-8"))
    assert set(card["cases"][0]) == {"case_id", "date", "labels"}


def test_the_curve_rises_with_cases(head: LaboratoryHead) -> None:
    curve = learning_curve(head)
    assert [point.cases for point in curve] == [1, 2]
    assert curve[-1].measured == head.left_out
    assert curve[-1].measured.head >= curve[0].measured.head - 0.05
    assert learning_curve(LaboratoryHead.make([case(1)], MODEL, KNOWN)) == ()
