"""Learning while one reviews: one lesson after another, and none where nothing may be learnt."""

from __future__ import annotations

import pytest

from napari_bonemarrow.gui.widgets.notices import LEARNING
from napari_bonemarrow.review import CaseError, EventKind


@pytest.fixture
def desk(analysed, qtbot):
    """The panel, its case with features of every cell, and its learning at rest."""
    _viewer, panel = analysed
    smear = panel.controller.smear
    case, learning = smear.session.case, smear.review.learning
    qtbot.waitUntil(lambda: case.model.features is not None and not learning.busy, timeout=20_000)
    return panel, case, learning


def _lessons(case) -> list[int]:
    """Return the number of labels of each published lesson."""
    events = case.history.events()
    return [event.new["labels"] for event in events if event.kind == EventKind.PREDICTIONS_LEARNT]


def _label_all(case) -> None:
    for cell, code in zip(case.cells.cell_id.tolist(), case.effective_codes(), strict=True):
        case.set_label(cell, code)


def test_labels_in_a_row_are_learnt_together_and_the_last_one_too(desk, qtbot):
    _panel, case, learning = desk
    _label_all(case)
    qtbot.waitUntil(lambda: not learning.busy, timeout=20_000)
    assert _lessons(case)[-1] == len(case.labels)
    assert len(_lessons(case)) < len(case.labels)
    assert case.learning.lesson() is None


def test_a_lesson_under_way_is_followed_by_one_of_what_was_said_meanwhile(desk, qtbot):
    _panel, case, learning = desk
    first, second = case.cells.cell_id[:2].tolist()
    case.set_label(first, "BLA")
    qtbot.waitUntil(lambda: learning._worker is not None)
    case.set_label(second, "BLA")
    qtbot.waitUntil(lambda: not learning.busy, timeout=20_000)
    assert _lessons(case)[-1] == 2


def test_a_full_disk_is_told_once_and_nothing_is_lost(desk, qtbot, monkeypatch, notices):
    panel, case, learning = desk

    def refuse(*_lesson):
        raise CaseError("field.bmcase: the disk is full: free some space and do it again")

    with monkeypatch.context() as full:
        full.setattr(case.learning, "record", refuse)
        for cell in case.cells.cell_id[:3].tolist():
            case.set_label(cell, "BLA")
            qtbot.waitUntil(lambda: not learning.busy, timeout=20_000)
        assert [text for text in notices if "disk is full" in text] == notices[-1:]
        assert len(case.labels) == 3
    case.set_label(int(case.cells.cell_id[3]), "BLA")
    qtbot.waitUntil(lambda: not learning.busy, timeout=20_000)
    assert _lessons(case)[-1] == 4
    assert all(notice.cause != LEARNING for notice in panel.controller.notices.open)


def test_nothing_is_learnt_in_a_blind_reading_or_after_a_signature(desk, qtbot):
    panel, case, learning = desk
    _label_all(case)
    qtbot.waitUntil(lambda: not learning.busy, timeout=20_000)
    count = len(_lessons(case))
    panel.controller.smear.counting.readers.begin("Dr B")
    for cell in case.cells.cell_id[:3].tolist():
        case.set_label(cell, "PLM")
    qtbot.waitUntil(lambda: not learning.busy, timeout=20_000)
    assert len(_lessons(case)) == count
    assert panel.review_tab.heading.teaching_text.text() == ""
    assert not panel.review_tab.learning_box.isVisible()


def test_a_lesson_of_a_smear_that_was_left_is_never_written(desk, qtbot):
    panel, case, learning = desk
    path = case.path
    case.set_label(int(case.cells.cell_id[0]), "BLA")
    qtbot.waitUntil(lambda: learning._worker is not None)
    panel.controller.leave_smear()
    assert panel.review_tab.heading.teaching_text.text() == ""
    assert path.is_file()


def test_the_switch_is_a_box_and_a_key(desk, qtbot):
    panel, case, learning = desk
    _label_all(case)
    qtbot.waitUntil(lambda: not learning.busy, timeout=20_000)
    assert panel.review_tab.heading.teaching_text.text()
    panel.review_tab.learning_box.click()
    assert not case.learning.on
    assert "model alone predicts" in panel.review_tab.heading.teaching_text.text()
    panel.controller.smear.review.learning.switch(True)
    assert panel.review_tab.learning_box.isChecked()
