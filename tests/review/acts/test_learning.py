"""What reviewed cells teach: published, taken back, switched, replayed, and never from the wrong labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_bonemarrow.cytology import BMC21, Cells, Features, Frame, ModelReference, Predictions, Support
from napari_bonemarrow.review import Case, CaseError, EventKind
from napari_bonemarrow.slides import Slide

CODES = ("NGS", "PLM", "EBO", "LYT")
MODEL = ModelReference("starter", "a" * 64)


def features_of(cells: Cells, kinds: np.ndarray) -> Features:
    """Return features in which the cells of a kind lie together."""
    rng = np.random.default_rng(3)
    centres = 4 * np.eye(len(CODES), 8)
    values = centres[kinds] + rng.normal(0, 0.3, (len(cells), 8))
    return Features(
        cells.cell_id,
        (values - values.mean(0)).astype(np.float16),
        MODEL,
        np.zeros(16, np.float32),
        np.eye(8, 16, dtype=np.float32),
    )


def say_nothing_new(cells: Cells) -> Predictions:
    """Return predictions that call every cell a segmented neutrophil, and have not learnt plasma cells."""
    probabilities = np.full((len(cells), len(BMC21)), 0.02, np.float32)
    probabilities[:, BMC21.index("NGS")] = 0.6
    support = dict.fromkeys(BMC21, Support.TRAINED) | {"PLM": Support.NONE}
    return Predictions(cells.cell_id, probabilities, BMC21, support, MODEL)


@pytest.fixture
def kinds() -> np.ndarray:
    return np.arange(40) % len(CODES)


@pytest.fixture
def classified(case: Case, kinds: np.ndarray) -> Case:
    """A case of 40 cells of four kinds, with predictions and features."""
    case.model.record_predictions(say_nothing_new(case.cells))
    case.model.record_features(features_of(case.cells, kinds))
    return case


def teach(case: Case, kinds: np.ndarray, cells: range) -> None:
    for cell in cells:
        case.set_label(cell, CODES[kinds[cell - 1]])
        case.learning.bring_up_to_date()


def published(case: Case) -> list[Any]:
    return [event for event in case.history.events() if event.kind == EventKind.PREDICTIONS_LEARNT]


def numbers(case: Case) -> tuple[Any, ...]:
    """Return everything that predicts, to the last digit."""
    predictions = case.predictions
    assert predictions is not None
    return predictions.classes, predictions.probabilities.tobytes(), case.learning.predicted_by


def test_the_rest_follows_what_is_named(classified: Case, kinds: np.ndarray) -> None:
    before = classified.effective_codes()
    teach(classified, kinds, range(1, 25))
    rest = slice(24, 40)
    right = [CODES[kind] for kind in kinds[rest]]
    assert before[rest] == ["NGS"] * 16
    assert classified.effective_codes()[rest] == right
    assert classified.learning.serves
    assert classified.learning.predicted_by == "starter+case"
    assert classified.learning.learnt_here == {"PLM": 6}
    top, confidence = classified.learning.bundle_guesses()
    assert len(top) == 40
    assert np.allclose(confidence, 0.6)


def test_a_label_is_predicted_before_it_is_learnt(classified: Case, kinds: np.ndarray) -> None:
    teach(classified, kinds, range(1, 25))
    told = classified.learning.prequential
    assert told is not None
    assert told.cell_id.tolist() == list(range(1, 25))
    assert not told.head[: len(CODES)].all()  # no class is known before its first cell
    assert told.bundle.tolist() == [kinds[cell - 1] == 0 for cell in range(1, 25)]


def test_learning_changes_no_label_and_is_not_undone(classified: Case, kinds: np.ndarray) -> None:
    teach(classified, kinds, range(1, 20))
    labels = {cell: label.code for cell, label in classified.labels.items()}
    assert labels == {cell: CODES[kinds[cell - 1]] for cell in range(1, 20)}
    classified.undo()
    assert 19 not in classified.labels


def test_undo_unlearns_to_the_last_digit(classified: Case, kinds: np.ndarray) -> None:
    teach(classified, kinds, range(1, 20))
    before = numbers(classified)
    classified.set_label(30, "BLA")
    classified.learning.bring_up_to_date()
    assert numbers(classified) != before
    classified.undo()
    classified.learning.bring_up_to_date()
    assert numbers(classified) == before


def test_reopening_gives_the_same_numbers(classified: Case, kinds: np.ndarray, tmp_path: Path) -> None:
    teach(classified, kinds, range(1, 25))
    classified.set_label(30, "BLA")  # not learnt yet
    before, codes = numbers(classified), classified.effective_codes()
    told = classified.learning.prequential
    classified.close()
    with Case.open(classified.path, reviewer="Ada") as again:
        assert numbers(again) == before
        assert again.effective_codes() == codes
        assert again.learning.prequential is not None
        assert again.learning.prequential.head.tolist() == told.head.tolist()
        assert again.learning.lesson() is not None
        again.learning.bring_up_to_date()
        assert again.learning.lesson() is None
        count = len(published(again))
        again.learning.bring_up_to_date()
        assert len(published(again)) == count


def test_a_label_given_meanwhile_is_learnt_next(classified: Case, kinds: np.ndarray) -> None:
    teach(classified, kinds, range(1, 24))
    classified.set_label(24, CODES[kinds[23]])
    lesson = classified.learning.lesson()
    taught = lesson.learn()
    classified.set_label(25, "BLA")
    assert classified.learning.record(lesson, taught) is not None
    shown = numbers(classified)
    classified.close()
    with Case.open(classified.path, reviewer="Ada") as again:
        assert numbers(again) == shown  # what was shown, learnt without the newest label
        assert len(again.learning.lesson().given.cell_id) == 25


def test_a_lesson_of_other_cells_is_not_published(classified: Case, kinds: np.ndarray) -> None:
    classified.set_label(1, "NGS")
    lesson = classified.learning.lesson()
    taught = lesson.learn()
    classified.cell_edits.add(200.0, 150.0)
    assert classified.learning.record(lesson, taught) is None
    assert not published(classified)


def test_the_switch_shows_the_bundle_again(classified: Case, kinds: np.ndarray) -> None:
    teach(classified, kinds, range(1, 25))
    taught = numbers(classified)
    assert classified.learning.switch(False) is not None
    assert classified.learning.switch(False) is None
    assert set(classified.effective_codes()[24:]) == {"NGS"}
    assert classified.learning.predicted_by == "starter"
    assert classified.learning.lesson() is None
    classified.close()
    with Case.open(classified.path, reviewer="Ada") as again:
        assert set(again.effective_codes()[24:]) == {"NGS"}
        again.learning.switch(True)
        assert numbers(again) == taught


def test_another_bundle_begins_again(
    classified: Case, kinds: np.ndarray, say: Callable[..., Predictions]
) -> None:
    teach(classified, kinds, range(1, 25))
    classified.model.record_predictions(say(classified.cells.cell_id, "MON", sha="b" * 64))
    assert not classified.learning.serves
    assert set(classified.effective_codes()[24:]) == {"MON"}
    assert classified.learning.lesson() is None  # its features are not there yet
    classified.close()
    with Case.open(classified.path, reviewer="Ada") as again:
        assert set(again.effective_codes()[24:]) == {"MON"}
        assert len(published(again)) == 24  # what the old one said stays in the journal


def test_imported_labels_teach_once_vouched_for(classified: Case, kinds: np.ndarray) -> None:
    labels = {cell: CODES[kinds[cell - 1]] for cell in range(1, 25)}
    classified.edits.import_labels(labels, "c" * 64)
    assert classified.learning.lesson() is None
    classified.edits.import_labels(labels, "c" * 64, vouch=True)
    classified.learning.bring_up_to_date()
    assert classified.learning.serves


def test_a_blind_reading_learns_and_shows_nothing(classified: Case, kinds: np.ndarray) -> None:
    teach(classified, kinds, range(1, 25))
    classified.readings.begin_second("Bob")
    classified.reviewer = "Bob"
    assert classified.learning.lesson() is None
    assert classified.learning.predicted_by == ""
    assert not classified.learning.serves
    assert set(classified.effective_codes()) == {""}


def test_a_signature_over_taught_counts_holds(classified: Case, kinds: np.ndarray) -> None:
    teach(classified, kinds, range(1, 25))
    classified.sign("Ada", "enough for today")
    signed = classified.differential().to_dict()
    assert classified.learning.lesson() is None
    classified.sign_off.begin_amendment("one more")
    teach(classified, kinds, range(25, 30))
    classified.close()
    with Case.open(classified.path, reviewer="Ada") as again:
        assert again.verification.ok
        counts = {row["code"]: row["count"] for row in signed["classes"] if row["count"]}
        assert again.sign_off.signatures[0].counts == counts


def test_a_line_that_learnt_from_other_labels_is_refused(classified: Case, kinds: np.ndarray) -> None:
    teach(classified, kinds, range(1, 25))
    last = published(classified)[-1]
    core = classified.learning._core
    from napari_bonemarrow.review.journal.events import Draft

    core.journal.append(
        Draft(EventKind.PREDICTIONS_LEARNT, new={**last.new, "sha256": "0" * 64}, source="rule"), "Ada", None
    )
    classified.close()
    with pytest.raises(CaseError, match="makes no sense"):
        Case.open(classified.path)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(st.tuples(st.integers(1, 40), st.sampled_from([*CODES, "", "undo", "redo"])), max_size=25)
)
def test_any_acts_give_the_head_of_a_replay(
    acts: list[tuple[int, str]],
    slide: Slide,
    frame: Frame,
    find: Callable[..., Cells],
    kinds: np.ndarray,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("acts") / "smear.bmcase"
    with Case.create(path, slide, reviewer="Ada") as case:
        case.sampling.set_frame(frame, target=100)
        case.detection.record(find())
        case.model.record_predictions(say_nothing_new(case.cells))
        case.model.record_features(features_of(case.cells, kinds))
        for cell, act in acts:
            if act == "undo":
                case.undo()
            elif act == "redo":
                case.redo()
            else:
                case.set_label(cell, act or None)
            case.learning.bring_up_to_date()
        shown, codes = numbers(case), case.effective_codes()
    with Case.open(path, reviewer="Ada") as again:
        assert numbers(again) == shown
        assert again.effective_codes() == codes
