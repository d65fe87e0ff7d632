"""Learning from labels: what shows, what does not, and that it depends on nothing but its input."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from napari_bonemarrow.learning.learner import LEAST_LABELS, LearningMemory, fit_counts, learn
from napari_bonemarrow.learning.records import LearningInput, Learnt
from tests.learning.drawn import KNOWN, TRUTH, draw, share_right


def labelled(given: LearningInput, *labels: tuple[int, str]) -> LearningInput:
    """Return the smear with these labels instead of its own."""
    ids = np.array([cell for cell, _ in labels], np.int64)
    return replace(given, cell_id=ids, codes=tuple(code for _, code in labels))


def assert_same(a: Learnt, b: Learnt) -> None:
    assert a.classes == b.classes
    assert a.taught_weight == b.taught_weight
    assert a.serves == b.serves
    assert dict(a.learnt_here) == dict(b.learnt_here)
    for one, other in (
        (a.probabilities, b.probabilities),
        (a.prequential.cell_id, b.prequential.cell_id),
        (a.prequential.bundle, b.prequential.bundle),
        (a.prequential.head, b.prequential.head),
    ):
        np.testing.assert_array_equal(one, other)


def assert_sound(found: Learnt, given: LearningInput) -> None:
    assert found.probabilities.dtype == np.float32
    assert found.probabilities.shape == (len(given.features), len(found.classes))
    assert np.isfinite(found.probabilities).all()
    assert (found.probabilities >= 0).all()
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)
    assert found.classes[: len(given.bundle.classes)] == given.bundle.classes
    assert 0 <= found.taught_weight <= 1
    assert len(found.prequential) == len(given.codes)
    if not found.serves:
        width = len(given.bundle.classes)
        np.testing.assert_array_equal(found.probabilities[:, :width], given.bundle.probabilities)


def test_without_labels_the_bundle_predicts() -> None:
    given, _ = draw()
    found = learn(given)
    assert not found.serves
    assert found.classes == KNOWN
    np.testing.assert_array_equal(found.probabilities, given.bundle.probabilities)
    assert_sound(found, given)


def test_forty_labels_name_more_than_the_bundle() -> None:
    given, truth = draw(400, 40)
    found = learn(given)
    alone = share_right(given.bundle.probabilities[40:], KNOWN, truth[40:])
    taught = share_right(found.probabilities[40:], found.classes, truth[40:])
    assert found.serves
    assert taught > alone + 0.15
    assert found.prequential.last(20).head.mean() > found.prequential.last(20).bundle.mean()
    assert_sound(found, given)


def test_a_bundle_that_is_right_stays_as_it_is() -> None:
    given, truth = draw(300, 60, right=1.0, spread=3.0, truth=KNOWN[:4])
    sure = np.full((300, 5), 0.0025, np.float32)
    sure[np.arange(300), [KNOWN.index(code) for code in truth]] = 0.99
    given = replace(given, bundle=replace(given.bundle, probabilities=sure))
    found = learn(given)
    assert share_right(found.probabilities, found.classes, truth) == 1.0


def test_labels_that_teach_nothing_do_not_show() -> None:
    given, truth = draw(300, 40, right=0.95, truth=KNOWN[:4])
    rng = np.random.default_rng(3)
    noise = rng.normal(size=given.features.values.shape).astype(np.float16)
    given = replace(given, features=replace(given.features, values=noise))
    found = learn(given)
    alone = share_right(given.bundle.probabilities[40:], KNOWN, truth[40:])
    assert share_right(found.probabilities[40:], found.classes, truth[40:]) >= alone - 0.02


@pytest.mark.parametrize("code", ["PLM", "MAS"])
def test_a_class_the_bundle_does_not_know_is_predicted_from_its_second_label(code: str) -> None:
    given, truth = draw(400, seed=4)
    of_it = np.flatnonzero(truth == code) + 1
    others = np.flatnonzero(np.isin(truth, KNOWN[:4])) + 1
    labels = [(int(cell), str(truth[cell - 1])) for cell in others[:6]]
    once = learn(labelled(given, *labels, (int(of_it[0]), code)))
    assert code not in once.learnt_here
    if code in once.classes:
        assert (once.probabilities[:, once.classes.index(code)] < 0.01).all()
    twice = learn(labelled(given, *labels, (int(of_it[0]), code), (int(of_it[1]), code)))
    assert twice.serves
    assert twice.learnt_here == {code: LEAST_LABELS}
    named = np.array(twice.classes)[twice.probabilities.argmax(axis=1)]
    assert (named[of_it[2:] - 1] == code).mean() > 0.4


def test_one_class_only() -> None:
    given, _ = draw(200)
    for count in (1, 2, 30):
        one = labelled(given, *((cell, "PLM") for cell in range(1, count + 1)))
        assert_sound(learn(one), one)


def test_contradictory_labels_on_equal_cells() -> None:
    given, _ = draw(100)
    values = given.features.values.copy()
    values[:20] = values[0]
    given = replace(given, features=replace(given.features, values=values))
    given = labelled(given, *((cell, ("BLA", "LYT")[cell % 2]) for cell in range(1, 21)))
    found = learn(given)
    assert_sound(found, given)
    assert found.probabilities[0].max() < 0.95


@pytest.mark.parametrize("fill", [0.0, 3.0, np.nan, np.inf])
def test_features_that_say_nothing(fill: float) -> None:
    given, _ = draw(60, 30)
    values = np.full_like(given.features.values, fill)
    given = replace(
        given,
        features=replace(given.features, values=values),
        diameter_um=np.full(60, 8.0, np.float32),
    )
    assert_sound(learn(given), given)


def test_a_smear_of_few_cells_all_labelled() -> None:
    for cells in (1, 2, 5):
        given, _ = draw(cells, cells)
        assert_sound(learn(given), given)


def test_a_smear_without_cells() -> None:
    given, _ = draw(20)
    none = np.zeros(20, bool)
    given = replace(
        given,
        features=given.features.select(none),
        bundle=given.bundle.select(none),
        diameter_um=given.diameter_um[none],
    )
    assert learn(given).probabilities.shape == (0, len(KNOWN))


@settings(max_examples=25)
@drawn(
    st.lists(
        st.tuples(st.integers(1, 60), st.sampled_from(TRUTH)), max_size=14, unique_by=lambda pair: pair[0]
    ),
    st.lists(st.tuples(st.integers(0, 14), st.sampled_from(TRUTH)), max_size=4),
)
def test_a_memory_changes_no_number(labels: list[tuple[int, str]], acts: list[tuple[int, str]]) -> None:
    """Labels one after the other, some changed or undone: always as without a memory, to the last bit."""
    given, _ = draw(60, seed=2)
    memory = LearningMemory()
    now: list[tuple[int, str]] = []
    for label in labels:
        now.append(label)
        assert_same(learn(labelled(given, *now), memory), learn(labelled(given, *now)))
    for at, code in acts:
        if at < len(now) and now[at][1] != code:
            now[at] = (now[at][0], code)
        elif now:
            now.pop(at % len(now))
        assert_same(learn(labelled(given, *now), memory), learn(labelled(given, *now)))


def test_undo_gives_the_numbers_of_before() -> None:
    given, _ = draw(300, 120)
    memory = LearningMemory()
    before = learn(given, memory)
    more = labelled(given, *zip(range(1, 121), given.codes, strict=True), (200, "MAS"))
    learn(more, memory)
    assert_same(learn(given, memory), before)
    assert_same(learn(given), before)


def test_a_memory_notices_other_cells() -> None:
    first, _ = draw(100, 20, seed=1)
    other, _ = draw(100, 20, seed=5)
    memory = LearningMemory()
    learn(first, memory)
    assert_same(learn(other, memory), learn(other))


def test_the_order_of_labels_counts_only_for_the_weights() -> None:
    given, _ = draw(200, 30)
    pairs = list(zip(given.cell_id.tolist(), given.codes, strict=True))
    turned = learn(labelled(given, *pairs[::-1]))
    straight = learn(given)
    named = (turned.probabilities.argmax(axis=1) == straight.probabilities.argmax(axis=1)).mean()
    assert named > 0.95


def test_fits_follow_the_number_of_labels_alone() -> None:
    counts = fit_counts(20_000)
    assert counts[:50] == list(range(1, 51))
    assert np.all(np.diff(counts) >= 1)
    assert len(counts) < 150
    assert fit_counts(500) == [count for count in counts if count <= 500]
    assert fit_counts(0) == []


def test_twenty_thousand_labels_take_seconds() -> None:
    given, truth = draw(20_500, 20_000)
    started = time.process_time()
    found = learn(given)
    assert time.process_time() - started < 20
    assert share_right(found.probabilities[20_000:], found.classes, truth[20_000:]) > 0.85


def test_importing_it_loads_no_heavy_library() -> None:
    program = (
        "import sys, napari_bonemarrow.learning.learner, napari_bonemarrow.learning.head_files;"
        "print([name for name in ('torch', 'qtpy', 'sklearn', 'scipy', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
