"""The choice of the counting rules in the Count tab."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_bonemarrow.gui.counting.differential_model import NAME
from napari_bonemarrow.gui.counting.rules_part import FROM_FILE


@pytest.fixture
def desk(analysed):
    """The panel in the Count tab, its case, and the part on the rules."""
    _viewer, panel = analysed
    panel.show_count()
    return panel, panel.controller.smear.session.case, panel.count_tab.rules


def _actions(part):
    part.menu.aboutToShow.emit()
    return {action.text(): action for action in part.menu.actions() if action.text()}


def test_rules_are_chosen_and_undone(desk, qtbot):
    panel, case, part = desk
    assert part.button.text() == "ICSH 2008 ▾"
    actions = _actions(part)
    assert actions["ICSH 2008"].isChecked()
    actions["ICSH 2008, M:E without monocytes"].trigger()
    assert case.counting.profile.rules.monocytes_in_me is False
    qtbot.waitUntil(lambda: part.button.text() == "ICSH 2008, M:E without monocytes ▾")
    assert "without monocytes" in panel.count_tab.ratio_text.toolTip()
    case.undo()
    qtbot.waitUntil(lambda: part.button.text() == "ICSH 2008 ▾")


def test_a_laboratorys_file_sets_the_target(desk, qtbot, tmp_path):
    panel, case, part = desk
    path = tmp_path / "ours.yaml"
    path.write_text("extends: ICSH 2008\nname: R & D\ntarget: 600\n")
    part.chosen.emit(str(path))
    assert part.button.text() == "R && D ▾"
    assert case.target == 600
    assert panel.controller.smear.session.target == 600
    assert panel.count_tab.target_text.text().endswith("for 600")


def test_a_wrong_file_is_a_notice_in_the_panel_and_changes_nothing(desk, tmp_path, notices):
    _panel, case, part = desk
    path = tmp_path / "bad.yaml"
    path.write_text("name: Bad\ntarget: none\n")
    part.chosen.emit(str(path))
    assert any("bad.yaml, line 2: target" in text for text in notices)
    assert case.counting.profile.name == "ICSH 2008"


def test_wrong_files_of_the_laboratory_are_shown_with_the_reason(desk, tmp_path, monkeypatch):
    _panel, _case, part = desk
    monkeypatch.setenv("NAPARI_BONEMARROW_HOME", str(tmp_path))
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "bad.yaml").write_text("name: Bad\ntarget: none\n")
    action = _actions(part)["bad.yaml cannot be used"]
    assert not action.isEnabled()
    assert "line 2" in action.toolTip()
    assert FROM_FILE in _actions(part)


def test_a_signed_case_keeps_its_rules(desk, qtbot):
    _panel, case, part = desk
    case.sign("Dr A", "the rest tomorrow")
    qtbot.waitUntil(lambda: not part.button.isEnabled())
    assert "signed by Dr A" in part.button.toolTip()


def test_each_row_names_its_rule_and_reference_ranges(desk):
    panel, _case, _part = desk
    model = panel.count_tab.table.model()
    tips = [model.index(row, NAME).data(Qt.ItemDataRole.ToolTipRole) for row in range(model.rowCount())]
    assert all("ICSH 2008: per cent of all nucleated cells but OTH" in tip for tip in tips)
    assert any("reference range 2–6 % (University of Iowa, adult)" in tip for tip in tips)
