"""A class accepted in bulk, by keys."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.gui.keys.bindings import TABLE
from napari_bonemarrow.review import EventKind

CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def desk(analysed):
    _viewer, panel = analysed
    review, case = panel.controller.smear.review, panel.controller.smear.session.case
    bulk = TABLE.act_on(TABLE.key_of("bulk"))

    def ask(code: str):
        cells, codes = case.cells.cell_id.tolist(), case.effective_codes()
        review.navigation.select(cells[codes.index(code)], go=False)
        review.press(bulk)
        return review.bulk_accept.dialog

    return case, review, ask


def test_the_rule_is_one_act_that_undo_takes_back(desk, qtbot):
    case, review, ask = desk
    assert case.predictions.support["NGS"] is Support.TRAINED
    dialog = ask("NGS")
    assert dialog.code == "NGS"
    assert dialog.threshold == pytest.approx(0.98)
    dialog.threshold_box.setValue(0.5)
    wanted = case.bulk.acceptable("NGS", 0.5).tolist()
    assert dialog.count.text().startswith(f"{len(wanted)} cell")
    qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Return)
    assert not case.labels, "Enter alone accepts nothing"
    qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Return, CONTROL)
    assert sorted(case.labels) == wanted
    assert case.history.last.kind == EventKind.BULK_RULE
    assert case.history.last.new["threshold"] == pytest.approx(0.5)
    assert review.bulk_accept.dialog is None
    review.corrections.undo()
    assert not case.labels


def test_a_blast_is_never_accepted_unseen(desk, qtbot):
    case, _review, ask = desk
    dialog = ask("BLA")
    assert "never accepted in bulk" in dialog.missing.text()
    assert not dialog.accept_button.isEnabled()
    qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Return, CONTROL)
    assert not case.labels
    dialog.class_box.setCurrentText("NGS")
    dialog.threshold_box.setValue(0.5)
    assert not dialog.missing.text()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not case.labels
