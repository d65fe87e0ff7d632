"""The adjusted count of a case, from the errors of its model that the journal keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from napari_bonemarrow.cytology import BMC21, Predictions, Support
from napari_bonemarrow.review import Case, EventKind

ERRORS = {code: {code: 200, "NGS": 100} if code != "NGS" else {"NGS": 300} for code in BMC21}


@pytest.fixture
def measured(say: Callable[..., Predictions]) -> Callable[..., Predictions]:
    """Return a function that makes predictions by a bundle with measured errors."""

    def predictions(cell_ids: object, code: str = "NGS", sha: str = "a" * 64) -> Predictions:
        return replace(
            say(cell_ids, code, sha), support=dict.fromkeys(BMC21, Support.TRAINED), confusion=ERRORS
        )

    return predictions


def _document(case: Case) -> dict:
    return json.loads(json.dumps(case.differential().to_dict(), allow_nan=False))  # type: ignore[no-any-return]


def test_a_count_by_the_model_alone_has_an_adjusted_one(
    case: Case, measured: Callable[..., Predictions]
) -> None:
    case.model.record_predictions(measured(case.cells.cell_id))
    count = case.differential()
    assert count.row("NGS").percent == 100.0
    adjusted = count.adjusted
    assert adjusted is not None
    row = adjusted.row("NGS")
    assert row is not None
    assert row.percent < 99
    document = _document(case)["adjusted"]
    assert document["from"] == "from held-out cells, not this smear"
    assert (document["unreviewed"], document["reviewed"]) == (30, 0)


def test_reviewed_cells_are_known_and_a_reviewed_count_needs_none(
    case: Case, measured: Callable[..., Predictions]
) -> None:
    case.model.record_predictions(measured(case.cells.cell_id))
    inside = case.cells.cell_id[case.cells.in_frame]
    case.set_label(inside[:29], "NGS")
    assert _document(case)["adjusted"]["reviewed"] == 29
    case.set_label(inside, "NGS")
    assert case.differential().adjusted is None
    assert _document(case)["adjusted"] is None


def test_where_a_sample_is_estimated_that_one_rules(case: Case, measured: Callable[..., Predictions]) -> None:
    case.model.record_predictions(measured(case.cells.cell_id))
    case.sample.begin(seed=1)
    case.set_label(case.sample.next(20), "NGS")
    assert case.sample.estimate() is not None
    assert case.differential().adjusted is None
    case.sample.widen()
    assert case.differential().adjusted is not None


def test_the_errors_stand_in_the_journal_once_and_are_read_back(
    case: Case, measured: Callable[..., Predictions], say: Callable[..., Predictions]
) -> None:
    for part in np.array_split(case.cells.cell_id, 3):
        case.model.record_predictions(measured(part))
    runs = [event.new for event in case.history.events() if event.kind == EventKind.MODEL_RUN]
    assert ["confusion" in new for new in runs] == [True, False, False]
    expected = _document(case)["adjusted"]
    case.close()
    with Case.open(case.path, reviewer="Ada") as again:
        assert _document(again)["adjusted"] == expected
        assert again.predictions is not None
        assert again.predictions.confusion == ERRORS
        again.model.record_predictions(say(again.cells.cell_id, sha="b" * 64))
        assert again.differential().adjusted is None  # the other model's errors are not known


def test_without_measured_errors_or_a_trained_class_there_is_none(
    case: Case, measured: Callable[..., Predictions]
) -> None:
    support = {**dict.fromkeys(BMC21, Support.TRAINED), "HAC": Support.FEW}
    case.model.record_predictions(replace(measured(case.cells.cell_id), support=support))
    assert case.differential().adjusted is None
